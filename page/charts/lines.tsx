import { ValueAxis } from './value-axis.tsx';
import { scaleOf, useWidth } from './width.ts';

/** A line over the days of a range; it ends where its values do. */
export interface Line {
  name: string;
  values: readonly number[];
  dashed?: boolean;
}

const height = 180;
const [top, bottom, left, right] = [10, 24, 46, 8];

/** Cumulative values of two periods over the number of the day. */
export function Lines({ label, lines, count }: { label: string; lines: readonly Line[]; count: number }) {
  const { ref, width } = useWidth();
  const all = lines.flatMap(({ values }) => values);
  const scale = scaleOf(Math.min(...all, 0), Math.max(...all, 0), height - bottom, top);
  const step = (width - left - right) / Math.max(count - 1, 1);
  const every = Math.ceil(count / Math.max(1, Math.floor((width - left) / 48)));
  return (
    <div ref={ref} class="chart">
      <svg role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        <ValueAxis scale={scale} left={left} width={width} />
        {Array.from({ length: count }, (_, day) => day)
          .filter((day) => day % every === 0)
          .map((day) => (
            <text key={day} x={left + step * day} y={height - 6} class={day === 0 ? 'axis' : 'axis middle'}>
              {`${day === 0 ? 'day ' : ''}${day + 1}`}
            </text>
          ))}
        {lines.map(({ name, values, dashed }, index) => (
          <g key={name}>
            <polyline
              class={`line l${index} ${dashed === true ? 'dashed' : ''}`}
              points={values.map((value, day) => `${left + step * day},${scale.at(value)}`).join(' ')}
            />
            {values.length > 0 && (
              <circle
                class={`point l${index}`}
                r="3.5"
                cx={left + step * (values.length - 1)}
                cy={scale.at(values.at(-1) ?? 0)}
              />
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}
