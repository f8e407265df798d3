import { tablesFilledBy } from '../domain/reports/summary-tables.ts';
import type { SummaryTable } from '../domain/reports/summary-tables.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { daysBehind, recordStep } from '../summary/day-ledger.ts';
import { runStep } from '../summary/month-step.ts';
import type { MonthInput, StepAnswer, StepMonth } from '../summary/month-step.ts';

export type RefreshUiSummariesResult = StepAnswer<{ dayCount: number }>;

const sql = {
  plans: loadSql('summary/settings/summary_plans.sql'),
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
 * Rebuild the tables that reports are read from, for the days of a source and month whose daily summary is newer. The
 * VM table is always rebuilt for the whole month: its rows span days, and part of a month would count them twice.
 * One transaction. Rerun: a second call finds no day behind.
 */
export async function refreshUiSummaries(
  deps: ActivityDependencies,
  input: MonthInput,
): Promise<RefreshUiSummariesResult> {
  return runStep(deps, 'reports', input, rebuildTables);
}

async function rebuildTables(month: StepMonth): Promise<{ dayCount: number }> {
  const { client, sourceUuid, monthStart, rebuild } = month;
  const days = await daysBehind(client, 'reports', sourceUuid, monthStart);
  if (days.length === 0) return { dayCount: 0 };
  await client.query(sql.plans);
  for (const { table, text } of ofDays) await rebuild(table, () => client.query(text, [sourceUuid, days]));
  for (const { table, text } of ofMonth)
    await rebuild(table, () => client.query(text, [sourceUuid, monthStart]));
  await recordStep(client, 'reports', sourceUuid, days);
  // Here and not at the end of a run: rebuilds have no such end, and readers see the new numbers from now on.
  await client.query(sql.completeReportPeriod, [sourceUuid, monthStart]);
  return { dayCount: days.length };
}
