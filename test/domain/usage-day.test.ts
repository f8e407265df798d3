import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addDays,
  addMonths,
  billingMonth,
  billingMonthOf,
  dayRange,
  daysInMonth,
  daysOfMonth,
  firstDay,
  isBillingMonth,
  isUsageDay,
  lastDay,
  monthsOf,
  startOfDayMs,
  usageDay,
  usageDayOf,
} from '../../domain/time/usage-day.ts';

const msPerDay = 86_400_000;
const anyDay = fc
  .integer({ min: Date.UTC(1901, 0, 1) / msPerDay, max: Date.UTC(2399, 11, 31) / msPerDay })
  .map((dayNumber) => usageDayOf(dayNumber * msPerDay));
const anyMonth = anyDay.map((day) => billingMonthOf(day));

describe('usage days', () => {
  test.for(['2026-10-01', '2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31'])('%s is a day', (text) => {
    expect(isUsageDay(text)).toBe(true);
    expect(usageDay(text)).toBe(text);
  });

  test.for([
    '',
    '2026-10',
    '2026-1-01',
    '2026-13-01',
    '2026-00-10',
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-10-00',
    '2026-10-32',
    '0000-01-01',
    '10000-01-01',
    '2026-10-01T00:00:00Z',
    ' 2026-10-01',
    '2026-10-01\n',
    '٢٠٢٦-10-01',
  ])('%j is no day', (text) => {
    expect(isUsageDay(text)).toBe(false);
    expect(() => usageDay(text)).toThrow(RangeError);
  });

  test.for([
    ['2026-10-01T00:00:00.000Z', '2026-10-01'],
    ['2026-10-01T23:59:59.999Z', '2026-10-01'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31'],
    ['0001-01-01T00:00:00.000Z', '0001-01-01'],
  ] as const)('the instant %s is in the UTC day %s', ([instant, day]) => {
    expect(usageDayOf(Date.parse(instant))).toBe(day);
    expect(usageDayOf(new Date(instant))).toBe(day);
  });

  test.for([Number.NaN, Number.POSITIVE_INFINITY, Date.UTC(10_000, 0, 1), -63_000_000_000_000])(
    'the instant %d has no day',
    (instant) => {
      expect(() => usageDayOf(instant)).toThrow(RangeError);
    },
  );

  test('a range holds both of its ends and crosses months and leap days', () => {
    expect(dayRange(usageDay('2024-02-28'), usageDay('2024-03-01'))).toEqual([
      '2024-02-28',
      '2024-02-29',
      '2024-03-01',
    ]);
    expect(dayRange(usageDay('9999-12-31'), usageDay('9999-12-31'))).toEqual(['9999-12-31']);
    expect(dayRange(usageDay('2026-10-02'), usageDay('2026-10-01'))).toEqual([]);
  });

  test('adding days and taking them away again comes back, and the distance is exact', () => {
    fc.assert(
      fc.property(anyDay, fc.integer({ min: -20_000, max: 20_000 }), (day, dayCount) => {
        const moved = addDays(day, dayCount);
        expect(addDays(moved, -dayCount)).toBe(day);
        expect(startOfDayMs(moved) - startOfDayMs(day)).toBe(dayCount * msPerDay);
      }),
    );
  });

  test('days compare as text as they do in time', () => {
    fc.assert(
      fc.property(anyDay, anyDay, (left, right) => {
        expect(left < right).toBe(startOfDayMs(left) < startOfDayMs(right));
      }),
    );
  });
});

describe('billing months', () => {
  test.for(['2026-10', '0001-01', '9999-12'])('%s is a month', (text) => {
    expect(isBillingMonth(text)).toBe(true);
    expect(billingMonth(text)).toBe(text);
  });

  test.for(['', '2026', '2026-00', '2026-13', '2026-1', '2026-10-01', '0000-05'])(
    '%j is no month',
    (text) => {
      expect(isBillingMonth(text)).toBe(false);
      expect(() => billingMonth(text)).toThrow(RangeError);
    },
  );

  test.for([
    ['2026-01', 31],
    ['2026-02', 28],
    ['2024-02', 29],
    ['1900-02', 28],
    ['2000-02', 29],
    ['2026-04', 30],
    ['2026-06', 30],
    ['2026-09', 30],
    ['2026-11', 30],
    ['2026-12', 31],
  ] as const)('%s has %d days', ([text, dayCount]) => {
    const month = billingMonth(text);
    expect(daysInMonth(month)).toBe(dayCount);
    expect(lastDay(month)).toBe(`${text}-${dayCount}`);
    expect(firstDay(month)).toBe(`${text}-01`);
  });

  test.for([
    ['2026-10', 0, '2026-10'],
    ['2026-10', 3, '2027-01'],
    ['2026-01', -1, '2025-12'],
    ['2026-10', -22, '2024-12'],
    ['2026-12', 1, '2027-01'],
  ] as const)('%s and %d months is %s', ([month, monthCount, result]) => {
    expect(addMonths(billingMonth(month), monthCount)).toBe(result);
  });

  test('months outside the years 1 to 9999 are refused', () => {
    expect(() => addMonths(billingMonth('0001-01'), -1)).toThrow(RangeError);
    expect(() => addMonths(billingMonth('0001-01'), -13)).toThrow(RangeError);
    expect(() => addMonths(billingMonth('9999-12'), 1)).toThrow(RangeError);
  });

  test('the days of a month are all of its days and no others', () => {
    fc.assert(
      fc.property(anyMonth, (month) => {
        const days = daysOfMonth(month);
        expect(days).toHaveLength(daysInMonth(month));
        expect(new Set(days.map((day) => billingMonthOf(day)))).toEqual(new Set([month]));
        expect(billingMonthOf(addDays(lastDay(month), 1))).toBe(addMonths(month, 1));
        expect(billingMonthOf(addDays(firstDay(month), -1))).toBe(addMonths(month, -1));
      }),
    );
  });

  test('the months of days are distinct and in order, whatever the order of the days', () => {
    const days = ['2026-11-01', '2026-10-31', '2025-12-01', '2026-10-01'].map(usageDay);
    expect(monthsOf(days)).toEqual(['2025-12', '2026-10', '2026-11']);
    expect(monthsOf([])).toEqual([]);
  });
});
