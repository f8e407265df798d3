import type { Pool } from 'pg';
import type { CostModel } from '../costs/cost-model.ts';
import { basisOf, remarksOf } from '../costs/cost-months.ts';
import type { CostMonth } from '../costs/cost-months.ts';
import type { DryRun } from '../costs/dry-run.ts';
import { fairnessKeyOf } from '../domain/run/priority.ts';
import { costsWorkflowId } from '../domain/run/resummarize.ts';
import type { RecalculateCostsResult } from '../domain/run/resummarize.ts';
import { taskQueues } from '../domain/run/run.ts';
import { addMonths, billingMonthOf, firstDay, usageDay } from '../domain/time/usage-day.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { runOptions } from '../intake/start-workflow.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import type { recalculateCosts } from '../workflows/index.ts';
import { followMonth } from './month-run.ts';
import type { BlockedMonth } from './month-run.ts';
import { table } from './output.ts';
import type { Output } from './output.ts';
import type { Services } from './services.ts';

/** Sentences about price lists that begin inside the current month: the list of the first day applies to all of it. */
export function midMonthRemarks({ price_lists }: CostModel, month: BillingMonth): string[] {
  return price_lists.flatMap(({ name, effective_start_date: start }) => {
    const starts = usageDay(start);
    if (billingMonthOf(starts) !== month || starts === firstDay(month)) return [];
    return [
      `Price list "${name}" starts on ${start}: it counts from ${addMonths(month, 1)} on, because the list that is ` +
        `valid on the first day of a month applies to all of it`,
    ];
  });
}

/** What a document would change, by project and rate. */
export function dryRunText(
  { applied, month, pricedSources, changes }: DryRun,
  { name, currency }: CostModel,
  clusterOf: ReadonlyMap<string, string>,
): string {
  const head = `Cost model ${name}: would be ${applied.outcome}; nothing was changed`;
  if (pricedSources.length === 0) return `${head}\nNo cluster of it has a day of ${month} yet`;
  const amount = (value: number) => value.toFixed(2);
  const change = changes.reduce((sum, { before, after }) => sum + after - before, 0);
  return [
    head,
    table(
      ['cluster', 'project', 'rate', 'now', 'then', 'change'],
      changes.map(({ sourceUuid, project, rate, before, after }) => [
        clusterOf.get(sourceUuid) ?? sourceUuid,
        project,
        rate,
        amount(before),
        amount(after),
        amount(after - before),
      ]),
      `No cost of ${month} changes`,
    ),
    `Change of ${month} so far: ${amount(change)} ${currency}`,
  ].join('\n');
}

/** One line per cluster and month: what its costs are based on, since when. */
export function basisLines(months: readonly CostMonth[], orgId: string): string[] {
  return months.map((month) => {
    const since = month.since === null ? 'never computed' : `since ${month.since.toISOString().slice(0, 16)}`;
    const remarks = remarksOf(month, orgId).map((remark) => `; ${remark}`);
    return `${month.clusterId} ${month.month}: ${basisOf(month)}, ${since}${remarks.join('')}`;
  });
}

/** Recalculated months of a source. */
export interface Recalculated extends RecalculateCostsResult {
  sourceUuid: string;
}

/**
 * Recalculate the costs of all sources of a model, of every month from one on that has days of ours, and wait for it.
 * One that already waits or runs is replaced.
 *
 * @returns what was recalculated; the rest was not begun if a run is blocked
 */
export async function recalculateFrom(
  services: Services,
  { orgId, schema, modelUuid }: { orgId: string; schema: string; modelUuid: string },
  fromMonth: BillingMonth,
  { output, stop }: { output: Output; stop: AbortSignal },
): Promise<{ recalculated: Recalculated[]; blocked?: BlockedMonth }> {
  const client = await services.client();
  const recalculated: Recalculated[] = [];
  for (const { sourceUuid, month } of await monthsFrom(services.pool, schema, modelUuid, fromMonth)) {
    const handle = await client.workflow.start<typeof recalculateCosts>('recalculateCosts', {
      workflowId: costsWorkflowId({ orgId, sourceUuid, month }),
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      taskQueue: taskQueues.pipeline,
      args: [{ orgId, schema, sourceUuid, month, options: runOptions(services.config) }],
      priority: { fairnessKey: fairnessKeyOf(orgId) },
      staticSummary: `costs of ${month}`,
    });
    const end = await followMonth<typeof recalculateCosts>(output, handle, stop);
    if (end.outcome === 'blocked') return { recalculated, blocked: end };
    recalculated.push({ sourceUuid, ...end.result });
  }
  return { recalculated };
}

async function monthsFrom(
  pool: Pool,
  schema: string,
  modelUuid: string,
  from: BillingMonth,
): Promise<{ sourceUuid: string; month: BillingMonth }[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ sourceUuid: string; month: BillingMonth }>(
      `select distinct day.source_uuid::text as "sourceUuid", to_char(day.usage_day, 'YYYY-MM') as month
       from ocp_day as day
       join cost_model_map as mapped on mapped.provider_uuid = day.source_uuid
       where mapped.cost_model_id = $1
           and day.usage_day >= $2::date
       order by 2, 1`,
      [modelUuid, firstDay(from)],
    ),
  );
  return rows;
}
