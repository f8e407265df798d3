import { addMonths, billingMonthOf, firstDay, msPerDay, startOfDayMs } from './usage-day.ts';
import type { UsageDay } from './usage-day.ts';

/** Months kept when nothing else is configured. */
export const DEFAULT_RETENTION_MONTHS = 4;

/** Number of months for which a tenant's data are kept, including the current one, or why that is unknown. */
export type RetentionMonths = { readonly months: number } | { readonly unreadable: string };

/** Instants, in milliseconds since 1970, between which a row's `interval_start` must lie; both included. */
export interface RowWindow {
  /** rows before it are expired: the purge removes their months; -Infinity if no row is too old */
  readonly fromMs: number;
  /** rows after it are invalid */
  readonly untilMs: number;
}

/** The dates of a manifest that decide about its age: ISO 8601 in UTC with six digits of fraction. */
export interface ManifestDates {
  readonly date: string;
  /** before it was moved back to the month of `start` */
  readonly sentEnd?: string;
}

/**
 * First day that is kept: the current month and the `monthCount` − 1 before it stay (DOMAIN §10.4). On 13 July, 4
 * months keep April to July, so the result is 1 April. Ingestion and purge both use this definition of the month count.
 */
export function firstDayKept(now: number | Date, monthCount: number): UsageDay {
  return firstDay(addMonths(billingMonthOf(now), 1 - monthCount));
}

/**
 * May this payload still be ingested? Not if it ends before the first day kept (DOMAIN §1.7). An end at exactly
 * 00:00:00 is the instant before; a manifest without `end` counts as ending on the last day of the month of its `date`.
 *
 * @param firstKept result of {@link firstDayKept}
 */
export function isWithinRetention(manifest: ManifestDates, firstKept: UsageDay): boolean {
  // Both are times in one format, which compare as text; midnight on the first of a month belongs to the month before.
  if (manifest.sentEnd !== undefined) return manifest.sentEnd > `${firstKept}T00:00:00.000000Z`;
  return manifest.date >= firstKept;
}

/**
 * The window for rows: from the first day kept, unbounded if that is unknown, until one day after now. Data that the
 * purge would remove again are not ingested; if it removes nothing, nothing is too old.
 */
export function rowWindow(nowMs: number, retention: RetentionMonths): RowWindow {
  const fromMs =
    'months' in retention ? startOfDayMs(firstDayKept(nowMs, retention.months)) : Number.NEGATIVE_INFINITY;
  return { fromMs, untilMs: nowMs + msPerDay };
}
