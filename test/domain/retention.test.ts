import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../domain/payload/manifest.ts';
import { firstDayKept, isWithinRetention, rowWindow } from '../../domain/time/retention.ts';
import { usageDay } from '../../domain/time/usage-day.ts';

const june = usageDay('2026-06-01');

describe('the retention gate', () => {
  // Kept from June on: what ended in May or before is what the purge removes.
  test.for([
    ['2026-06-01T00:00:00.000001Z', true],
    ['2026-06-01T00:00:00.000000Z', false], // the instant before is in May
    ['2026-05-31T23:59:59.999999Z', false],
    ['2026-06-01T00:59:59.000000Z', true],
    ['2026-06-29T17:59:59.000000Z', true],
    ['2026-10-13T00:00:00.000000Z', true],
    ['2020-01-01T00:00:00.000000Z', false],
  ] as const)(
    'a payload that ends at %s is taken when June is the oldest month kept: %j',
    ([sentEnd, taken]) => {
      expect(isWithinRetention({ date: '2019-01-01T00:00:00.000000Z', sentEnd }, june)).toBe(taken);
    },
  );

  test.for([
    ['2026-06-01T00:00:00.000000Z', true],
    ['2026-06-30T23:59:59.000000Z', true],
    ['2026-05-31T23:59:59.000000Z', false],
  ] as const)('a payload without end, made at %s, counts to the end of that month: %j', ([date, taken]) => {
    expect(isWithinRetention({ date }, june)).toBe(taken);
  });

  test.for([
    // The end is pulled back to 31 July, and July is not kept: the payload's own end, in August, counts.
    ['2026-08-01T05:59:59Z', '2026-07-31T00:00:00.000000Z', true],
    ['2026-08-01T00:00:00Z', '2026-07-31T00:00:00.000000Z', false],
    ['2026-07-31T23:59:59Z', '2026-07-31T23:59:59.000000Z', false],
  ] as const)('the end %s counts as it was sent, not pulled back to %s: %j', ([sent, pulledBack, taken]) => {
    const manifest = parseManifest(
      JSON.stringify({
        uuid: '11111111-1111-4111-8111-111111111111',
        cluster_id: 'c',
        date: '2026-08-01T06:00:00Z',
        files: [],
        start: '2026-07-30T00:00:00Z',
        end: sent,
      }),
    );
    expect(manifest.end).toBe(pulledBack);
    expect(isWithinRetention(manifest, firstDayKept(Date.parse('2026-11-28T12:00:00Z'), 4))).toBe(taken);
  });

  test('the clock turns to the next month at midnight UTC', () => {
    const manifest = { date: '2026-07-31T12:00:00.000000Z', sentEnd: '2026-07-31T11:59:59.000000Z' };
    const taken = (now: string) => isWithinRetention(manifest, firstDayKept(new Date(now), 4));
    expect(taken('2026-10-31T23:59:59.999Z')).toBe(true);
    expect(taken('2026-11-01T00:00:00Z')).toBe(false);
  });

  test('the number of months is respected across a year', () => {
    const manifest = { date: '2025-12-31T12:00:00.000000Z', sentEnd: '2025-12-31T11:59:59.000000Z' };
    const taken = (months: number) =>
      isWithinRetention(manifest, firstDayKept(Date.parse('2026-02-10T00:00:00Z'), months));
    expect(taken(3)).toBe(true);
    expect(taken(2)).toBe(false);
  });
});

describe('the window for rows', () => {
  test('reaches from the first day kept, as the purge counts it, to a day after now', () => {
    const nowMs = Date.parse('2026-02-10T08:30:00Z');
    const window = rowWindow(nowMs, { months: 3 });
    expect(new Date(window.fromMs).toISOString()).toBe('2025-12-01T00:00:00.000Z');
    expect(new Date(window.untilMs).toISOString()).toBe('2026-02-11T08:30:00.000Z');
    expect(firstDayKept(nowMs, 3)).toBe('2025-12-01');
  });

  test('has no beginning where the retention cannot be read', () => {
    const window = rowWindow(Date.parse('2026-02-10T08:30:00Z'), { unreadable: 'no such table' });
    expect(window.fromMs).toBe(Number.NEGATIVE_INFINITY);
  });
});
