import type { Figures, GrowthFigures } from './figures.ts';
import type { ShapeName } from './payload/shapes.ts';

/** A figure that is promised. */
export interface Verdict {
  /** what is judged, for people */
  target: string;
  limit: number;
  /** NaN when the machine could not tell it: then the target is not met */
  found: number;
  unit: 'ratio' | 's' | 'MB';
  met: boolean;
}

interface Target {
  target: string;
  shapes: readonly ShapeName[];
  limit: number;
  unit: Verdict['unit'];
  figure: (figures: Figures) => number;
}

const everyShape: readonly ShapeName[] = [
  'small',
  'medium',
  'large',
  'xl',
  'month',
  'labels',
  'month_cm',
  'xl_cm',
];
const megabyte = 1_000_000;
const memoryTarget = 'peak memory of the worker';
const maxMemoryMegabytes = 300;

const seconds = (shape: ShapeName, limit: number): Target => ({
  target: 'whole workflow',
  shapes: [shape],
  limit,
  unit: 's',
  figure: ({ totalMs }) => totalMs / 1_000,
});

const targets: readonly Target[] = [
  {
    target: 'split + archive + stage / plain COPY',
    shapes: ['xl'],
    limit: 1.8,
    unit: 'ratio',
    figure: (figures) => figures.loadRatio,
  },
  {
    target: 'split + archive + stage / plain COPY',
    shapes: ['labels'],
    limit: 2.5,
    unit: 'ratio',
    figure: (figures) => figures.loadRatio,
  },
  {
    target: 'staging alone / plain COPY',
    shapes: ['xl'],
    limit: 1.2,
    unit: 'ratio',
    figure: (figures) => figures.stageRatio,
  },
  {
    target: 'aggregation of all tables / plain GROUP BY',
    shapes: ['xl'],
    limit: 4,
    unit: 'ratio',
    figure: (figures) => figures.aggregationRatio,
  },
  {
    target: 'whole workflow / plain COPY and GROUP BY',
    shapes: ['xl'],
    limit: 2.2,
    unit: 'ratio',
    figure: (figures) => figures.totalRatio,
  },
  seconds('small', 1),
  seconds('medium', 2),
  seconds('large', 4),
  seconds('xl', 30),
  seconds('month', 6),
  seconds('labels', 15),
  seconds('month_cm', 11),
  {
    target: 'costs and report tables',
    shapes: ['month_cm'],
    limit: 5,
    unit: 's',
    figure: ({ costMs }) => (costMs ?? NaN) / 1_000,
  },
  {
    target: memoryTarget,
    shapes: everyShape,
    limit: maxMemoryMegabytes,
    unit: 'MB',
    figure: ({ peakRssBytes }) => peakRssBytes / megabyte,
  },
  {
    target: 'staging per day',
    shapes: ['large'],
    limit: 20,
    unit: 'MB',
    figure: ({ stagingBytesPerDay }) => stagingBytesPerDay / megabyte,
  },
];

/** Largest slow-down of a payload by what is in the tables already: a year of many clusters, or very many labels. */
const growthLimit = 1.2;

/** Judge the medians of a shape. */
export function judge(shape: ShapeName, figures: Figures): Verdict[] {
  return targets
    .filter(({ shapes }) => shapes.includes(shape))
    .map(({ target, limit, unit, figure }) => verdict(target, limit, figure(figures), unit));
}

/** Judge a day on full tables against the same day on empty ones. */
export function judgeGrowth({ ratio }: GrowthFigures): Verdict[] {
  return [verdict('one more day on full tables / on empty ones', growthLimit, ratio, 'ratio')];
}

/** Judge a payload after one that brought in very many labels against the same payload on empty tables. */
export function judgeLater(later: ShapeName, { ratio }: GrowthFigures): Verdict[] {
  return [verdict(`a later ${later} / on empty tables`, growthLimit, ratio, 'ratio')];
}

/** Judge the peak memory of a process, the worker if none is named, in a measurement that has no shape. */
export function memoryVerdict(
  peakRssBytes: number,
  of = '',
  target = memoryTarget,
  limit = maxMemoryMegabytes,
): Verdict {
  return verdict(`${target}${of}`, limit, peakRssBytes / megabyte, 'MB');
}

/** Judge what something took. */
export function secondsVerdict(target: string, limit: number, found: number): Verdict {
  return verdict(target, limit, found, 's');
}

function verdict(target: string, limit: number, found: number, unit: Verdict['unit']): Verdict {
  return { target, limit, found, unit, met: found <= limit };
}
