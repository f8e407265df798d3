import type { PoolClient } from 'pg';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/**
 * What turns line items into daily relations. Planning and recording are work on the ledger, and everything behind the
 * relations is SQL that exists once: the same for every engine.
 */
export interface Engine {
  name: 'postgres';
  /** Runs before the transaction begins. */
  prepare(
    deps: ActivityDependencies,
    input: { schema: string; month: BillingMonth },
    signal: AbortSignal,
  ): Promise<void>;
  /** Rebuild the daily relations of a source's days, in order, in the caller's transaction. */
  rebuild(client: PoolClient, sourceUuid: string, days: readonly UsageDay[]): Promise<void>;
}
