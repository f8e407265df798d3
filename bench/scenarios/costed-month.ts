import type { Pool } from 'pg';
import { applyCosts } from '../../costs/apply-costs.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { daysOfMonth, firstDay } from '../../domain/time/usage-day.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { ensurePartitionsOf } from '../../summary/ensure-partitions.ts';
import { benchCostModel } from '../payload/cost-model.ts';

/** A registered cluster, and how much of it there is to be. */
export interface CostedMonth {
  schema: string;
  sourceUuid: string;
  clusterId: string;
  month: BillingMonth;
  /** rows of pods; the cost model makes about ten lines of each, and one of shared costs */
  rowsPerDay: number;
}

const nodeCount = 40;

/** One row per project, node and label set, and what is left of each node. */
const insertDaySql = `
insert into reporting_ocpusagelineitem_daily_summary (
    uuid, cluster_id, cluster_alias, data_source, namespace, node, resource_id, usage_start, usage_end, pod_labels, all_labels,
    pod_usage_cpu_core_hours, pod_request_cpu_core_hours, pod_effective_usage_cpu_core_hours, pod_limit_cpu_core_hours,
    pod_usage_memory_gigabyte_hours, pod_request_memory_gigabyte_hours, pod_effective_usage_memory_gigabyte_hours,
    pod_limit_memory_gigabyte_hours, node_capacity_cpu_cores, node_capacity_cpu_core_hours, node_capacity_memory_gigabytes,
    node_capacity_memory_gigabyte_hours, cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours,
    source_uuid, report_period_id
)
select
    gen_random_uuid(), $2, $2, 'Pod',
    case when number <= $5 then 'project-' || number % 150 else 'Worker unallocated' end,
    'node-' || number % ${nodeCount}, 'i-' || number % ${nodeCount}, $3::date, $3::date, labels, labels,
    cpu * 0.75, cpu, cpu, cpu * 2, cpu * 3, cpu * 4, cpu * 4, cpu * 8,
    64, 64 * 24, 256, 256 * 24, ${nodeCount} * 64 * 24, ${nodeCount} * 256 * 24, $1, $4
from generate_series(1, $5 + ${nodeCount}) as number
cross join lateral (
    select
        case
            when number <= $5
            then jsonb_build_object('app', 'app-' || number, 'team', 'team-' || number % 17, 'environment', 'production')
            else '{}'
        end as labels,
        round(1 + number / 7.0, 6) as cpu
) as made`;

/** Fill a month of the daily summary with usage, and have the cost step compute its costs. */
export async function fillCostedMonth(pool: Pool, plan: CostedMonth): Promise<void> {
  const { schema, sourceUuid, clusterId, month } = plan;
  await ensurePartitionsOf(pool, schema, [month]);
  const model = readCostModel(
    JSON.stringify({ ...benchCostModel, name: `costs of ${clusterId}` }),
    'json',
    clusterId,
  );
  await applyModel(pool, schema, model, {
    source: clusterId,
    sources: [{ sourceUuid, clusterId }],
    move: false,
  });
  const periodId = await reportPeriod(pool, plan);
  for (const day of daysOfMonth(month)) {
    await inTenantTransaction(pool, schema, async (client) => {
      await client.query(insertDaySql, [sourceUuid, clusterId, day, periodId, plan.rowsPerDay]);
      await applyCosts(client, { sourceUuid, days: [day], isMonthOver: true });
    });
  }
}

async function reportPeriod(
  pool: Pool,
  { schema, sourceUuid, clusterId, month }: CostedMonth,
): Promise<number> {
  return inTenantTransaction(pool, schema, async (client) => {
    const { rows } = await client.query<{ id: number }>(
      `insert into reporting_ocpusagereportperiod
           (cluster_id, cluster_alias, report_period_start, report_period_end, provider_id)
       values ($2, $2, $3::date::timestamp at time zone 'UTC',
           ($3::date + interval '1 month')::timestamp at time zone 'UTC', $1)
       returning id`,
      [sourceUuid, clusterId, firstDay(month)],
    );
    return rows[0]?.id ?? NaN;
  });
}
