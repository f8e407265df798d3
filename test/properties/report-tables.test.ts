import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { generatedCluster, rowsOf } from '../support/generated-cluster.ts';
import { withMachines } from '../support/generated-machines.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { modelOf } from './all-rates.ts';
import { createDirectPipeline } from './direct-pipeline.ts';
import type { DirectPipeline, StagedCluster } from './direct-pipeline.ts';

/*
 * Report tables are added up from each other where one is coarser than another. Here each is compared, row by row and
 * to the last digit, with what one statement over the daily summary says.
 */
const dailySummary = 'reporting_ocpusagelineitem_daily_summary';

const sums = (...columns: string[]) => columns.map((column) => [column, `sum(${column})`] as const);
const greatest = (...columns: string[]) => columns.map((column) => [column, `max(${column})`] as const);

const costs = [
  ...sums(
    'infrastructure_raw_cost',
    'infrastructure_markup_cost',
    'cost_model_cpu_cost',
    'cost_model_memory_cost',
    'cost_model_volume_cost',
    'cost_model_gpu_cost',
    'distributed_cost',
  ),
  ...greatest('cost_category_id', 'raw_currency'),
];
const resources = [
  ['resource_ids', 'array_agg(distinct resource_id::text)'],
  ['resource_count', 'count(distinct resource_id)'],
  ...greatest('data_source'),
] as const;
const pods = [
  ...costs,
  ...resources,
  ...sums(
    ...['cpu_core', 'memory_gigabyte'].flatMap((kind) =>
      ['usage', 'request', 'effective_usage', 'limit'].map((what) => `pod_${what}_${kind}_hours`),
    ),
  ),
  ...greatest('cluster_capacity_cpu_core_hours', 'cluster_capacity_memory_gigabyte_hours'),
];
const nodes = greatest(
  'node_capacity_cpu_cores',
  'node_capacity_cpu_core_hours',
  'node_capacity_memory_gigabytes',
  'node_capacity_memory_gigabyte_hours',
);
const volumes = [
  ...costs,
  ...resources,
  ...sums(
    'volume_request_storage_gigabyte_months',
    'persistentvolumeclaim_usage_gigabyte_months',
    'persistentvolumeclaim_capacity_gigabyte_months',
  ),
];
const transfers = [
  ...costs,
  ...resources,
  ['infrastructure_data_in_gigabytes', 'coalesce(sum(infrastructure_data_in_gigabytes), 0)'],
  ['infrastructure_data_out_gigabytes', 'coalesce(sum(infrastructure_data_out_gigabytes), 0)'],
] as const;

const real = `data_source = 'Pod' and (namespace is null or namespace not in ('Platform unallocated', 'Worker unallocated',
  'Storage unattributed', 'Network unattributed', 'GPU unallocated'))`;
const claims = `data_source = 'Storage' and persistentvolumeclaim is not null`;
// A row of the bill has one direction.
const transferred = `data_source = 'Pod' and namespace = 'Network unattributed'
  and num_nonnulls(infrastructure_data_in_gigabytes, infrastructure_data_out_gigabytes) > 0`;

interface ReportTable {
  name: string;
  /** beside day, cluster and rate type */
  keys: readonly string[];
  columns: readonly (readonly [name: string, expression: string])[];
  rows: string;
  /** more that rows are apart by, which the table does not show */
  apart?: string;
}

const direction = 'infrastructure_data_in_gigabytes is null';
const tables: readonly ReportTable[] = [
  { name: 'cost_summary', keys: [], columns: costs, rows: 'true' },
  { name: 'cost_summary_by_node', keys: ['node'], columns: costs, rows: 'true' },
  { name: 'cost_summary_by_project', keys: ['namespace'], columns: costs, rows: 'true' },
  { name: 'pod_summary', keys: [], columns: pods, rows: real },
  { name: 'pod_summary_by_node', keys: ['node'], columns: [...pods, ...nodes], rows: real },
  { name: 'pod_summary_by_project', keys: ['namespace'], columns: pods, rows: real },
  {
    name: 'volume_summary',
    keys: ['persistentvolumeclaim', 'storageclass'],
    columns: volumes,
    rows: claims,
  },
  {
    name: 'volume_summary_by_project',
    keys: ['namespace', 'persistentvolumeclaim', 'storageclass'],
    columns: volumes,
    rows: claims,
  },
  { name: 'network_summary', keys: [], columns: transfers, rows: transferred, apart: direction },
  {
    name: 'network_summary_by_node',
    keys: ['node'],
    columns: transfers,
    rows: transferred,
    apart: direction,
  },
  {
    name: 'network_summary_by_project',
    keys: ['namespace'],
    columns: transfers,
    rows: transferred,
    apart: direction,
  },
];

let pipeline: DirectPipeline;
beforeAll(async () => {
  pipeline = await createDirectPipeline();
});

/** Rows that the table and the daily summary do not have in common, and the number of rows of the table. */
async function compare(
  { sourceUuid }: StagedCluster,
  { name, keys, columns, rows, apart }: ReportTable,
): Promise<{ different: string[]; count: number }> {
  const group = ['usage_start', 'cluster_id', 'cluster_alias', 'cost_model_rate_type', ...keys];
  const table = `reporting_ocp_${name}_p where source_uuid = $1`;
  const found = `select ${[...group, ...columns.map(([column]) => column)].join(', ')} from ${table}`;
  const expected = `select ${[...group, ...columns.map(([, expression]) => expression)].join(', ')}
    from ${dailySummary} where source_uuid = $1 and ${rows}
    group by ${[...group, ...(apart === undefined ? [] : [apart])].join(', ')}`;
  const different = await pipeline.query<{ row: string }>(
    `select row::text as row
     from ((${found}) except all (${expected}) union all ((${expected}) except all (${found}))) as row`,
    [sourceUuid],
  );
  const [counted] = await pipeline.query<{ n: number }>(`select count(*)::int as n from ${table}`, [
    sourceUuid,
  ]);
  return { different: different.map(({ row }) => row), count: counted?.n ?? 0 };
}

/** What a cloud bill leaves: transfers in and out, a disk that nobody has, cost without a namespace. */
async function addCloudRows({ sourceUuid }: StagedCluster): Promise<void> {
  await pipeline.query(
    `insert into ${dailySummary}
     select added.*
     from ${dailySummary} as line
     cross join (
         values
             ('{"data_source": "Pod", "namespace": "Network unattributed", "infrastructure_data_in_gigabytes": 3.5}'::jsonb),
             ('{"data_source": "Pod", "namespace": "Network unattributed", "infrastructure_data_out_gigabytes": 0}'::jsonb),
             ('{"data_source": "Storage", "namespace": "Storage unattributed"}'::jsonb),
             ('{"data_source": "Pod", "namespace": null}'::jsonb),
             ('{"data_source": null, "namespace": null}'::jsonb)
     ) as kind (columns)
     cross join lateral jsonb_populate_record(
         line,
         kind.columns || jsonb_build_object(
             'uuid', gen_random_uuid(), 'infrastructure_raw_cost', 1.000000000000001, 'raw_currency', 'EUR'
         )
     ) as added
     where line.source_uuid = $1 and line.cost_model_rate_type is null`,
    [sourceUuid],
  );
}

async function giveModel({ sourceUuid }: StagedCluster, distribution: string): Promise<void> {
  const { pool, schema } = pipeline.database;
  const model = readCostModel(JSON.stringify(modelOf(sourceUuid, distribution)), 'json', 'test');
  const sources = [{ sourceUuid, clusterId: 'c' }];
  await applyModel(pool, schema, model, { source: 'test', sources, move: false });
}

test('every report table is what the rows of the daily summary add up to', async () => {
  const rowCounts = new Map<string, number>();
  const models = fc.constantFrom('none', 'cpu', 'memory');
  const property = fc.asyncProperty(generatedCluster, models, async (generated, model) => {
    const cluster = await pipeline.stage(buildPayload(withMachines(rowsOf(generated))));
    await pipeline.aggregate(cluster, 'koku');
    await addCloudRows(cluster);
    if (model !== 'none') await giveModel(cluster, model);
    await pipeline.refresh(cluster);
    for (const table of tables) {
      const { different, count } = await compare(cluster, table);
      expect(different, table.name).toEqual([]);
      rowCounts.set(table.name, (rowCounts.get(table.name) ?? 0) + count);
    }
  });
  await fc.assert(property, { seed: 705, numRuns: 6, endOnFailure: false });
  for (const { name } of tables) expect(rowCounts.get(name), name).toBeGreaterThan(0);
});
