import { describe, expect, test } from 'vitest';
import { isWithinRetention, rowWindow } from '../../domain/retention.ts';

const now = (text: string, retentionMonths = 4) => ({ nowMs: Date.parse(text), retentionMonths });

describe('the retention gate', () => {
  // Four months back from October is June: its last day at 00:00 decides.
  test.for([
    ['2026-06-30T00:00:00.000000Z', true],
    ['2026-06-29T23:59:59.999999Z', false],
    ['2026-06-30T17:59:59.000000Z', true],
    ['2026-10-13T00:00:00.000000Z', true],
    ['2020-01-01T00:00:00.000000Z', false],
  ] as const)('a payload that ends at %s is taken in October 2026: %j', ([end, taken]) => {
    expect(isWithinRetention({ date: '2019-01-01T00:00:00.000000Z', end }, now('2026-10-13T08:00:00Z'))).toBe(
      taken,
    );
  });

  test.for([
    ['2026-06-01T00:00:00.000000Z', true],
    ['2026-05-31T23:59:59.000000Z', false],
  ] as const)('a payload without end, made at %s, counts to the end of that month: %j', ([date, taken]) => {
    expect(isWithinRetention({ date }, now('2026-10-13T08:00:00Z'))).toBe(taken);
  });

  test('the clock turns to the next month at midnight UTC', () => {
    const manifest = { date: '2026-06-30T12:00:00.000000Z', end: '2026-06-30T11:59:59.000000Z' };
    expect(isWithinRetention(manifest, now('2026-10-31T23:59:59.999Z'))).toBe(true);
    expect(isWithinRetention(manifest, now('2026-11-01T00:00:00Z'))).toBe(false);
  });

  test('the number of months is respected across a year', () => {
    const manifest = { date: '2025-11-30T12:00:00.000000Z', end: '2025-11-30T11:59:59.000000Z' };
    expect(isWithinRetention(manifest, now('2026-02-10T00:00:00Z', 3))).toBe(true);
    expect(isWithinRetention(manifest, now('2026-02-10T00:00:00Z', 2))).toBe(false);
  });
});

describe('the window for rows', () => {
  test('reaches from the first of the oldest month to a day after now', () => {
    const window = rowWindow(now('2026-02-10T08:30:00Z', 3));
    expect(new Date(window.fromMs).toISOString()).toBe('2025-11-01T00:00:00.000Z');
    expect(new Date(window.untilMs).toISOString()).toBe('2026-02-11T08:30:00.000Z');
  });
});
