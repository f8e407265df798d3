import { msPerDay } from '../../domain/time/usage-day.ts';
import { contradiction, invalidParameter } from '../errors.ts';

/** `YYYY-MM-DD`, both inclusive, UTC. */
export interface DayRange {
  start: string;
  end: string;
}

export type Resolution = 'daily' | 'monthly';

/** Which days a request is about. */
export interface TimeScope {
  range: DayRange;
  resolution: Resolution;
  /** given as dates, so that there is no previous period */
  byDates: boolean;
  /** as in `filter[time_scope_…]`; undefined with dates */
  units: 'day' | 'month' | undefined;
  value: string | undefined;
}

/** The parameters that decide it, as texts. */
export interface TimeParameters {
  start: string | undefined;
  end: string | undefined;
  units: 'day' | 'month' | undefined;
  value: string | undefined;
  resolution: Resolution | undefined;
}

const dayValues = ['-10', '-30', '-90'];
const monthValues = ['-1', '-2', '-3'];

/** The day `count` days later. */
export function addDays(day: string, count: number): string {
  return new Date(Date.parse(day) + count * msPerDay).toISOString().slice(0, 10);
}

/** The same day `count` months later, or the last day of that month where it has no such day. */
function addMonths(day: string, count: number): string {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month - 1 + count + 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + count, Math.min(date, last))).toISOString().slice(0, 10);
}

/** The first day of the month `count` months later. */
export function firstOfMonth(day: string, count = 0): string {
  return addMonths(`${day.slice(0, 7)}-01`, count);
}

/**
 * The days that a request asks for (API §2).
 * @param options.today UTC day of the answer
 * @param options.retentionMonths months that are kept, the current one included
 * @throws ApiError 400
 */
export function timeScope(
  given: TimeParameters,
  options: { today: string; retentionMonths: number; defaultUnits?: 'day' | 'month' },
): TimeScope {
  const { start, end } = given;
  if (start !== undefined || end !== undefined) return byDates(given, options);
  const fallback = options.defaultUnits ?? 'day';
  const units = given.units ?? unitsOf(given.value, fallback);
  const value = given.value ?? (units === 'month' ? '-1' : '-10');
  if (!(units === 'month' ? monthValues : dayValues).includes(value))
    throw invalidParameter('filter', 'time_scope_value', `"${value}" is not a valid choice for ${units}.`);
  if (given.resolution === 'monthly' && given.units === 'day' && given.value !== undefined)
    throw contradiction('filter[resolution]=monthly needs time_scope_units month.');
  const resolution = given.resolution ?? (units === 'month' ? 'monthly' : 'daily');
  return { range: scopeRange(units, Number(value), options.today), resolution, byDates: false, units, value };
}

function unitsOf(value: string | undefined, fallback: 'day' | 'month'): 'day' | 'month' {
  if (value === undefined) return fallback;
  return monthValues.includes(value) ? 'month' : 'day';
}

function scopeRange(units: 'day' | 'month', value: number, today: string): DayRange {
  if (units === 'day') return { start: addDays(today, value + 1), end: today };
  const start = firstOfMonth(today, value + 1);
  return { start, end: value === -1 ? today : addDays(addMonths(start, 1), -1) };
}

function byDates(given: TimeParameters, options: { today: string; retentionMonths: number }): TimeScope {
  const { start, end } = given;
  if (start === undefined || end === undefined)
    throw contradiction('The parameters [start_date, end_date] must both be given.');
  if (given.units !== undefined || given.value !== undefined)
    throw contradiction('The parameters [start_date, end_date] may not be used with time_scope.');
  const [first, last] = [firstOfMonth(options.today, 1 - options.retentionMonths), addDays(options.today, 1)];
  for (const [name, day] of [
    ['start_date', start],
    ['end_date', end],
  ] as const)
    if (day < first || day > last)
      throw invalidParameter(name, undefined, `Expected a day from ${first} to ${last}, found ${day}.`);
  if (start > end) throw contradiction('start_date must not be after end_date.');
  return {
    range: { start, end },
    resolution: given.resolution ?? 'daily',
    byDates: true,
    units: undefined,
    value: undefined,
  };
}

/** The periods of an answer in their order: days, or months as `YYYY-MM`. */
export function periodsOf({ range, resolution }: Pick<TimeScope, 'range' | 'resolution'>): string[] {
  const periods: string[] = [];
  if (resolution === 'daily')
    for (let day = range.start; day <= range.end; day = addDays(day, 1)) periods.push(day);
  else
    for (let month = firstOfMonth(range.start); month <= range.end; month = addMonths(month, 1))
      periods.push(month.slice(0, 7));
  return periods;
}

/** How far back the previous period of a scope is. */
export interface Shift {
  units: 'day' | 'month';
  count: number;
}

/**
 * The period before: both ends a month earlier for months, else as many days as the scope has (API §6.6).
 * @throws ApiError 400 with dates
 */
export function previousScope(scope: TimeScope): { scope: TimeScope; shift: Shift } {
  if (scope.units === undefined)
    throw contradiction('The delta parameter cannot be used with start_date and end_date.');
  const { start, end } = scope.range;
  const count = scope.units === 'month' ? 1 : -Number(scope.value);
  const shift: Shift = { units: scope.units, count };
  const back = (day: string) => (shift.units === 'month' ? addMonths(day, -1) : addDays(day, -count));
  return { scope: { ...scope, range: { start: back(start), end: back(end) } }, shift };
}
