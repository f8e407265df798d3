import { expect, test } from 'vitest';
import { figuresOf, growthFigures, median, medianFigures } from '../../bench/figures.ts';
import { judge, judgeGrowth, judgeLater } from '../../bench/targets.ts';
import { roundRun } from './measured.ts';

const figures = figuresOf(roundRun, 2);
const found = (shape: Parameters<typeof judge>[0], changes: Partial<typeof figures> = {}) =>
  Object.fromEntries(judge(shape, { ...figures, ...changes }).map(({ target, met }) => [target, met]));

test('the figures of a run set loading against COPY and aggregation against GROUP BY', () => {
  expect(figures).toMatchObject({
    // (1 + 2) / 2, 2 / 2, (2.5 + 1 + 0.5) / 1, 8 / (2 + 1)
    loadRatio: 1.5,
    stageRatio: 1,
    aggregationRatio: 4,
    totalRatio: 8 / 3,
    // 16,000 rows in 8 s
    rowsPerSecond: 2_000,
    // 30, 4, 6 and 1 + 2 MB over two days
    stagingBytesPerDay: 15_000_000,
    relationBytesPerDay: 2_000_000,
    summaryBytesPerDay: 3_000_000,
    otherBytesPerDay: 1_500_000,
  });
});

test('a median is the middle value, and between the two in the middle of an even number', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
});

test('medians are taken figure by figure, also of the ratios of single runs', () => {
  const runs = [
    { ...figures, totalMs: 1, loadRatio: 30 },
    { ...figures, totalMs: 3, loadRatio: 10 },
    { ...figures, totalMs: 2, loadRatio: 20 },
  ];
  expect(medianFigures(runs)).toMatchObject({ totalMs: 2, loadRatio: 20 });
});

test('a figure on its limit meets the target and one beyond it misses', () => {
  expect(found('xl', { totalRatio: 2.2 })).toEqual({
    'split + archive + stage / plain COPY': true,
    'staging alone / plain COPY': true,
    'aggregation of all tables / plain GROUP BY': true,
    'whole workflow / plain COPY and GROUP BY': true,
    'whole workflow': true,
    'peak memory of the worker': true,
  });
  const beyond = {
    loadRatio: 1.81,
    stageRatio: 1.21,
    aggregationRatio: 4.01,
    totalRatio: 2.21,
    totalMs: 30_001,
  };
  expect(found('xl', beyond)).toEqual({
    'split + archive + stage / plain COPY': false,
    'staging alone / plain COPY': false,
    'aggregation of all tables / plain GROUP BY': false,
    'whole workflow / plain COPY and GROUP BY': false,
    'whole workflow': false,
    'peak memory of the worker': true,
  });
});

test('each shape has the time of its size, and only large the size of staging', () => {
  expect(found('small', { totalMs: 1_000 })['whole workflow']).toBe(true);
  expect(found('small', { totalMs: 1_001 })['whole workflow']).toBe(false);
  expect(found('month', { totalMs: 6_000 })['whole workflow']).toBe(true);
  expect(found('month', { totalMs: 6_001 })['whole workflow']).toBe(false);
  expect(found('labels', { loadRatio: 2.5 })['split + archive + stage / plain COPY']).toBe(true);
  expect(found('labels', { loadRatio: 2.51 })['split + archive + stage / plain COPY']).toBe(false);
  expect(found('large', { stagingBytesPerDay: 20_000_001 })['staging per day']).toBe(false);
  expect(Object.keys(found('small'))).toEqual(['whole workflow', 'peak memory of the worker']);
});

test('memory that the machine could not tell misses its target', () => {
  const blind = figuresOf({ ...roundRun, pipeline: { ...roundRun.pipeline, peakRssBytes: undefined } }, 1);
  expect(judge('small', blind)).toContainEqual(
    expect.objectContaining({ target: 'peak memory of the worker', found: NaN, met: false }),
  );
});

test('a payload on full tables is set against the same payload on empty ones, run by run', () => {
  const run = (emptyMs: number, fullMs: number) => ({
    empty: { ...roundRun.pipeline, totalMs: emptyMs },
    full: { ...roundRun.pipeline, totalMs: fullMs },
  });
  // Ratios 2, 1.5 and 1.1.
  const runs = [run(100, 200), run(200, 300), run(1_000, 1_100)];
  expect(growthFigures(runs)).toEqual({ emptyMs: 200, fullMs: 300, ratio: 1.5 });
  // Ratios 3, 0.5 and 1.1: the middle one is not that of the middle times, 200 and 300.
  expect(growthFigures([run(100, 300), run(600, 300), run(200, 220)])).toEqual({
    emptyMs: 200,
    fullMs: 300,
    ratio: 1.1,
  });
});

test('growth may cost a fifth', () => {
  expect(judgeGrowth({ emptyMs: 1_000, fullMs: 1_200, ratio: 1.2 })).toMatchObject([{ met: true }]);
  expect(judgeGrowth({ emptyMs: 1_000, fullMs: 1_210, ratio: 1.21 })).toMatchObject([{ met: false }]);
  expect(judgeLater('medium', { emptyMs: 1_000, fullMs: 1_210, ratio: 1.21 })).toMatchObject([
    { target: 'a later medium / on empty tables', limit: 1.2, met: false },
  ]);
});
