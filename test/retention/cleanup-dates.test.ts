import { expect, test } from 'vitest';
import { stagingCutoff } from '../../domain/run/cleanup.ts';
import { firstDayKept } from '../../domain/time/retention.ts';

test.each([
  ['2026-07-13T00:00:00Z', 4, '2026-04-01'],
  ['2026-07-01T00:00:00Z', 4, '2026-04-01'],
  ['2026-06-30T23:59:59.999Z', 4, '2026-03-01'],
  ['2026-02-28T12:00:00Z', 3, '2025-12-01'],
  ['2026-01-01T00:00:00Z', 1, '2026-01-01'],
  ['2026-05-31T00:00:00Z', 120, '2016-06-01'],
])('at %s, %i months are kept from %s on', (now, months, expected) => {
  expect(firstDayKept(new Date(now), months)).toBe(expected);
});

test('staging is old when it ends a number of days of 24 hours ago', () => {
  expect(stagingCutoff(new Date('2026-03-08T02:30:00Z'), 7).toISOString()).toBe('2026-03-01T02:30:00.000Z');
});
