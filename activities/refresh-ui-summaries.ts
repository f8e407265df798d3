import { firstDay } from '../domain/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/usage-day.ts';
import { inTenantTransaction } from '../platform/database.ts';
import { tryLockSource } from '../platform/source-lock.ts';
import { loadSql } from '../platform/sql-files.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { withHeartbeat } from './heartbeat.ts';

export interface RefreshUiSummariesInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
}

export type RefreshUiSummariesResult = { outcome: 'busy' } | { outcome: 'done'; dayCount: number };

const daysBehindSql = loadSql('ui/days_behind.sql');
const recordDaysSql = loadSql('ui/record_days.sql');
const tableSqls = [
  'cost_summary',
  'cost_summary_by_node',
  'cost_summary_by_project',
  'pod_summary',
  'pod_summary_by_node',
  'pod_summary_by_project',
  'volume_summary',
  'volume_summary_by_project',
].map((table) => loadSql(`ui/${table}.sql`));

/**
 * Rebuild the tables that reports are read from, for the days of a source and month whose daily summary is newer.
 * One transaction. Rerun: a second call finds no day behind.
 */
export async function refreshUiSummaries(
  deps: ActivityDependencies,
  input: RefreshUiSummariesInput,
): Promise<RefreshUiSummariesResult> {
  return withHeartbeat(async (_report, signal) =>
    inTenantTransaction(
      deps.pool,
      input.schema,
      async (client) => {
        if (!(await tryLockSource(client, input.sourceUuid))) return { outcome: 'busy' };
        const { rows } = await client.query<{ usage_day: UsageDay }>(daysBehindSql, [
          input.sourceUuid,
          firstDay(input.month),
        ]);
        const days = rows.map((row) => row.usage_day);
        if (days.length > 0) {
          for (const tableSql of tableSqls) await client.query(tableSql, [input.sourceUuid, days]);
          await client.query(recordDaysSql, [input.sourceUuid, days]);
        }
        return { outcome: 'done', dayCount: days.length };
      },
      signal,
    ),
  );
}
