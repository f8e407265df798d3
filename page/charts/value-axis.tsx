import { compact } from '../format.ts';
import type { scaleOf } from './width.ts';

/** Lines across a chart at the ticks of its scale, with their amounts to the left. */
export function ValueAxis({
  scale,
  left,
  width,
}: {
  scale: ReturnType<typeof scaleOf>;
  left: number;
  width: number;
}) {
  return scale.ticks.map((tick) => (
    <g key={tick}>
      <line
        x1={left}
        x2={width}
        y1={scale.at(tick)}
        y2={scale.at(tick)}
        class={tick === 0 ? 'zero' : 'grid'}
      />
      <text x={left - 6} y={scale.at(tick) + 4} class="axis end">
        {compact(tick)}
      </text>
    </g>
  ));
}
