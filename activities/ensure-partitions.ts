import type { BillingMonth } from '../domain/time/usage-day.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { ensurePartitionsOf } from '../summary/ensure-partitions.ts';

export interface EnsurePartitionsInput {
  schema: string;
  months: readonly BillingMonth[];
}

/** Make sure that staging and summary tables have a partition for each month. Rerun: one catalog query. */
export async function ensurePartitions(
  { pool }: ActivityDependencies,
  { schema, months }: EnsurePartitionsInput,
): Promise<{ created: number }> {
  return ensurePartitionsOf(pool, schema, months);
}
