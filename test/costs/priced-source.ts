import { applyCosts } from '../../costs/apply-costs.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { StagedSource } from '../support/staging-fixture.ts';

/** A rate of a document with one price. */
export function plain(name: string, value: number, cost_type = 'Infrastructure') {
  return { metric: { name }, cost_type, tiered_rates: [{ value }] };
}

/** A rate of a document by the values of a label; the value that is the default has a `*` behind it. */
export function byLabel(
  name: string,
  tag_key: string,
  values: Record<string, number>,
  cost_type = 'Infrastructure',
) {
  const tag_values = Object.entries(values).map(([key, value]) => ({
    tag_value: key.replace(/\*$/, ''),
    value,
    default: key.endsWith('*'),
  }));
  return { metric: { name }, cost_type, tag_rates: { tag_key, tag_values } };
}

const noDistribution = { platform_cost: false, worker_cost: false };

/** Give the source a cost model of its own with these rates, nothing of which is distributed if not said otherwise. */
export async function giveModel(
  source: StagedSource,
  rates: object[],
  {
    distribution = {},
    ...changes
  }: { distribution?: object; markup?: object; price_lists?: object[]; rates?: undefined } = {},
): Promise<void> {
  const { database, clusterId, sourceUuid } = source;
  const document = {
    name: `model of ${clusterId}`,
    source_type: 'OCP',
    currency: 'USD',
    distribution_info: { ...noDistribution, ...distribution },
    rates,
    ...changes,
  };
  await applyModel(database.pool, database.schema, readCostModel(JSON.stringify(document), 'json', 'test'), {
    source: 'test',
    sources: [{ sourceUuid, clusterId }],
    move: false,
  });
}

/** Compute the costs of a day. @returns cost rows */
export async function priceDay(source: StagedSource, day: string, isMonthOver = true): Promise<number> {
  const { database, sourceUuid } = source;
  return inTenantTransaction(database.pool, database.schema, async (client) => {
    const { rowCount } = await applyCosts(client, { sourceUuid, days: [usageDay(day)], isMonthOver });
    return rowCount;
  });
}

/** {@link giveModel}, {@link priceDay} and {@link costLines}. */
export async function priced(
  source: StagedSource,
  day: string,
  rates: object[],
  options: Parameters<typeof giveModel>[2] = {},
): Promise<string[]> {
  await giveModel(source, rates, options);
  await priceDay(source, day);
  return costLines(source);
}

/**
 * Cost rows as text, sorted: `namespace node type {labels} costs`, where type is the monthly type, else the
 * distribution, else "usage", and costs are those that the row has, even if 0: c = cpu, m = memory, v = volume, g =
 * gpu, d = distributed; six decimals. `condition` is SQL.
 */
export async function costLines(source: StagedSource, condition = 'true'): Promise<string[]> {
  const rows = await source.query<{ key: string; costs: (number | null)[] }>(
    `select
         concat_ws(' ',
             namespace,
             coalesce(node, '-'),
             persistentvolumeclaim,
             coalesce(
                 monthly_cost_type,
                 case when cost_model_rate_type in ('Infrastructure', 'Supplementary') then 'usage' else cost_model_rate_type end
             ),
             (
                 select '{' || string_agg(label.key || '=' || label.value, ' ' order by label.key) || '}'
                 from jsonb_each_text(coalesce(pod_labels, volume_labels)) as label
             )
         ) as key,
         array[
             cost_model_cpu_cost, cost_model_memory_cost, cost_model_volume_cost, cost_model_gpu_cost, distributed_cost
         ]::float8[] as costs
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1
         and cost_model_rate_type is not null
         and (${condition})`,
    [source.sourceUuid],
  );
  return rows
    .map(({ key, costs }) => {
      const named = costs.flatMap((cost, index) =>
        cost === null ? [] : [`${'cmvgd'[index]}=${String(Number(cost.toFixed(6)))}`],
      );
      return [key, ...named].join(' ');
    })
    .sort();
}
