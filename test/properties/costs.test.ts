import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { applyCosts } from '../../costs/apply-costs.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { unassignModel } from '../../costs/assignments.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { plain } from '../costs/priced-source.ts';
import { generatedCluster, rowsOf } from '../support/generated-cluster.ts';
import { withMachines } from '../support/generated-machines.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { modelOf } from './all-rates.ts';
import { createDirectPipeline } from './direct-pipeline.ts';
import type { DirectPipeline, StagedCluster } from './direct-pipeline.ts';
import { sumsOf } from './summary-sums.ts';

/** Days that generated clusters have, one to three of them. */
const days = ['2026-10-01', '2026-10-02', '2026-10-03'].map(usageDay);
const costRows = `reporting_ocpusagelineitem_daily_summary where source_uuid = $1`;

let pipeline: DirectPipeline;

beforeAll(async () => {
  pipeline = await createDirectPipeline();
});

const nameOf = ({ sourceUuid }: StagedCluster) => `model of ${sourceUuid}`;

async function giveModel(
  cluster: StagedCluster,
  distribution_type: string,
  changes: { currency?: string; rates?: object[] } = {},
): Promise<void> {
  const { pool, schema } = pipeline.database;
  const document = { ...modelOf(nameOf(cluster), distribution_type), ...changes };
  await applyModel(pool, schema, readCostModel(JSON.stringify(document), 'json', 'test'), {
    source: 'test',
    sources: [{ sourceUuid: cluster.sourceUuid, clusterId: 'c' }],
    move: false,
  });
}

async function price({ sourceUuid }: StagedCluster, together = days): Promise<number> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => {
    const { rowCount } = await applyCosts(client, { sourceUuid, days: together, isMonthOver: true });
    return rowCount;
  });
}

async function rowsOfSummary({ sourceUuid }: StagedCluster): Promise<string[]> {
  const rows = await pipeline.query<{ row: string }>(
    `select (to_jsonb(summary) - 'uuid')::text as row
     from reporting_ocpusagelineitem_daily_summary as summary
     where source_uuid = $1`,
    [sourceUuid],
  );
  return rows.map(({ row }) => row).sort();
}

/** Check a property of generated clusters that are summarised, under both ways of distribution. */
async function forClusters(seed: number, check: (cluster: StagedCluster) => Promise<void>): Promise<void> {
  const distributions = fc.constantFrom('cpu', 'memory');
  const property = fc.asyncProperty(generatedCluster, distributions, async (generated, distribution) => {
    const cluster = await pipeline.stage(buildPayload(withMachines(rowsOf(generated))));
    await pipeline.aggregate(cluster, 'koku');
    await giveModel(cluster, distribution);
    await check(cluster);
  });
  await fc.assert(property, { seed, numRuns: 6, endOnFailure: false });
}

test('what is distributed adds up to 0 per distribution and day', async () => {
  const seen = new Set<string>();
  await forClusters(701, async (cluster) => {
    await price(cluster);
    const sums = await sumsOf(
      pipeline,
      cluster.sourceUuid,
      `select concat_ws(' ', cost_model_rate_type, usage_start) as "group", sum(distributed_cost)::float8 as total
       from ${costRows} and distributed_cost is not null
       group by 1`,
    );
    for (const [group, { total }] of sums) {
      expect(Math.abs(total ?? Number.NaN), group).toBeLessThan(1e-9);
      seen.add(group.split(' ')[0] ?? '');
    }
  });
  expect([...seen].sort()).toEqual(['gpu_distributed', 'platform_distributed', 'worker_distributed']);
});

test('cluster, nodes, claims and machines pay their price wholly, over real and unallocated rows', async () => {
  await forClusters(702, async (cluster) => {
    await price(cluster);
    const of = (text: string) => sumsOf(pipeline, cluster.sourceUuid, text);
    const expected = await of(
      `select usage_start as "group",
           count(distinct node) filter (where data_source = 'Pod')::int as nodes,
           count(distinct namespace) filter (
               where persistentvolumeclaim <> '' and persistentvolumeclaim_capacity_gigabyte_months <> 0
           )::int as projects,
           count(distinct concat_ws('/', namespace, pod_labels ->> 'vm_kubevirt_io_name')) filter (
               where pod_labels ? 'vm_kubevirt_io_name' and pod_request_cpu_core_hours <> 0
           )::int as machines
       from ${costRows} and cost_model_rate_type is null
           and (data_source = 'Storage' or node_capacity_cpu_core_hours <> 0 and node_capacity_memory_gigabyte_hours <> 0)
       group by 1`,
    );
    const found = await of(
      `select usage_start as "group",
           coalesce(sum(cost_model_cpu_cost + cost_model_memory_cost) filter (where monthly_cost_type = 'Cluster'), 0)::float8 as cluster,
           coalesce(sum(cost_model_cpu_cost + cost_model_memory_cost) filter (where monthly_cost_type = 'Node'), 0)::float8 as nodes,
           coalesce(sum(cost_model_volume_cost) filter (where monthly_cost_type = 'PVC'), 0)::float8 as claims,
           coalesce(sum(cost_model_cpu_cost) filter (where monthly_cost_type = 'OCP_VM'), 0)::float8 as machines
       from ${costRows} and cost_model_rate_type = 'Infrastructure'
       group by 1`,
    );
    for (const [day, { nodes = 0, projects = 0, machines = 0 }] of expected) {
      expect(found.get(day)?.['cluster'], `${day} cluster`).toBeCloseTo(nodes > 0 ? 1 : 0, 9);
      expect(found.get(day)?.['nodes'], `${day} nodes`).toBeCloseTo(nodes, 9);
      expect(found.get(day)?.['claims'], `${day} claims`).toBeCloseTo(projects, 9);
      expect(found.get(day)?.['machines'], `${day} machines`).toBeCloseTo(machines, 9);
    }
  });
});

test('days alone, in any order, again, make the rows of all at once; without the model they go', async () => {
  const seen = new Set<string>();
  await forClusters(703, async (cluster) => {
    const { pool, schema } = pipeline.database;
    const before = await rowsOfSummary(cluster);
    expect(await price(cluster)).toBeGreaterThan(0);
    const together = await rowsOfSummary(cluster);
    expect(together).not.toEqual(before);
    for (const row of together) {
      const { monthly_cost_type, data_source } = JSON.parse(row) as Record<string, string | null>;
      seen.add(`${monthly_cost_type} ${data_source}`);
    }
    for (const day of [...days].reverse()) await price(cluster, [day]);
    expect(await rowsOfSummary(cluster)).toEqual(together);
    await unassignModel(pool, schema, nameOf(cluster), [{ sourceUuid: cluster.sourceUuid, clusterId: 'c' }]);
    expect(await price(cluster)).toBe(0);
    expect(await rowsOfSummary(cluster)).toEqual(before);
  });
  const monthly = ['Cluster', 'Node', 'Node_Core_Hour', 'Node_Core_Month', 'OCP_VM', 'OCP_VM_CORE', 'Tag'];
  expect([...seen]).toEqual(
    expect.arrayContaining([
      ...monthly.map((type) => `${type} Pod`),
      'PVC Storage',
      'Tag Storage',
      'Tag GPU',
    ]),
  );
});

test('costs of other sources stay as they are, to the row', async () => {
  const rowsIn = async ({ sourceUuid }: StagedCluster) =>
    pipeline.query<{ row: string }>(
      `select concat_ws(' ', tableoid, ctid, xmin) as row from ${costRows} and cost_model_rate_type is not null order by 1`,
      [sourceUuid],
    );
  /** The cluster before, as it was left. */
  let neighbour: { cluster: StagedCluster; rows: { row: string }[] } | undefined;
  await forClusters(704, async (cluster) => {
    await price(cluster);
    await giveModel(cluster, 'cpu', { currency: 'EUR', rates: [plain('node_cost_per_month', 7)] });
    await price(cluster);
    if (neighbour !== undefined) expect(await rowsIn(neighbour.cluster)).toEqual(neighbour.rows);
    neighbour = { cluster, rows: await rowsIn(cluster) };
    expect(neighbour.rows.length).toBeGreaterThan(0);
  });
});
