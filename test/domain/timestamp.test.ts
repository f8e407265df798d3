import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTimestamp, parseTimestamp } from '../../domain/time/timestamp.ts';

function canonical(text: string): string | undefined {
  const parsed = parseTimestamp(text);
  return parsed === undefined ? undefined : formatTimestamp(parsed);
}

describe('times in payloads', () => {
  test.for([
    ['2026-10-01 00:00:00 +0000 UTC', '2026-10-01T00:00:00.000000Z'],
    ['2026-10-01 13:59:59 +0000 UTC', '2026-10-01T13:59:59.000000Z'],
    ['2026-10-01 13:59:59.123456789 +0000 UTC', '2026-10-01T13:59:59.123456Z'],
    ['2026-10-01T13:59:59Z', '2026-10-01T13:59:59.000000Z'],
    ['2026-10-01T13:59:59', '2026-10-01T13:59:59.000000Z'],
    ['2026-10-01 13:59:59.5', '2026-10-01T13:59:59.500000Z'],
    ['2026-10-01 13:59:59,25', '2026-10-01T13:59:59.250000Z'],
    ['2026-10-01T13:59:59.123456789Z', '2026-10-01T13:59:59.123456Z'],
    ['2026-10-01T13:59:59.999999999Z', '2026-10-01T13:59:59.999999Z'],
    ['2026-10-01T13:59Z', '2026-10-01T13:59:00.000000Z'],
    ['2026-10-01', '2026-10-01T00:00:00.000000Z'],
    ['2026-10-01T00:30:00+02:00', '2026-09-30T22:30:00.000000Z'],
    ['2026-10-01T00:30:00+0200', '2026-09-30T22:30:00.000000Z'],
    ['2026-09-30T22:30:00-05', '2026-10-01T03:30:00.000000Z'],
    ['2026-10-01T00:00:00-00:30', '2026-10-01T00:30:00.000000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
    ['0099-03-01T00:00:00Z', '0099-03-01T00:00:00.000000Z'],
    ['1969-12-31T23:59:59.000001Z', '1969-12-31T23:59:59.000001Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
  ] as const)('%s is read as %s', ([text, expected]) => {
    expect(canonical(text)).toBe(expected);
  });

  test.for([
    '',
    ' ',
    'never',
    '2026',
    '2026-10',
    '2026-10-01 ',
    ' 2026-10-01',
    '2026-10-01T',
    '2026-10-01T12',
    '2026-10-01T24:00:00Z',
    '2026-10-01T12:60:00Z',
    '2026-10-01T12:00:60Z',
    '2026-10-01T12:00:00.Z',
    '2026-10-01T12:00:00.1234567890Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '2026-10-01T12:00:00+24:00',
    '2026-10-01T12:00:00+02:60',
    '2026-10-01 00:00:00 +0200 CEST',
    '2026-10-01 00:00:00 +0000 UTC m=+0.01',
    '2026-10-01 00:00:00 UTC',
    '1790812800',
    '01/10/2026',
    '2026-10-01T00:00:00Z; drop table x',
    // An offset must not carry the instant out of the calendar.
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
  ])('%j is no time', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  test('every instant written as ISO 8601 is read exactly, in each of the spellings', () => {
    const instants = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instants, (instant) => {
        const iso = instant.toISOString();
        for (const text of [iso, iso.slice(0, -1), iso.replace('T', ' ').replace('Z', ' +0000 UTC')])
          expect(parseTimestamp(text)?.epochMs).toBe(instant.getTime());
      }),
    );
  });

  test('what was formatted is read back as the same instant, and texts compare as instants do', () => {
    const times = fc.record({
      seconds: fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }),
      microseconds: fc.integer({ min: 0, max: 999_999 }),
    });
    const toTimestamp = ({ seconds, microseconds }: { seconds: number; microseconds: number }) => ({
      epochMs: seconds * 1000 + Math.floor(microseconds / 1000),
      microseconds,
    });
    fc.assert(
      fc.property(times, times, (left, right) => {
        const [a, b] = [formatTimestamp(toTimestamp(left)), formatTimestamp(toTimestamp(right))];
        expect(parseTimestamp(a)).toEqual(toTimestamp(left));
        const order = left.seconds - right.seconds || left.microseconds - right.microseconds;
        expect(Math.sign(order)).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });
});
