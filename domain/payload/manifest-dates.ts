import type { PayloadTimestamp } from '../time/timestamp.ts';
import {
  billingMonthOf,
  dayRange,
  firstDay,
  lastDay,
  msPerDay,
  startOfDayMs,
  usageDayOf,
} from '../time/usage-day.ts';

const MS_PER_HOUR = 3_600_000;
/**
 * A payload covers days, at most a few months. A longer range means a wrong clock, and is not worth a map of all its
 * days.
 */
const MAX_RANGE_MS = 3660 * msPerDay;

/**
 * Hours of each UTC day that [start, end] covers, rounded up: 00:00:00 to 17:59:59 gives 18. An end at exactly 00:00
 * gives its day the value 0. Empty if `end` is before `start` or more than ten years after it.
 */
export function hoursPerDay(start: PayloadTimestamp, end: PayloadTimestamp): Record<string, number> {
  const hours: Record<string, number> = {};
  if (end.epochMs - start.epochMs > MAX_RANGE_MS) return hours;
  for (const day of dayRange(usageDayOf(start.epochMs), usageDayOf(end.epochMs))) {
    const dayStartMs = startOfDayMs(day);
    const fromMs = Math.max(start.epochMs, dayStartMs);
    const untilMs = Math.min(end.epochMs, dayStartMs + msPerDay);
    if (untilMs >= fromMs) hours[day] = Math.ceil((untilMs - fromMs) / MS_PER_HOUR);
  }
  return hours;
}

/**
 * An end on the first day of a month other than that of the start becomes the last day, 00:00, of the start's month:
 * the payload belongs to that month although its last hours extend into the next one.
 */
export function pullEndBack(start: PayloadTimestamp, end: PayloadTimestamp): PayloadTimestamp {
  const startMonth = billingMonthOf(start.epochMs);
  const endDay = usageDayOf(end.epochMs);
  const endMonth = billingMonthOf(endDay);
  if (endMonth === startMonth || endDay !== firstDay(endMonth)) return end;
  return { epochMs: startOfDayMs(lastDay(startMonth)), microseconds: 0 };
}
