import { tablesFilledBy } from '../domain/reports/summary-tables.ts';
import type { SummaryTable } from '../domain/reports/summary-tables.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { StepMonth } from './month-step.ts';

const plansSql = loadSql('summary/settings/summary_plans.sql');
const ofDays = tablesFilledBy('days').map(statementOf);
const ofMonth = tablesFilledBy('month').map(statementOf);

/** `reporting_ocp_NAME_p` is rebuilt by `sql/summary/report-tables/NAME.sql`. */
function statementOf(table: SummaryTable): { table: SummaryTable; text: string } {
  const name = /^reporting_ocp_(\w+)_p$/.exec(table)?.[1] ?? table;
  return { table, text: loadSql(`summary/report-tables/${name}.sql`) };
}

/**
 * Rebuild the tables that reports are read from, for days of a source and month, from the daily summary. The VM table
 * is always rebuilt for the whole month: its rows span days, and part of a month would count them twice.
 */
export async function rebuildReportTables(
  { client, sourceUuid, monthStart, rebuild }: StepMonth,
  days: readonly UsageDay[],
): Promise<void> {
  await client.query(plansSql);
  for (const { table, text } of ofDays) await rebuild(table, () => client.query(text, [sourceUuid, days]));
  for (const { table, text } of ofMonth)
    await rebuild(table, () => client.query(text, [sourceUuid, monthStart]));
}
