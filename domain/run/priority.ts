import { billingMonthOf } from '../time/usage-day.ts';
import type { BillingMonth } from '../time/usage-day.ts';

/**
 * Order in which the server dispatches tasks that wait on one queue; 1 would come first, 3 is the server's default.
 * Within one key the tenants take turns. A download is in the middle: its month is not known yet, and a signed address
 * may expire while a backfill is being processed.
 */
export const priorityKeys = { currentMonth: 2, monthUnknown: 3, backfill: 4 } as const;

/** One of {@link priorityKeys}. */
export type PriorityKey = (typeof priorityKeys)[keyof typeof priorityKeys];

/** Length limit of a fairness key in bytes; organisation ids are ASCII. */
const maxFairnessKeyLength = 64;

/** Fairness key of a tenant. */
export function fairnessKeyOf(orgId: string): string {
  return orgId.slice(0, maxFairnessKeyLength);
}

/**
 * How urgent work on a month is. This only orders work and is never a date rule, so the workflow's own clock decides.
 *
 * @param month undefined while it is unknown
 */
export function priorityKeyOf(month: BillingMonth | undefined, now: number | Date): PriorityKey {
  if (month === undefined) return priorityKeys.monthUnknown;
  return month < billingMonthOf(now) ? priorityKeys.backfill : priorityKeys.currentMonth;
}
