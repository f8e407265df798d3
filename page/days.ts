const msPerDay = 86_400_000;

/** The UTC day `count` days before; both as `YYYY-MM-DD`. */
export function daysBefore(day: string, count: number): string {
  return new Date(Date.parse(day) - count * msPerDay).toISOString().slice(0, 10);
}

/** Days from the first to the second, which may be earlier. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / msPerDay);
}

/** The same day of the month before, or its last day where it has no such day. */
export function monthBefore(day: string): string {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month - 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 2, Math.min(date, last))).toISOString().slice(0, 10);
}

/** The last day of the month of a day. */
export function lastOfMonth(day: string): string {
  const [year = 0, month = 0] = day.split('-').map(Number);
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}

const short = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const long = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});

/** 7 Oct */
export function shortDay(day: string): string {
  return short.format(Date.parse(day));
}

/** 7 Oct 2026 */
export function longDay(day: string): string {
  return long.format(Date.parse(day));
}

/** 7 Oct 2026, 14:05 UTC */
export function dayAndTime(time: string): string {
  const date = new Date(time);
  return `${long.format(date)}, ${date.toISOString().slice(11, 16)} UTC`;
}
