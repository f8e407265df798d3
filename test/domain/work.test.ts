import { expect, test } from 'vitest';
import { workBySteps, workedMs } from '../../domain/run/work.ts';
import { WorkClock } from '../../workflows/work-clock.ts';

function clockOf(spans: readonly (readonly [number, number])[]): WorkClock {
  const clock = new WorkClock();
  for (const worked of spans) clock.note('loadReportDay', { worked });
  return clock;
}

test.for<[what: string, spans: [number, number][], ms: number]>([
  [
    'one after the other',
    [
      [0, 10],
      [20, 25],
    ],
    15,
  ],
  [
    'side by side count once',
    [
      [0, 10],
      [0, 10],
      [5, 12],
    ],
    12,
  ],
  [
    'in another order',
    [
      [20, 25],
      [0, 10],
      [4, 6],
    ],
    15,
  ],
  [
    'one that joins two',
    [
      [0, 10],
      [20, 30],
      [8, 22],
    ],
    30,
  ],
  [
    'one that holds all',
    [
      [5, 6],
      [8, 9],
      [0, 20],
    ],
    20,
  ],
  [
    'that touch',
    [
      [0, 10],
      [10, 20],
    ],
    20,
  ],
  // A reset, 17 minutes later: the gap is no work.
  [
    'far apart',
    [
      [0, 400],
      [1_020_000, 1_020_600],
    ],
    1_000,
  ],
  ['a clock that was set back', [[100, 90]], 0],
])('spans: %s', ([, spans, ms]) => {
  expect(clockOf(spans).work('loading')?.ms).toBe(ms);
});

test('what is carried from run to run is added to', () => {
  const first = clockOf([[10, 20]]);
  const second = new WorkClock(first.byPhase());
  second.note('loadReportDay', { worked: [30, 35] });
  second.note('aggregateDays', { worked: [40, 41] });
  expect(second.byPhase()).toEqual({
    loading: { ms: 15, from: 10, until: 35 },
    aggregating: { ms: 1, from: 40, until: 41 },
  });
  expect(workBySteps(second.byPhase())).toEqual({
    processing: { ms: 15, from: 10, until: 35 },
    summary: { ms: 1, from: 40, until: 41 },
  });
});

test('activities that say nothing, or do no phase’s work, do not count', () => {
  const clock = new WorkClock();
  expect(clock.note('loadReportDay', { rowsLoaded: 1 })).toBeUndefined();
  expect(clock.note('recordCompletion', undefined)).toBeUndefined();
  expect(clock.note('recordFailure', { worked: [1, 2] })).toBeUndefined();
  expect(clock.byPhase()).toEqual({});
});

test('waiting is no work', () => {
  expect(workedMs({ downloading: 5, waiting: 900, blocked: 7_000, loading: 2 })).toBe(7);
});
