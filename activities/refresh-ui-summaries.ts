import type { PoolClient } from 'pg';
import { tablesFilledBy } from '../domain/reports/summary-tables.ts';
import type { SummaryTable } from '../domain/reports/summary-tables.ts';
import { firstDay } from '../domain/time/usage-day.ts';
import { measureAggregation } from '../platform/observability/metrics.ts';
import type { RebuildTable } from '../platform/observability/metrics.ts';
import { tryLockSource } from '../summary/source-lock.ts';
import { lockStaging, mostMissingNamed } from '../summary/staging-lock.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import { inMonthTransaction } from '../summary/month-transaction.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import type { MonthInput, PiecesMissing } from '../summary/month-transaction.ts';

export type RefreshUiSummariesInput = MonthInput;

export type RefreshUiSummariesResult =
  { outcome: 'busy' } | PiecesMissing | { outcome: 'done'; dayCount: number };

const sql = {
  plans: loadSql('summary/settings/summary_plans.sql'),
  daysBehind: loadSql('summary/report-tables/days_behind.sql'),
  sweptPieces: loadSql('summary/report-tables/swept_pieces.sql'),
  requireGpus: loadSql('summary/report-tables/require_gpus.sql'),
  recordDays: loadSql('summary/report-tables/record_days.sql'),
  completeReportPeriod: loadSql('intake/complete_report_period.sql'),
};
const ofDays = tablesFilledBy('days').map(statementOf);
const ofMonth = tablesFilledBy('month').map(statementOf);

/** `reporting_ocp_NAME_p` is rebuilt by `sql/summary/report-tables/NAME.sql`. */
function statementOf(table: SummaryTable): { table: SummaryTable; text: string } {
  const name = /^reporting_ocp_(\w+)_p$/.exec(table)?.[1] ?? table;
  return { table, text: loadSql(`summary/report-tables/${name}.sql`) };
}

/**
 * Rebuild the tables that reports are read from, for the days of a source and month whose daily summary is newer. The VM
 * table is always rebuilt for the whole month: its rows span days, and part of a month would count them twice.
 * One transaction. Rerun: a second call finds no day behind.
 */
export async function refreshUiSummaries(
  deps: ActivityDependencies,
  input: RefreshUiSummariesInput,
): Promise<RefreshUiSummariesResult> {
  return measureAggregation((rebuild) =>
    withHeartbeat(async (_report, signal) =>
      inMonthTransaction(deps, input, (client) => rebuildTables(client, input, rebuild), signal),
    ),
  );
}

async function rebuildTables(
  client: PoolClient,
  { sourceUuid, month }: RefreshUiSummariesInput,
  rebuild: RebuildTable,
): Promise<RefreshUiSummariesResult> {
  const monthStart = firstDay(month);
  if (!(await tryLockSource(client, sourceUuid))) return { outcome: 'busy' };
  const behind = await client.query<{ usage_day: UsageDay }>(sql.daysBehind, [sourceUuid, monthStart]);
  const days = behind.rows.map((row) => row.usage_day);
  if (days.length === 0) return { outcome: 'done', dayCount: 0 };
  // As in aggregation: the sweep cannot drop what the ledger says is there.
  await lockStaging(client);
  const swept = await client.query<{ piece_id: number }>(sql.sweptPieces, [sourceUuid, monthStart, days]);
  if (swept.rows.length > 0)
    return { outcome: 'missing', pieceIds: swept.rows.slice(0, mostMissingNamed).map((row) => row.piece_id) };
  await client.query(sql.requireGpus, [sourceUuid, days]);
  await client.query(sql.plans);
  for (const { table, text } of ofDays) await rebuild(table, () => client.query(text, [sourceUuid, days]));
  for (const { table, text } of ofMonth)
    await rebuild(table, () => client.query(text, [sourceUuid, monthStart]));
  await client.query(sql.recordDays, [sourceUuid, days]);
  // Here and not at the end of a run: rebuilds end without one, and readers see the new numbers from now on.
  await client.query(sql.completeReportPeriod, [sourceUuid, monthStart]);
  return { outcome: 'done', dayCount: days.length };
}
