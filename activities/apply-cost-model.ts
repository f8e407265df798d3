import { applyCosts } from '../costs/apply-costs.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { daysBehind, recordStep, settingsHash } from '../summary/day-ledger.ts';
import { runStep } from '../summary/month-step.ts';
import type { MonthInput, StepAnswer, StepMonth } from '../summary/month-step.ts';
import { rebuildReportTables } from '../summary/report-tables.ts';

/** Days that have costs now, and their cost rows. */
interface PricedDays {
  dayCount: number;
  costRowCount: number;
}

export type ApplyCostModelResult = StepAnswer<PricedDays>;

const sql = {
  gpuDistribution: 'select ocp_gpu_distribution($1, $2::date, $3::date) as "gpuDistribution"',
  recordBasis: loadSql('costs/record_basis.sql'),
  completeReportPeriod: loadSql('intake/complete_report_period.sql'),
};

/**
 * Write the costs of the days of a source and month whose daily summary is newer, or whose cost model differs from that
 * of their costs, and the tables that reports are read from; these also when there is no cost model. One transaction,
 * so that no reader sees a day with half of its costs, or reports without them. Only days of the ledger, which are
 * those that we summarised: days of another writer keep their costs. Rerun: a second call finds no day behind. DOMAIN
 * §8
 *
 * @throws PipelineError `SourceVanished` (not retried) if the source is no longer registered
 */
export async function applyCostModel(
  deps: ActivityDependencies,
  input: MonthInput,
): Promise<ApplyCostModelResult> {
  return runStep(deps, 'costs', input, priceBehind);
}

/**
 * Others may change the cost model meanwhile, and every statement sees what was committed before it began: then all is
 * done once more, so that costs never come from two models, nor are taken for those of a model that they do not have.
 */
async function priceBehind(month: StepMonth): Promise<PricedDays> {
  const behind = new Set<UsageDay>();
  for (;;) {
    const settings = await settingsHash(month, 'costs');
    for (const day of await daysBehind(month, 'costs', settings)) behind.add(day);
    const days = [...behind].sort();
    if (days.length === 0) return { dayCount: 0, costRowCount: 0 };
    const costRowCount = await price(month, days);
    if ((await settingsHash(month, 'costs')) !== settings) continue;
    await recordStep(month, 'costs', days, settings);
    return { dayCount: days.length, costRowCount };
  }
}

/** @returns cost rows of the days */
async function price(month: StepMonth, days: readonly UsageDay[]): Promise<number> {
  const { client, sourceUuid, monthStart, today } = month;
  const { rows } = await client.query<{ gpuDistribution: string | null }>(sql.gpuDistribution, [
    sourceUuid,
    monthStart,
    today,
  ]);
  const isMonthOver = rows[0]?.gpuDistribution === 'due';
  const { rowCount } = await applyCosts(client, { sourceUuid, days, isMonthOver });
  await rebuildReportTables(month, days);
  await client.query(sql.recordBasis, [sourceUuid, monthStart, today]);
  // Here and not at the end of a run: rebuilds have no such end, and readers see the new numbers from now on.
  await client.query(sql.completeReportPeriod, [sourceUuid, monthStart]);
  return rowCount;
}
