import { expect, test } from 'vitest';
import { hourRanges } from '../../domain/time/live-hours.ts';

test.each([
  [[], ''],
  [[7], '7'],
  [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], '0–11'],
  [[0, 1, 5, 12, 13, 14, 23], '0–1, 5, 12–14, 23'],
])('hours %j are written %j', (hours, text) => {
  expect(hourRanges(hours)).toBe(text);
});
