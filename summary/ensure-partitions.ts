import type { Pool } from 'pg';
import { stagingTables } from '../domain/reports/report-kind.ts';
import { summaryTableNames } from '../domain/reports/summary-tables.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { ensureMonthlyPartitions } from '../platform/database/partitions.ts';

/** Every table that has a partition per month: staging and summaries. */
export const monthlyTables: readonly string[] = [...stagingTables, ...summaryTableNames];

/** Ensure that staging and summary tables have a partition for each month. Rerun: one catalog query. */
export async function ensurePartitionsOf(
  pool: Pool,
  schema: string,
  months: readonly BillingMonth[],
): Promise<{ created: number }> {
  const client = await pool.connect();
  try {
    const { created } = await ensureMonthlyPartitions(client, { schema, tables: monthlyTables, months });
    client.release();
    return { created: created.length };
  } catch (error) {
    client.release(error instanceof Error ? error : true);
    throw error;
  }
}
