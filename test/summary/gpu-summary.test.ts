import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadSql } from '../../platform/database/sql-files.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { HourlyRow, StagedSource } from '../support/staging-fixture.ts';
import { addCostModel, addCostRow } from './cost-row.ts';

const day1 = '2026-10-01';
const day2 = '2026-10-02';

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
  await source.query(
    `insert into reporting_ocp_clusters (uuid, cluster_id, cluster_alias, provider_id) values (gen_random_uuid(), $1, 'alias', $2)`,
    [source.clusterId, source.sourceUuid],
  );
});

/** One hour of a pod on a whole Tesla T4 of 15360 MiB, as it is after loading. */
function gpuHour(hour: number, changes: Record<string, unknown> = {}): HourlyRow {
  return {
    hour,
    node: 'w1',
    namespace: 'lab',
    pod: 'trainer',
    gpu_uuid: 'GPU-1',
    gpu_vendor_name: 'nvidia',
    gpu_model_name: 'Tesla T4',
    gpu_memory_capacity_mib: 15360,
    gpu_pod_uptime: 3600,
    mig_instance_id: '',
    mig_profile: '',
    mig_strategy: '',
    ...changes,
  };
}

/** One hour on a MIG instance of an A100 of 40960 MiB. */
function migHour(instance: string, profile: string, changes: Record<string, unknown> = {}): HourlyRow {
  return gpuHour(0, {
    gpu_uuid: 'GPU-M',
    gpu_model_name: 'A100',
    gpu_memory_capacity_mib: 40960,
    gpu_max_slices: 7,
    mig_instance_id: instance,
    mig_profile: profile,
    mig_strategy: 'mixed',
    ...changes,
  });
}

async function refresh(...days: string[]): Promise<void> {
  for (const day of days)
    await source.query('select ocp_rebuild_relations($1, $1, $2)', [day, source.sourceUuid]);
  await source.query(loadSql('summary/report-tables/gpu_summary.sql'), [source.sourceUuid, days]);
}

interface GpuRow {
  day: string;
  namespace: string;
  node: string;
  vendor: string;
  model: string;
  memory: number;
  count: number | null;
  cost: number | null;
  rateType: string | null;
  maxSlices: number | null;
  mode: string;
  migMemory: number | null;
  profile: string | null;
  slices: number | null;
  strategy: string | null;
  gpu: string;
  instance: string | null;
  platform: boolean;
}

async function gpuRows(): Promise<GpuRow[]> {
  return source.query<GpuRow>(
    `select usage_start::text as day, namespace, node, vendor_name as vendor, model_name as model,
         memory_capacity_gb::float8 as memory, gpu_count as count, cost_model_gpu_cost::float8 as cost,
         cost_model_rate_type as "rateType", gpu_max_slices as "maxSlices", gpu_mode as mode,
         mig_memory_capacity_gb::float8 as "migMemory", mig_profile as profile, mig_slice_count as slices,
         mig_strategy as strategy, gpu_uuid as gpu, mig_instance_id as instance, cost_category_id is not null as platform
     from reporting_ocp_gpu_summary_p
     where source_uuid = $1 and usage_end = usage_start and cluster_id = $2 and cluster_alias = 'alias'
         and cost_model_cpu_cost is null and cost_model_memory_cost is null and cost_model_volume_cost is null
     order by usage_start, namespace, gpu_uuid, mig_instance_id, cost_model_rate_type`,
    [source.sourceUuid, source.clusterId],
  );
}

/** 15360 MiB · 2^20 / 10^9 = 16.10612736 GB */
const wholeGpu: GpuRow = {
  day: day1,
  namespace: 'lab',
  node: 'w1',
  vendor: 'nvidia',
  model: 'Tesla T4',
  memory: 16.10612736,
  count: 1,
  cost: null,
  rateType: null,
  maxSlices: null,
  mode: 'dedicated',
  migMemory: null,
  profile: null,
  slices: null,
  strategy: '',
  gpu: 'GPU-1',
  instance: '',
  platform: false,
};

/** 40960 MiB = 42.94967296 GB */
const migGpu: GpuRow = {
  ...wholeGpu,
  model: 'A100',
  memory: 42.94967296,
  maxSlices: 7,
  mode: 'MIG',
  strategy: 'mixed',
  gpu: 'GPU-M',
};

describe('without a GPU rate, from line items', () => {
  test('a GPU that two pods of a namespace used for several hours is one row and one physical GPU', async () => {
    await source.stage('gpu_usage', day1, [
      gpuHour(0),
      gpuHour(1),
      gpuHour(5, { pod: 'other' }),
      gpuHour(0, { pod: 'second', gpu_uuid: 'GPU-2' }),
      gpuHour(0, { namespace: 'openshift-ai', gpu_uuid: 'GPU-3' }),
    ]);
    await source.stage('gpu_usage', day2, [gpuHour(0)]);
    const expected = [
      wholeGpu,
      { ...wholeGpu, gpu: 'GPU-2' },
      { ...wholeGpu, namespace: 'openshift-ai', gpu: 'GPU-3', platform: true },
      { ...wholeGpu, day: day2 },
    ];
    await refresh(day1, day2);
    expect(await gpuRows()).toEqual(expected);
    await refresh(day1, day2);
    expect(await gpuRows()).toEqual(expected);
  });

  test('each MIG instance is a row with its share of the memory, and counts the GPU it is cut from', async () => {
    await source.stage('gpu_usage', day1, [
      migHour('MIG-a', '1g.5gb', { mig_slice_count: 1, mig_memory_capacity_mib: 5120 }),
      migHour('MIG-b', '2g.10gb', { mig_slice_count: 2, mig_memory_capacity_mib: 10240 }),
    ]);
    await refresh(day1);
    const rows = await gpuRows();
    // 5120 MiB = 5.36870912 GB, 10240 MiB = 10.73741824 GB
    expect(rows).toEqual([
      { ...migGpu, profile: '1g.5gb', slices: 1, migMemory: 5.36870912, instance: 'MIG-a' },
      { ...migGpu, profile: '2g.10gb', slices: 2, migMemory: 10.73741824, instance: 'MIG-b' },
    ]);
    expect(new Set(rows.map((row) => row.gpu)).size).toBe(1);
  });

  test('a profile of another form keeps its text and has no slices', async () => {
    await source.stage('gpu_usage', day1, [migHour('MIG-a', '1g.5gb+me')]);
    await refresh(day1);
    expect(await gpuRows()).toEqual([{ ...migGpu, profile: '1g.5gb+me', instance: 'MIG-a' }]);
  });

  test('a blank profile becomes NULL while a blank strategy and instance stay blank', async () => {
    await source.stage('gpu_usage', day1, [gpuHour(0)]);
    await refresh(day1);
    expect(await gpuRows()).toMatchObject([{ profile: null, strategy: '', instance: '', mode: 'dedicated' }]);
  });

  test('only the given days are replaced, from pieces that are live', async () => {
    await source.stage('gpu_usage', day1, [gpuHour(0)]);
    await source.stage('gpu_usage', day2, [gpuHour(0)]);
    await refresh(day1, day2);
    await source.query(`update ocp_piece set live_hours = 0 where source_uuid = $1`, [source.sourceUuid]);
    await source.stage('gpu_usage', day1, [gpuHour(0, { gpu_uuid: 'GPU-new' })]);
    await refresh(day1);
    expect(await gpuRows()).toEqual([
      { ...wholeGpu, gpu: 'GPU-new' },
      { ...wholeGpu, day: day2 },
    ]);
  });

  test('a text longer than its column is cut instead of stopping the table', async () => {
    await source.stage('gpu_usage', day1, [migHour('MIG-a', '1g.5gb', { mig_strategy: 'mixed-and-single' })]);
    await refresh(day1);
    expect(await gpuRows()).toMatchObject([{ strategy: 'mixed-and-' }]);
  });
});

interface List {
  priority: number;
  from?: string;
  until?: string;
  metric?: string;
}

/** Give the source a cost model with one price list per entry; each list has one rate. */
async function addPriceLists(...lists: List[]): Promise<void> {
  const model = await addCostModel(source, 'cpu');
  for (const { priority, from = '2026-01-01', until = '2099-12-31', metric = 'gpu_cost_per_month' } of lists)
    await source.query(
      `with list as (
           insert into price_list (uuid, name, description, currency, effective_start_date, effective_end_date, enabled, version,
               rates, created_timestamp, updated_timestamp)
           values (gen_random_uuid(), 'l', '', 'USD', $2, $3, true, 1, '[]', now(), now()) returning uuid
       ), mapped as (
           insert into price_list_cost_model_map (priority, cost_model_id, price_list_id) select $4, $1, uuid from list
       )
       insert into cost_model_rate (uuid, custom_name, description, metric, metric_type, cost_type, default_rate, tag_key,
           tag_values, created_timestamp, updated_timestamp, price_list_id)
       select gen_random_uuid(), 'r', '', $5, 'gpu', 'Infrastructure', null, 'nvidia', '[]', now(), now(), uuid from list`,
      [model, from, until, priority, metric],
    );
}

/** A GPU row as the cost model writes it. */
async function addGpuCost(
  cost: number,
  labels: Record<string, unknown>,
  changes: Record<string, unknown> = {},
): Promise<void> {
  await addCostRow(source, day1, {
    data_source: 'GPU',
    namespace: 'lab',
    node: 'w1',
    resource_id: 'GPU-1',
    monthly_cost_type: 'Tag',
    cost_model_rate_type: 'Infrastructure',
    cost_model_gpu_cost: cost,
    all_labels: labels,
    ...changes,
  });
}

const wholeGpuLabels = {
  'gpu-model': 'Tesla T4',
  'gpu-vendor': 'nvidia',
  'gpu-memory-mib': '15360',
  'mig-profile': '',
  'mig-slice-count': null,
  'gpu-max-slices': null,
  'mig-strategy': '',
  'mig-memory-mib': null,
  'gpu-mode': 'dedicated',
  'gpu-uuid': 'GPU-1',
  'mig-instance-id': '',
};
const migLabels = {
  ...wholeGpuLabels,
  'gpu-model': 'A100',
  'gpu-memory-mib': '40960',
  'mig-profile': '2g.10gb',
  'mig-slice-count': '2',
  'gpu-max-slices': '7',
  'mig-strategy': 'mixed',
  'mig-memory-mib': '10240',
  'gpu-mode': 'MIG',
  'gpu-uuid': 'GPU-M',
  'mig-instance-id': 'MIG-b',
};

describe('with a GPU rate, from cost rows', () => {
  test('costs of pods on one GPU add up, without a count and with a blank instance as NULL', async () => {
    await addPriceLists({ priority: 1 });
    await source.stage('gpu_usage', day1, [gpuHour(0, { gpu_uuid: 'GPU-only-in-line-items' })]);
    await addGpuCost(1.5, wholeGpuLabels);
    await addGpuCost(2.5, wholeGpuLabels);
    await addGpuCost(3, migLabels);
    await addGpuCost(100, { 'gpu-model': 'Tesla T4' }, { namespace: 'GPU unallocated', resource_id: null });
    await addGpuCost(0, {}, { cost_model_rate_type: 'gpu_distributed', distributed_cost: 100 });
    await addGpuCost(9, wholeGpuLabels, { usage_start: day2, usage_end: day2 });
    const priced = { count: null, rateType: 'Infrastructure' };
    const expected = [
      { ...wholeGpu, ...priced, cost: 4, instance: null },
      // 10240 MiB = 10.73741824 GB
      {
        ...migGpu,
        ...priced,
        cost: 3,
        profile: '2g.10gb',
        slices: 2,
        migMemory: 10.73741824,
        instance: 'MIG-b',
      },
    ];
    await refresh(day1);
    expect(await gpuRows()).toEqual(expected);
    await refresh(day1);
    expect(await gpuRows()).toEqual(expected);
  });

  test.for<{ title: string; lists: List[]; priced: boolean }>([
    {
      title: 'a list that ended before the month does not count',
      lists: [{ priority: 1, until: '2026-09-30' }],
      priced: false,
    },
    {
      title: 'a list that starts within the month does not count',
      lists: [{ priority: 1, from: '2026-10-02' }],
      priced: false,
    },
    {
      title: 'a list that ends on the first day of the month counts',
      lists: [{ priority: 1, until: day1 }],
      priced: true,
    },
    {
      title: 'a list of lower priority number without a GPU rate hides the other',
      lists: [{ priority: 2 }, { priority: 1, metric: 'cpu_core_usage_per_hour' }],
      priced: false,
    },
    {
      title: 'a list of higher priority number is hidden by one with a GPU rate',
      lists: [{ priority: 1 }, { priority: 2, metric: 'cpu_core_usage_per_hour' }],
      priced: true,
    },
  ])('$title', async ({ lists, priced }) => {
    await addPriceLists(...lists);
    await source.stage('gpu_usage', day2, [gpuHour(0)]);
    await addGpuCost(4, wholeGpuLabels, { usage_start: day2, usage_end: day2 });
    await refresh(day2);
    expect((await gpuRows()).map((row) => [row.cost, row.count])).toEqual([priced ? [4, null] : [null, 1]]);
  });
});
