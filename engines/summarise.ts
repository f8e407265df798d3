import type { PoolClient } from 'pg';
import { dailySummaryTable } from '../domain/reports/summary-tables.ts';
import type { RebuildTable } from '../platform/observability/metrics.ts';
import { scalar } from '../platform/database/scalar.ts';
import { contiguousRanges } from './day-ranges.ts';
import type { DayPlan } from './plan.ts';

/**
 * Rebuild the daily summary of the days of a plan from their daily relations, in the caller's transaction.
 * @returns rows that their summary has now
 */
export async function summariseDays(
  client: PoolClient,
  { sourceUuid, source, rules, days }: DayPlan,
  measured: RebuildTable,
): Promise<number> {
  await client.query(`select set_config('ocp.rules', $1, true)`, [rules]);
  let summaryRowCount = 0;
  for (const { from, until } of contiguousRanges(days.map((day) => day.usageDay))) {
    const { rowCount } = await measured(dailySummaryTable, async () => ({
      rowCount: await scalar<number>(client, 'select ocp_summarise_days($1, $2, $3, $4, $5, $6)', [
        from,
        until,
        source.reportPeriodId,
        source.clusterId,
        source.clusterAlias,
        sourceUuid,
      ]),
    }));
    summaryRowCount += rowCount;
  }
  return summaryRowCount;
}
