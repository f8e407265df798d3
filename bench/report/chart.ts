import { shapeNames } from '../payload/shapes.ts';
import type { ShapeName } from '../payload/shapes.ts';
import type { Figures } from '../figures.ts';
import type { Results } from '../results.ts';

const width = 760;
const plot = { left: 70, right: 730, top: 60, bottom: 330 };
const bars = { left: 110, right: 640, top: 420, height: 22, gap: 12 };

const phases: readonly { name: string; of: (figures: Figures) => number }[] = [
  { name: 'download', of: (figures) => figures.downloadMs },
  { name: 'split', of: (figures) => figures.splitMs },
  { name: 'stage', of: (figures) => figures.stageMs },
  { name: 'aggregate', of: (figures) => figures.aggregateMs },
  { name: 'summarise', of: (figures) => figures.summariseMs },
  { name: 'validate', of: (figures) => figures.validateMs },
];

/** Colours that can be told apart on white and on dark grey, and by people who confuse red and green. */
const style = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 15px; }
  .small { font-size: 11px; fill: #57606a; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke-width: 2.5; }
  .workflow { stroke: #0969da; } .workflow-dot { fill: #0969da; }
  .floor { stroke: #bc4c00; stroke-dasharray: 6 4; } .floor-dot { fill: #bc4c00; }
  .p0 { fill: #8c959f; } .p1 { fill: #54aeff; } .p2 { fill: #0969da; }
  .p3 { fill: #d4a72c; } .p4 { fill: #bc4c00; } .p5 { fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9198a1; } .grid { stroke: #3d444d; }
    .workflow { stroke: #4493f8; } .workflow-dot { fill: #4493f8; }
    .floor { stroke: #f0883e; } .floor-dot { fill: #f0883e; }
  }`;

interface Point {
  name: ShapeName;
  rows: number;
  totalS: number;
  floorS: number;
  figures: Figures;
}

/**
 * Draw the medians: time against rows on logarithmic axes, workflow and floor, and below it where the time goes.
 * @returns an SVG document that follows the reader's light or dark scheme; empty axes when nothing was measured
 */
export function chart(results: Results): string {
  const points = shapeNames.flatMap((name): Point[] => {
    const figures = results.shapes[name]?.median;
    if (figures === undefined) return [];
    const floorS = (figures.floorCopyMs + figures.floorGroupByMs) / 1_000;
    return [{ name, rows: figures.rowCount, totalS: figures.totalMs / 1_000, floorS, figures }];
  });
  const height = bars.top + points.length * (bars.height + bars.gap) + 40;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Time of the workflow and of the floor by rows, and share of each phase">
<style>${style}
</style>
${timeByRows(points)}
${sharesOfPhases(points)}
</svg>
`;
}

function timeByRows(points: readonly Point[]): string {
  const x = logScale(
    points.map(({ rows }) => rows),
    plot.left,
    plot.right,
  );
  const y = logScale(
    points.flatMap(({ totalS, floorS }) => [totalS, floorS]),
    plot.bottom,
    plot.top,
  );
  const grid = [
    ...x.ticks.map(
      (tick) =>
        `<line class="grid" x1="${x.at(tick)}" y1="${plot.top}" x2="${x.at(tick)}" y2="${plot.bottom}"/>` +
        text(x.at(tick), plot.bottom + 18, short(tick), 'middle', 'small'),
    ),
    ...y.ticks.map(
      (tick) =>
        `<line class="grid" x1="${plot.left}" y1="${y.at(tick)}" x2="${plot.right}" y2="${y.at(tick)}"/>` +
        text(plot.left - 8, y.at(tick) + 4, `${short(tick)} s`, 'end', 'small'),
    ),
  ];
  const sorted = [...points].sort((a, b) => a.rows - b.rows);
  const series = (kind: 'workflow' | 'floor', of: (point: Point) => number) =>
    `<polyline class="line ${kind}" points="${sorted.map((point) => `${x.at(point.rows)},${y.at(of(point))}`).join(' ')}"/>` +
    sorted
      .map((point) => `<circle class="${kind}-dot" cx="${x.at(point.rows)}" cy="${y.at(of(point))}" r="4"/>`)
      .join('');
  // Left of the point and above the line, which rises; under it where the axis is in the way.
  const labels = sorted.map((point) => {
    const [left, top] = [x.at(point.rows), y.at(point.totalS)];
    const label = `${point.name} ${seconds(point.totalS)}`;
    return left < plot.left + 100
      ? text(left, top + 20, label, 'middle')
      : text(left - 7, top - 7, label, 'end');
  });
  return [
    text(plot.left, 24, 'Time by rows of the payload', 'start', 'title'),
    `<line class="line workflow" x1="370" y1="19" x2="400" y2="19"/>${text(408, 24, 'whole workflow')}`,
    `<line class="line floor" x1="530" y1="19" x2="560" y2="19"/>${text(568, 24, 'plain COPY + GROUP BY')}`,
    ...grid,
    series('floor', ({ floorS }) => floorS),
    series('workflow', ({ totalS }) => totalS),
    ...labels,
  ].join('\n');
}

function sharesOfPhases(points: readonly Point[]): string {
  const legend = phases.map(({ name }, index) => {
    const left = bars.left + index * 100;
    return `<rect class="p${index}" x="${left}" y="${bars.top - 26}" width="12" height="12"/>${text(left + 17, bars.top - 16, name, 'start', 'small')}`;
  });
  const rows = points.map(({ name, totalS, figures }, row) => {
    const top = bars.top + row * (bars.height + bars.gap);
    const known = phases.map(({ of }) => of(figures));
    const sum = known.reduce((total, ms) => total + ms, 0);
    let left = bars.left;
    const parts = known.map((ms, index) => {
      const partWidth = ((bars.right - bars.left) * ms) / (sum === 0 ? 1 : sum);
      const part = `<rect class="p${index}" x="${round(left)}" y="${top}" width="${round(partWidth)}" height="${bars.height}"/>`;
      left += partWidth;
      return part;
    });
    const middle = top + bars.height / 2 + 5;
    return (
      text(bars.left - 10, middle, name, 'end') +
      parts.join('') +
      text(bars.right + 10, middle, seconds(totalS))
    );
  });
  return [text(plot.left, bars.top - 44, 'Where the time goes', 'start', 'title'), ...legend, ...rows].join(
    '\n',
  );
}

/** Powers of ten around the values, one apart when they are few. */
function logScale(values: readonly number[], from: number, to: number) {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive, Infinity)));
  const high = Math.ceil(Math.log10(Math.max(...positive, 0)) + 1e-9);
  const [least, most] = positive.length === 0 ? [0, 1] : [low, Math.max(high, low + 1)];
  return {
    at: (value: number) => round(from + ((Math.log10(value) - least) / (most - least)) * (to - from)),
    ticks: Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index)),
  };
}

function text(x: number, y: number, content: string, anchor = 'start', kind = ''): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${kind === '' ? '' : ` class="${kind}"`}>${content}</text>`;
}

function short(value: number): string {
  return value >= 1_000_000
    ? `${value / 1_000_000} M`
    : value.toLocaleString('en', { maximumFractionDigits: 3 });
}

function seconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
