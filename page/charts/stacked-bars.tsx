import { shortDay } from '../days.ts';
import { ValueAxis } from './value-axis.tsx';
import { scaleOf, useWidth } from './width.ts';

/** One series: a name, and a value per day; null where there are no data. */
export interface Series {
  name: string;
  values: readonly (number | null)[];
}

interface StackedBarsProps {
  label: string;
  days: readonly string[];
  series: readonly Series[];
  /** days that are not complete */
  partial: ReadonlySet<string>;
  titleOf: (series: number, day: number) => string;
}

const height = 260;
const [top, bottom, left] = [10, 26, 46];

/** Bars per day; what is negative goes below the line. */
export function StackedBars({ label, days, series, partial, titleOf }: StackedBarsProps) {
  const { ref, width } = useWidth();
  const sums = days.map((_, day) => stack(series, day));
  const scale = scaleOf(
    Math.min(...sums.map(({ low }) => low)),
    Math.max(...sums.map(({ high }) => high)),
    height - bottom,
    top,
  );
  const step = (width - left) / Math.max(days.length, 1);
  const bar = Math.min(step * 0.78, 46);
  const every = Math.ceil(days.length / Math.max(1, Math.floor((width - left) / 58)));
  return (
    <div ref={ref} class="chart">
      <svg role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        <defs>
          <pattern
            id="partial-day"
            width="6"
            height="6"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect width="2" height="6" class="hatch" />
          </pattern>
        </defs>
        <ValueAxis scale={scale} left={left} width={width} />
        {days.map((day, index) => {
          const x = left + step * index + (step - bar) / 2;
          const { parts, low, high } = sums[index] ?? { parts: [], low: 0, high: 0 };
          return (
            <g key={day}>
              {parts.map(({ series: number, from, to }) => (
                <rect
                  key={number}
                  class={`series s${number}`}
                  x={x}
                  width={bar}
                  y={Math.min(scale.at(from), scale.at(to))}
                  height={Math.abs(scale.at(from) - scale.at(to))}
                >
                  <title>{titleOf(number, index)}</title>
                </rect>
              ))}
              {partial.has(day) && parts.length > 0 && (
                <rect
                  class="partial"
                  x={x}
                  width={bar}
                  y={scale.at(high)}
                  height={scale.at(low) - scale.at(high)}
                  fill="url(#partial-day)"
                />
              )}
              {index % every === 0 && (
                <text x={x + bar / 2} y={height - 8} class="axis middle">
                  {shortDay(day)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

/** The parts of a day's bar, from the line upwards and downwards. */
function stack(series: readonly Series[], day: number) {
  let [low, high] = [0, 0];
  const parts: { series: number; from: number; to: number }[] = [];
  series.forEach(({ values }, number) => {
    const value = values[day] ?? 0;
    if (value === 0) return;
    const from = value > 0 ? high : low;
    parts.push({ series: number, from, to: from + value });
    if (value > 0) high += value;
    else low += value;
  });
  return { parts, low, high };
}

/** Names of the series, in the order of the stack. */
export function Legend({ names }: { names: readonly string[] }) {
  return (
    <ul class="legend">
      {names.map((name, index) => (
        <li key={name}>
          <svg width="12" height="12" aria-hidden="true">
            <rect width="12" height="12" rx="2" class={`series s${index}`} />
          </svg>
          {name}
        </li>
      ))}
    </ul>
  );
}
