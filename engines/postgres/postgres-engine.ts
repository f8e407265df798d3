import { dailySummaryTable } from '../../domain/reports/summary-tables.ts';
import { addDays } from '../../domain/time/usage-day.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';
import { scalar } from '../../platform/database/scalar.ts';
import { refreshStagingStatistics } from '../../summary/staging-statistics.ts';
import type { Engine } from '../engine.ts';

/** The daily summary from the staging tables of PostgreSQL, with `populate_daily_summary_from_staging`. */
export const postgresEngine: Engine = {
  name: 'postgres',
  prepare: ({ pool }, { schema, month }, signal) => refreshStagingStatistics(pool, schema, month, signal),
  rebuild: async (client, { sourceUuid, source, rules, days }, measured) => {
    await client.query(`select set_config('ocp.rules', $1, true)`, [rules]);
    let summaryRowCount = 0;
    for (const { from, until } of contiguousRanges(days.map((day) => day.usageDay))) {
      const { rowCount } = await measured(dailySummaryTable, async () => ({
        rowCount: await scalar<number>(
          client,
          'select populate_daily_summary_from_staging($1, $2, $3, $4, $5, $6)',
          [from, until, source.reportPeriodId, source.clusterId, source.clusterAlias, sourceUuid],
        ),
      }));
      summaryRowCount += rowCount;
    }
    return summaryRowCount;
  },
};

/** Days in order, as ranges without gaps. */
function contiguousRanges(days: readonly UsageDay[]): { from: UsageDay; until: UsageDay }[] {
  const ranges: { from: UsageDay; until: UsageDay }[] = [];
  for (const day of days) {
    const last = ranges.at(-1);
    if (last !== undefined && addDays(last.until, 1) === day) last.until = day;
    else ranges.push({ from: day, until: day });
  }
  return ranges;
}
