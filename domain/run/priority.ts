import { billingMonthOf } from '../time/usage-day.ts';
import type { BillingMonth } from '../time/usage-day.ts';

/**
 * Order in which the server hands out tasks that wait on one queue; 1 would come first, 3 is the server's default.
 * Within one key the tenants take turns. A download is in the middle: nobody knows its month yet, and a signed address
 * expires while a backfill is worked off.
 */
export const priorityKeys = { currentMonth: 2, monthUnknown: 3, backfill: 4 } as const;

/** One of {@link priorityKeys}. */
export type PriorityKey = (typeof priorityKeys)[keyof typeof priorityKeys];

/** Bytes of a fairness key that the server takes; organisation ids are ASCII. */
const longestFairnessKey = 64;

/** Name under which a tenant takes its turns. */
export function fairnessKeyOf(orgId: string): string {
  return orgId.slice(0, longestFairnessKey);
}

/**
 * How urgent work on a month is. Only an order of work, never a date rule, so the workflow's own clock decides.
 *
 * @param month undefined while it is not known
 */
export function priorityKeyOf(month: BillingMonth | undefined, now: number | Date): PriorityKey {
  if (month === undefined) return priorityKeys.monthUnknown;
  return month < billingMonthOf(now) ? priorityKeys.backfill : priorityKeys.currentMonth;
}
