import { addDays } from '../domain/time/usage-day.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';

/** Days in order, as ranges without gaps. */
export function contiguousRanges(days: readonly UsageDay[]): { from: UsageDay; until: UsageDay }[] {
  const ranges: { from: UsageDay; until: UsageDay }[] = [];
  for (const day of days) {
    const last = ranges.at(-1);
    if (last !== undefined && addDays(last.until, 1) === day) last.until = day;
    else ranges.push({ from: day, until: day });
  }
  return ranges;
}
