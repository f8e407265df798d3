import { addMonths, billingMonthOf, firstDay, lastDay, startOfDayMs } from './usage-day.ts';

/** Months kept when nothing else is configured. */
export const DEFAULT_RETENTION_MONTHS = 4;

const MS_PER_DAY = 86_400_000;

/** The clock reading and setting that every retention decision needs. */
export interface RetentionContext {
  /** now, in milliseconds since 1970; always an argument, because operators can set the clock */
  readonly nowMs: number;
  /** months before the current one whose data is still taken */
  readonly retentionMonths: number;
}

/** Instants, in milliseconds since 1970, between which a row's `interval_start` must lie; both included. */
export interface RowWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The dates of a manifest that the gate looks at: ISO 8601 in UTC. */
export interface ManifestDates {
  readonly date: string;
  readonly end?: string;
}

/**
 * May this payload still be taken? Its end is compared with the last day, 00:00 UTC, of the month `retentionMonths`
 * months back. A manifest without `end` counts as ending on the last day of the month of its `date`.
 */
export function isWithinRetention(manifest: ManifestDates, context: RetentionContext): boolean {
  const oldestMonth = addMonths(billingMonthOf(context.nowMs), -context.retentionMonths);
  const endMs =
    manifest.end === undefined
      ? startOfDayMs(lastDay(billingMonthOf(Date.parse(manifest.date))))
      : Date.parse(manifest.end);
  return endMs >= startOfDayMs(lastDay(oldestMonth));
}

/** The window for rows: from the first of the month `retentionMonths` months back until one day after now. */
export function rowWindow(context: RetentionContext): RowWindow {
  const oldestMonth = addMonths(billingMonthOf(context.nowMs), -context.retentionMonths);
  return { fromMs: startOfDayMs(firstDay(oldestMonth)), untilMs: context.nowMs + MS_PER_DAY };
}
