import type { PoolClient } from 'pg';
import { monthsOf } from '../domain/time/usage-day.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** Days whose costs are computed anew. */
export interface CostDays {
  sourceUuid: string;
  /** of one month */
  days: readonly UsageDay[];
  /** the month is over: GPUs that nobody held are distributed only then, because that takes the whole month; else
   * the days end up without that distribution */
  isMonthOver: boolean;
}

const plansSql = loadSql('summary/settings/summary_plans.sql');
const deleteCostsSql = loadSql('costs/delete_costs.sql');
const insertCostsSql = loadSql('costs/insert_costs.sql');
const setMarkupSql = loadSql('costs/set_markup.sql');
const insertDistributionSql = loadSql('costs/insert_distribution.sql');
const insertGpuDistributionSql = loadSql('costs/insert_gpu_distribution.sql');

/**
 * Replace the cost rows of days by what the source's cost model says now: rates, then markup, then distribution, whose
 * pools hold both. In the caller's transaction, so that no reader sees a day with half of its costs. A source without a
 * cost model ends up without cost rows but for cloud storage and network that nobody accounts for, which is distributed
 * anyway. DOMAIN §8
 *
 * @returns cost rows that the days have now
 */
export async function applyCosts(
  client: PoolClient,
  { sourceUuid, days, isMonthOver }: CostDays,
): Promise<{ rowCount: number }> {
  const months = monthsOf(days);
  if (months.length > 1) throw new Error(`expected days of one month, found ${months.join(' and ')}`);
  await client.query(plansSql);
  await client.query(deleteCostsSql, [sourceUuid, days]);
  const costs = await client.query(insertCostsSql, [sourceUuid, days]);
  await client.query(setMarkupSql, [sourceUuid, days]);
  const distributed = await client.query(insertDistributionSql, [sourceUuid, days]);
  const gpus = isMonthOver
    ? await client.query(insertGpuDistributionSql, [sourceUuid, days])
    : { rowCount: 0 };
  return { rowCount: (costs.rowCount ?? 0) + (distributed.rowCount ?? 0) + (gpus.rowCount ?? 0) };
}
