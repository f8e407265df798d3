import type { UsageDay } from '../domain/time/usage-day.ts';
import { requireControlSums } from '../engines/control-sums.ts';
import { planDays } from '../engines/plan.ts';
import type { DayPlan } from '../engines/plan.ts';
import { engineOfRebuild, engineOfTenant, recordEngine, shadowOfMonth } from '../engines/engine-of-month.ts';
import type { RebuildRelations } from '../engines/engine.ts';
import { engines } from '../engines/engines.ts';
import { elsewhereThan } from '../engines/own-queue.ts';
import { recordDays } from '../engines/record.ts';
import { summariseDays } from '../engines/summarise.ts';
import type { Elsewhere } from '../domain/run/run.ts';
import { addLogContext } from '../platform/observability/logging.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { tenantSettings } from '../platform/tenants/tenant.ts';
import { runStep } from '../summary/month-step.ts';
import type { MonthInput, StepAnswer } from '../summary/month-step.ts';

export interface AggregateDaysInput extends MonthInput {
  /**
   * days to rebuild although nothing about them changed; rebuilding the whole month also applies the current rules
   * profile
   */
  force?: { from: UsageDay; until: UsageDay };
}

interface SummarisedDays {
  dayCount: number;
  summaryRowCount: number;
  /** days of a tenant in shadow: their relations are to be computed by the other engine, too; absent: none */
  daysToCompare?: UsageDay[];
}

export type AggregateDaysResult = StepAnswer<SummarisedDays> | Elsewhere;

/**
 * Bring the daily summary of a source and month up to date with the ledger: plan, rebuild with the engine the daily
 * relations of days whose pieces changed, compare them with the control sums of the pieces, summarise all changed days
 * from the relations, record. One transaction. It does not matter which run calls it; a second call finds nothing to
 * do.
 *
 * @throws PipelineError `DayNotOurs` (not retried) if another writer summarised a day that nobody adopted
 */
export async function aggregateDays(
  deps: ActivityDependencies,
  input: AggregateDaysInput,
): Promise<AggregateDaysResult> {
  const overrides = await tenantSettings(deps.pool, input.schema);
  const profile = overrides.rules ?? deps.config.OCP_RULES;
  const name = await engineOfRebuild(deps.pool, input, engineOfTenant(deps.config, overrides));
  const elsewhere = elsewhereThan(name);
  if (elsewhere !== undefined) return elsewhere;
  let rebuildRelations: RebuildRelations | undefined;
  return runStep(
    deps,
    'aggregate',
    input,
    async ({ client, rebuild }) => {
      const plan = await planDays(client, input, profile, name);
      if (plan?.outcome === 'missing') return plan;
      if (plan !== undefined) addLogContext({ cluster_id: plan.source.clusterId });
      // No data arrived for the month, or nothing changed.
      if (plan === undefined || plan.days.length === 0) return { dayCount: 0, summaryRowCount: 0 };
      if ((await rebuildRelations?.(client, plan)) !== 'rebuilt') return { outcome: 'busy' };
      await requireControlSums(client, plan);
      const summaryRowCount = await summariseDays(client, plan, rebuild);
      await recordDays(client, plan);
      await recordEngine(client, input, name);
      const daysToCompare = shadowOfMonth(overrides, name) === undefined ? [] : builtDays(plan);
      return {
        dayCount: plan.days.length,
        summaryRowCount,
        ...(daysToCompare.length === 0 ? {} : { daysToCompare }),
      };
    },
    {
      prepare: async (attempt) => {
        rebuildRelations = await engines[name].prepare(deps, { ...input, profile }, attempt);
      },
      notKept: (pieces) => engines[name].notKept(deps, input, pieces),
    },
  );
}

/** Days whose relations were built, or are forced to be: changed settings alone change no relation. */
function builtDays({ days }: DayPlan): UsageDay[] {
  return days
    .filter(({ areRelationsBehind, isForced }) => areRelationsBehind || isForced)
    .map(({ usageDay }) => usageDay);
}
