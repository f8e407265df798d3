import { reportKinds, stagingTableOf } from '../domain/reports/report-kind.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { ensureMonthlyPartitions } from '../platform/database/partitions.ts';
import { partitionedSummaryTables } from '../summary/summary-tables.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

export interface EnsurePartitionsInput {
  schema: string;
  months: readonly BillingMonth[];
}

/** Make sure that staging and summary tables have a partition for each month. Rerun: one catalog query. */
export async function ensurePartitions(
  deps: ActivityDependencies,
  input: EnsurePartitionsInput,
): Promise<{ created: number }> {
  const client = await deps.pool.connect();
  try {
    const { created } = await ensureMonthlyPartitions(client, {
      schema: input.schema,
      tables: [...reportKinds.map(stagingTableOf), ...partitionedSummaryTables],
      months: input.months,
    });
    client.release();
    return { created: created.length };
  } catch (error) {
    client.release(error instanceof Error ? error : true);
    throw error;
  }
}
