import type { PoolClient } from 'pg';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import type { RebuildTable } from '../platform/observability/metrics.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import type { DayPlan } from './plan.ts';

/**
 * What turns line items into the daily summary. Planning and recording work on the ledger and are the same for every
 * engine; an engine only rebuilds the days of a plan.
 */
export interface Engine {
  name: 'postgres';
  /** Runs before the transaction begins. */
  prepare(
    deps: ActivityDependencies,
    input: { schema: string; month: BillingMonth },
    signal: AbortSignal,
  ): Promise<void>;
  /** Rebuild the days of a plan, in the caller's transaction. @returns rows that their summary has now */
  rebuild(client: PoolClient, plan: DayPlan, measured: RebuildTable): Promise<number>;
}
