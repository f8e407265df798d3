import type { Pool } from 'pg';
import { relationTables } from '../domain/reports/relations.ts';
import { stagingTables } from '../domain/reports/report-kind.ts';
import { summaryTableNames } from '../domain/reports/summary-tables.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { ensureMonthlyPartitions } from '../platform/database/partitions.ts';

/** Every table that has a partition per month: staging, daily relations and summaries. */
export const monthlyTables: readonly string[] = [...stagingTables, ...relationTables, ...summaryTableNames];

/** Ensure that staging, relations and summary tables have a partition for each month. Rerun: one catalog query. */
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
