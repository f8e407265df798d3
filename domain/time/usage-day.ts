declare const usageDayBrand: unique symbol;
declare const billingMonthBrand: unique symbol;

/**
 * A UTC calendar day, `YYYY-MM-DD`. Compares correctly as text. Never a `Date`, which would carry a time and a zone.
 */
export type UsageDay = string & { readonly [usageDayBrand]: true };

/** A UTC calendar month, `YYYY-MM`. Compares correctly as text. */
export type BillingMonth = string & { readonly [billingMonthBrand]: true };

/** A UTC day in milliseconds. */
export const msPerDay = 86_400_000;
const DAY_FORM = /^(\d{4})-(\d{2})-(\d{2})$/;
const MONTH_FORM = /^(\d{4})-(\d{2})$/;

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function numberOfDays(year: number, month: number): number {
  if (month === 2) {
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    return leap ? 29 : 28;
  }
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Is (year, month, day) a day of the calendar? Years 1 to 9999. */
export function isCalendarDay(year: number, month: number, day: number): boolean {
  return (
    year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= numberOfDays(year, month)
  );
}

/** Is the text an existing day written `YYYY-MM-DD`? */
export function isUsageDay(text: string): text is UsageDay {
  const form = DAY_FORM.exec(text);
  return form !== null && isCalendarDay(Number(form[1]), Number(form[2]), Number(form[3]));
}

/** Is the text an existing month written `YYYY-MM`? */
export function isBillingMonth(text: string): text is BillingMonth {
  const form = MONTH_FORM.exec(text);
  return form !== null && isCalendarDay(Number(form[1]), Number(form[2]), 1);
}

/**
 * Check a text that must be a day.
 * @throws RangeError when it is not an existing day written `YYYY-MM-DD`
 */
export function usageDay(text: string): UsageDay {
  if (!isUsageDay(text)) throw new RangeError(`Expected a day as YYYY-MM-DD, found "${text}"`);
  return text;
}

/**
 * Check a text that must be a month.
 * @throws RangeError when it is not an existing month written `YYYY-MM`
 */
export function billingMonth(text: string): BillingMonth {
  if (!isBillingMonth(text)) throw new RangeError(`Expected a month as YYYY-MM, found "${text}"`);
  return text;
}

/**
 * The UTC day of an instant, in milliseconds since 1970 or as a `Date`.
 * @throws RangeError when the instant is not a number or its year is not 1 to 9999
 */
export function usageDayOf(instant: number | Date): UsageDay {
  const at = new Date(instant);
  const year = at.getUTCFullYear();
  if (!(year >= 1 && year <= 9999))
    throw new RangeError(`No calendar day for the instant ${String(instant)}`);
  return `${pad(year, 4)}-${pad(at.getUTCMonth() + 1, 2)}-${pad(at.getUTCDate(), 2)}` as UsageDay;
}

/** The month that a day, or the UTC instant in milliseconds since 1970, belongs to. */
export function billingMonthOf(at: UsageDay | number | Date): BillingMonth {
  return (typeof at === 'string' ? at : usageDayOf(at)).slice(0, 7) as BillingMonth;
}

/** 00:00 UTC of the day, in milliseconds since 1970. */
export function startOfDayMs(day: UsageDay): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** The day `dayCount` days later (earlier when negative). */
export function addDays(day: UsageDay, dayCount: number): UsageDay {
  return usageDayOf(startOfDayMs(day) + dayCount * msPerDay);
}

/** Every day from `first` to `last`, both included; empty when `last` is before `first`. */
export function dayRange(first: UsageDay, last: UsageDay): UsageDay[] {
  const days: UsageDay[] = [];
  for (let at = startOfDayMs(first); at <= startOfDayMs(last); at += msPerDay) days.push(usageDayOf(at));
  return days;
}

/** Number of days in the month, 28 to 31. */
export function daysInMonth(month: BillingMonth): number {
  return numberOfDays(Number(month.slice(0, 4)), Number(month.slice(5)));
}

/** The first day of the month. */
export function firstDay(month: BillingMonth): UsageDay {
  return `${month}-01` as UsageDay;
}

/** The last day of the month. */
export function lastDay(month: BillingMonth): UsageDay {
  return `${month}-${pad(daysInMonth(month), 2)}` as UsageDay;
}

/** Every day of the month, in order. */
export function daysOfMonth(month: BillingMonth): UsageDay[] {
  return dayRange(firstDay(month), lastDay(month));
}

/**
 * The month `monthCount` months later (earlier when negative).
 * @throws RangeError when the result is outside the years 1 to 9999
 */
export function addMonths(month: BillingMonth, monthCount: number): BillingMonth {
  const index = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 + monthCount;
  return billingMonth(`${pad(Math.floor(index / 12), 4)}-${pad((((index % 12) + 12) % 12) + 1, 2)}`);
}

/** The distinct months of some days, in order. */
export function monthsOf(days: Iterable<UsageDay>): BillingMonth[] {
  const months = new Set<BillingMonth>();
  for (const day of days) months.add(billingMonthOf(day));
  return [...months].sort();
}
