import { beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { HourlyRow, Labels, StagedSource } from '../support/staging-fixture.ts';
import { addCostRow } from './cost-row.ts';

/*
 * Known ways to get a cluster's bill wrong, one small day each. A day has few rows, so each expected number is a sum
 * that fits in one line of comment. 3600 core-seconds are 1 core-hour, a GiB for an hour is 3600 · 2^30 byte-seconds.
 */
const day = '2026-10-01';
const gib = 2 ** 30;
const gibHour = 3600 * gib;

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});

/** One pod and hour: usage 1 core-hour, request 0, on a node of 4 cores and 16 GiB, unless told otherwise. */
function podHour(hour: number, columns: Record<string, unknown> = {}): HourlyRow {
  return {
    hour,
    pod: 'web',
    namespace: 'shop',
    node: 'w1',
    resource_id: 'i-w1',
    label_set_id: {},
    pod_usage_cpu_core_seconds: 3600,
    pod_request_cpu_core_seconds: 0,
    node_capacity_cpu_cores: 4,
    node_capacity_cpu_core_seconds: 4 * 3600,
    node_capacity_memory_bytes: 16 * gib,
    node_capacity_memory_byte_seconds: 16 * gibHour,
    ...columns,
  };
}

/** One volume and hour: 10 GiB, 8 requested, 4 used, claim `data` on volume `pv1`, mounted by `web`. */
function volumeHour(hour: number, columns: Record<string, unknown> = {}): HourlyRow {
  return {
    hour,
    pod: 'web',
    namespace: 'shop',
    persistentvolumeclaim: 'data',
    persistentvolume: 'pv1',
    storageclass: 'fast',
    persistentvolume_label_set_id: {},
    persistentvolumeclaim_label_set_id: {},
    persistentvolumeclaim_capacity_bytes: 10 * gib,
    persistentvolumeclaim_capacity_byte_seconds: 10 * gibHour,
    volume_request_storage_byte_seconds: 8 * gibHour,
    persistentvolumeclaim_usage_byte_seconds: 4 * gibHour,
    ...columns,
  };
}

interface PodRow {
  namespace: string;
  node: string;
  resource_id: string | null;
  labels: Labels | null;
  usage: number;
  effective: number;
  node_hours: number;
  cluster_hours: number;
}

/** Pod rows without rate type of a day, unallocated ones last. */
async function podRows(of: StagedSource, on = day): Promise<PodRow[]> {
  return of.query<PodRow>(
    `select namespace, node, resource_id, pod_labels as labels,
         pod_usage_cpu_core_hours::float8 as usage,
         pod_effective_usage_cpu_core_hours::float8 as effective,
         node_capacity_cpu_core_hours::float8 as node_hours,
         cluster_capacity_cpu_core_hours::float8 as cluster_hours
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and usage_start = $2 and data_source = 'Pod' and cost_model_rate_type is null
     order by namespace like '% unallocated', namespace collate "C", node, pod_labels`,
    [of.sourceUuid, on],
  );
}

interface VolumeRow {
  claim: string;
  node: string | null;
  /** capacity, request, usage in GiB-months */
  months: [number, number, number];
}

async function volumeRows(of: StagedSource): Promise<VolumeRow[]> {
  return of.query<VolumeRow>(
    `select persistentvolumeclaim as claim, node,
         array[persistentvolumeclaim_capacity_gigabyte_months, volume_request_storage_gigabyte_months,
             persistentvolumeclaim_usage_gigabyte_months]::float8[] as months
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and data_source = 'Storage'
     order by persistentvolumeclaim, node nulls last`,
    [of.sourceUuid],
  );
}

async function unallocated(of: StagedSource, on = day): Promise<PodRow[]> {
  return (await podRows(of, on)).filter(({ namespace }) => namespace.endsWith(' unallocated'));
}

async function nodes(of: StagedSource): Promise<{ node: string; role: string; cores: number }[]> {
  return of.query(
    `select known.node, known.node_role as role, known.node_capacity_cpu_cores::float8 as cores
     from reporting_ocp_nodes as known
     join reporting_ocp_clusters as cluster on cluster.uuid = known.cluster_id
     where cluster.provider_id = $1
     order by known.node, known.node_role`,
    [of.sourceUuid],
  );
}

describe('node capacity', () => {
  beforeAll(async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [
      // Hour 0: two pods on w1 repeat its 4 cores; hour 1: it has 8 cores, one pod says nothing; hour 2: nobody runs there.
      podHour(0, { pod: 'a' }),
      podHour(0, { pod: 'b' }),
      podHour(1, { pod: 'a', node_capacity_cpu_core_seconds: 8 * 3600 }),
      podHour(1, { pod: 'b', node_capacity_cpu_core_seconds: null }),
      podHour(2, { node: 'w2', resource_id: 'i-w2', node_capacity_cpu_core_seconds: 2 * 3600 }),
      // A node whose capacity is never told has 0, not NULL.
      podHour(2, { node: 'w3', resource_id: 'i-w3', node_capacity_cpu_core_seconds: null }),
    ]);
    await source.summarise('koku', day);
  });

  test('is the maximum of each hour, summed over the hours in which a pod ran, then over nodes', async () => {
    // w1: 4 + 8 = 12; w2: 2; w3: 0; cluster: 14. Summing rows instead would give w1 4 + 4 + 8 = 16.
    const shop = (await podRows(source)).filter(({ namespace }) => namespace === 'shop');
    expect(shop.map((row) => [row.node, row.usage, row.node_hours, row.cluster_hours])).toEqual([
      ['w1', 4, 12, 14],
      ['w2', 1, 2, 14],
      ['w3', 1, 0, 14],
    ]);
  });

  test('that was used more than it is leaves a negative remainder, so that usage adds up to capacity', async () => {
    // w1: 12 - 4 = 8; w2: 2 - 1 = 1; w3: 0 - 1 = -1.
    expect((await unallocated(source)).map((row) => [row.node, row.usage, row.effective])).toEqual([
      ['w1', 8, 8],
      ['w2', 1, 1],
      ['w3', -1, -1],
    ]);
  });
});

test('a pod that waits for a node stays out of the summary, also beside the hours in which it has one', async () => {
  source = await createStagedSource(database, '2026-10');
  await source.stage('pod_usage', day, [podHour(0, { node: '', resource_id: '' }), podHour(1)]);
  await source.stage('storage_usage', day, [volumeHour(0), volumeHour(1)]);
  await source.summarise('koku', day);
  expect((await podRows(source)).map((row) => [row.namespace, row.node, row.usage])).toEqual([
    ['shop', 'w1', 1],
    ['Worker unallocated', 'w1', 3],
  ]);
  expect(await nodes(source)).toEqual([{ node: 'w1', role: 'worker', cores: 4 }]);
  // One node, so nothing is shared: 2 hours · 8 GiB requested of 31 days.
  const rows = await volumeRows(source);
  expect(rows.map(({ claim, node }) => [claim, node])).toEqual([['data', 'w1']]);
  expect(rows[0]?.months[1]).toBeCloseTo((2 * 3600 * 8) / (86400 * 31), 12);
});

describe('node roles', () => {
  test('on bare metal the blank instance id finds the role of its node', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [
      podHour(0, { node: 'm1', resource_id: '', node_role: 'master' }),
      podHour(0, { node: 'w1', resource_id: '', node_role: 'worker' }),
    ]);
    await source.summarise('koku', day);
    expect((await unallocated(source)).map((row) => [row.namespace, row.node, row.resource_id])).toEqual([
      ['Platform unallocated', 'm1', ''],
      ['Worker unallocated', 'w1', ''],
    ]);
  });

  test('without a role an API server makes a master, the infra label an infra node, and nothing a worker', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [
      podHour(0, { node: 'api', resource_id: 'i-1', namespace: 'openshift-kube-apiserver', node_role: '' }),
      podHour(0, { node: 'inf', resource_id: 'i-2', node_role: '' }),
      podHour(0, { node: 'new', resource_id: 'i-3', node_role: null }),
    ]);
    // The key of the role need not be enabled.
    await source.stage('node_labels', day, [
      { hour: 0, node: 'inf', label_set_id: { node_role_kubernetes_io: 'infra', zone: 'a' } },
    ]);
    await source.summarise('koku', day);
    expect(await nodes(source)).toEqual([
      { node: 'api', role: 'master', cores: 4 },
      { node: 'inf', role: 'infra', cores: 4 },
      { node: 'new', role: 'worker', cores: 4 },
    ]);
    expect((await unallocated(source)).map((row) => [row.namespace, row.node])).toEqual([
      ['Platform unallocated', 'api'],
      ['Platform unallocated', 'inf'],
      ['Worker unallocated', 'new'],
    ]);
  });

  test('of several roles the alphabetically last holds, in a file and between capacities', async () => {
    source = await createStagedSource(database, '2026-10');
    const infra = { node: 'x', resource_id: 'i-x', node_role: 'infra' };
    await source.stage('pod_usage', day, [podHour(0, infra), podHour(1, { ...infra, node_role: 'master' })]);
    await source.summarise('koku', day);
    expect(await nodes(source)).toEqual([{ node: 'x', role: 'master', cores: 4 }]);

    // Another size makes another row of the node; 'worker' > 'master', so the node counts as a worker from now on.
    await source.stage('pod_usage', '2026-10-02', [
      podHour(0, { ...infra, node_role: 'worker', node_capacity_cpu_cores: 8 }),
    ]);
    await source.summarise('koku', '2026-10-02');
    expect((await unallocated(source, '2026-10-02')).map(({ namespace }) => namespace)).toEqual([
      'Worker unallocated',
    ]);
    expect((await unallocated(source)).map(({ namespace }) => namespace)).toEqual(['Platform unallocated']);
  });

  test('a capacity with more decimals than the column keeps is found again instead of added again', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [podHour(0, { node_capacity_cpu_cores: 3.999 })]);
    await source.summarise('koku', day);
    await source.summarise('koku', day);
    expect(await nodes(source)).toEqual([{ node: 'w1', role: 'worker', cores: 4 }]);
  });
});

describe('labels', () => {
  test('a key that is enabled after loading is in the next summary', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [podHour(0, { label_set_id: { late_key: 'x', vm_kubevirt_io_name: 'vm1' } })]);
    await source.stage('namespace_labels', day, [{ hour: 0, namespace: 'shop', label_set_id: { late_team: 'blue' } }]);
    await source.summarise('koku', day);
    // The name of a virtual machine is kept although nobody enabled its key.
    expect((await podRows(source))[0]?.labels).toEqual({ vm_kubevirt_io_name: 'vm1' });

    await source.enableKeys('late_key', 'late_team');
    await source.summarise('koku', day);
    expect((await podRows(source))[0]?.labels).toEqual({
      late_key: 'x',
      late_team: 'blue',
      vm_kubevirt_io_name: 'vm1',
    });
  });

  test('sets that differ in keys nobody enabled are one row, whatever the order of their keys', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.enableKeys('app', 'tier');
    await source.stage('pod_usage', day, [
      podHour(0, { pod: 'a', label_set_id: { app: 'web', tier: 'front', build: '1' } }),
      podHour(0, { pod: 'b', label_set_id: { build: '2', tier: 'front', app: 'web' } }),
      // Brings the same map together from the namespace: app of its own, tier of the namespace.
      podHour(0, { pod: 'c', label_set_id: { app: 'web' } }),
    ]);
    await source.stage('namespace_labels', day, [{ hour: 0, namespace: 'shop', label_set_id: { tier: 'front' } }]);
    await source.summarise('koku', day);
    // 3 pods · 1 core-hour in one row.
    expect((await podRows(source)).map((row) => [row.namespace, row.labels, row.usage])).toEqual([
      ['shop', { app: 'web', tier: 'front' }, 3],
      ['Worker unallocated', null, 1],
    ]);
  });

  test('several sets of a node and a namespace in one day do not multiply usage, and each key keeps its last value', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.enableKeys('zone', 'team', 'rack');
    await source.stage('pod_usage', day, [podHour(0), podHour(1), podHour(2)]);
    await source.stage('node_labels', day, [
      // zone goes a, b, a: the last hour decides. rack was only told in hour 1 and stays.
      { hour: 0, node: 'w1', label_set_id: { zone: 'a' } },
      { hour: 1, node: 'w1', label_set_id: { zone: 'b', rack: '7' } },
      { hour: 2, node: 'w1', label_set_id: { zone: 'a' } },
    ]);
    await source.stage('namespace_labels', day, [
      { hour: 0, namespace: 'shop', label_set_id: { team: 'red' } },
      { hour: 2, namespace: 'shop', label_set_id: { team: 'blue' } },
    ]);
    await source.summarise('koku', day);
    // 3 · 1 core-hour once, not 2 · 2 times; 12 core-hours of capacity leave 9.
    expect((await podRows(source)).map((row) => [row.namespace, row.labels, row.usage])).toEqual([
      ['shop', { rack: '7', team: 'blue', zone: 'a' }, 3],
      ['Worker unallocated', null, 9],
    ]);
  });
});

describe('summarising a day again', () => {
  test('replaces measured usage and cloud rows that cost nothing, and keeps cost rows and cloud cost', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [podHour(0)]);
    await source.summarise('koku', day);
    const columns = { data_source: 'Pod', namespace: 'shop', node: 'w1' };
    await addCostRow(source, day, { ...columns, cost_model_rate_type: 'Supplementary', cost_model_cpu_cost: 5 });
    await addCostRow(source, day, { ...columns, cost_model_rate_type: 'platform_distributed', distributed_cost: 7 });
    await addCostRow(source, day, { ...columns, infrastructure_raw_cost: 3, pod_usage_cpu_core_hours: 100 });
    await addCostRow(source, day, { ...columns, infrastructure_raw_cost: 0, pod_usage_cpu_core_hours: 100 });
    await source.summarise('koku', day);
    const rows = await source.query<{ kind: string; usage: number | null }>(
      `select coalesce(cost_model_rate_type, infrastructure_raw_cost::int::text, namespace) as kind,
           pod_usage_cpu_core_hours::float8 as usage
       from reporting_ocpusagelineitem_daily_summary where source_uuid = $1`,
      [source.sourceUuid],
    );
    // The capacity left over is 4 - 1 = 3: the 100 core-hours of the cloud row are not taken from it.
    expect(rows).toHaveLength(5);
    expect(new Map(rows.map(({ kind, usage }) => [kind, usage]))).toEqual(
      new Map([
        ['shop', 1],
        ['Worker unallocated', 3],
        ['3', 100],
        ['platform_distributed', null],
        ['Supplementary', null],
      ]),
    );
  });

  test('leaves the neighbouring days and other clusters alone', async () => {
    const other = await createStagedSource(database, '2026-10');
    source = await createStagedSource(database, '2026-10');
    for (const cluster of [other, source])
      for (const usageDay of [day, '2026-10-02']) await cluster.stage('pod_usage', usageDay, [podHour(0)]);
    await other.summarise('koku', day, '2026-10-02');
    await source.summarise('koku', day, '2026-10-02');
    await source.query(`update ocp_piece set generation = 'superseded' where source_uuid = $1 and usage_day = $2`, [
      source.sourceUuid,
      day,
    ]);
    expect(await source.summarise('koku', day)).toBe(0);
    expect(await podRows(source)).toEqual([]);
    expect(await podRows(source, '2026-10-02')).toHaveLength(2);
    expect(await podRows(other)).toHaveLength(2);
  });

  test('refuses days of two months and days in the wrong order', async () => {
    source = await createStagedSource(database, '2026-10');
    const oneMonth = /expected days of one month, in order/;
    await expect(source.summarise('koku', '2026-10-31', '2026-11-01')).rejects.toThrow(oneMonth);
    await expect(source.summarise('koku', '2026-10-02', day)).rejects.toThrow(oneMonth);
  });
});

test('days begin and end at midnight UTC, and each row starts and ends on its day', async () => {
  source = await createStagedSource(database, '2026-10');
  const times = [
    [day, '2026-10-01T00:00:00Z'],
    [day, '2026-10-01T23:59:59.999Z'],
    ['2026-10-02', '2026-10-02T00:00:00Z'],
  ] as const;
  for (const [usageDay, at] of times) await source.stage('pod_usage', usageDay, [podHour(0, { interval_start: at })]);
  await source.summarise('koku', day, '2026-10-02');
  const rows = await source.query<{ usage_start: string; usage_end: string; usage: number }>(
    `select usage_start, usage_end, pod_usage_cpu_core_hours::float8 as usage
     from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and namespace = 'shop' order by usage_start`,
    [source.sourceUuid],
  );
  expect(rows).toEqual([
    { usage_start: day, usage_end: day, usage: 2 },
    { usage_start: '2026-10-02', usage_end: '2026-10-02', usage: 1 },
  ]);
});

describe('volumes', () => {
  test('two pods on one node that mount a claim count it twice, on two nodes they share it', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [
      podHour(0, { pod: 'a' }),
      podHour(0, { pod: 'b' }),
      podHour(0, { pod: 'c' }),
      podHour(0, { pod: 'd', node: 'w2', resource_id: 'i-w2' }),
    ]);
    const shared = { persistentvolumeclaim: 'shared', persistentvolume: 'pv2' };
    await source.stage('storage_usage', day, [
      volumeHour(0, { pod: 'a' }),
      volumeHour(0, { pod: 'b' }),
      volumeHour(0, { ...shared, pod: 'c' }),
      volumeHour(0, { ...shared, pod: 'd' }),
    ]);
    await source.summarise('koku', day);
    // In units of one hour of the month: data twice 10, 8, 4; shared 10 whole, 8 / 2, 4 / 2 on each node.
    const hour = 3600 / (86400 * 31);
    expect(await volumeRows(source)).toEqual([
      { claim: 'data', node: 'w1', months: closeTo([20 * hour, 16 * hour, 8 * hour]) },
      { claim: 'shared', node: 'w1', months: closeTo([10 * hour, 4 * hour, 2 * hour]) },
      { claim: 'shared', node: 'w2', months: closeTo([10 * hour, 4 * hour, 2 * hour]) },
    ]);
  });

  test('a pod that moved within the day has its volume on both nodes', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [podHour(0), podHour(1, { node: 'w2', resource_id: 'i-w2' })]);
    await source.stage('storage_usage', day, [volumeHour(0), volumeHour(1)]);
    await source.summarise('koku', day);
    // The day's 2 hours are on each node: capacity 2 · 10 on both, request 2 · 8 / 2, usage 2 · 4 / 2.
    const hour = 3600 / (86400 * 31);
    const months = closeTo([20 * hour, 8 * hour, 4 * hour]);
    expect(await volumeRows(source)).toEqual([
      { claim: 'data', node: 'w1', months },
      { claim: 'data', node: 'w2', months },
    ]);
  });

  test('the node of the file is not used, and pods of another namespace or without a name are not matched', async () => {
    source = await createStagedSource(database, '2026-10');
    await source.stage('pod_usage', day, [podHour(0, { namespace: 'elsewhere' })]);
    await source.stage('storage_usage', day, [
      volumeHour(0, { node: 'w9' }),
      volumeHour(0, { pod: '', persistentvolumeclaim: 'loose', persistentvolume: 'pv2' }),
    ]);
    await source.summarise('koku', day);
    const hour = 3600 / (86400 * 31);
    const months = closeTo([10 * hour, 8 * hour, 4 * hour]);
    expect(await volumeRows(source)).toEqual([
      { claim: 'data', node: null, months },
      { claim: 'loose', node: null, months },
    ]);
  });

  test.each([
    ['2026-02', 28],
    ['2028-02', 29],
    ['2026-04', 30],
    ['2026-12', 31],
  ])('a GiB for a whole day of %s is 1 / %i GiB-months', async (month, dayCount) => {
    source = await createStagedSource(database, month);
    const rows = Array.from({ length: 24 }, (_, hour) =>
      volumeHour(hour, {
        persistentvolumeclaim_capacity_byte_seconds: gibHour,
        volume_request_storage_byte_seconds: gibHour,
        persistentvolumeclaim_usage_byte_seconds: null,
      }),
    );
    const lastDay = `${month}-${dayCount}`;
    await source.stage('storage_usage', lastDay, rows);
    await source.summarise('koku', lastDay);
    expect(await volumeRows(source)).toEqual([
      { claim: 'data', node: null, months: closeTo([1 / dayCount, 1 / dayCount, 0]) },
    ]);
  });
});

test('a namespace that matches two category patterns counts once, in the greater category', async () => {
  source = await createStagedSource(database, '2026-10');
  const [category] = await source.query<{ id: number }>(
    `insert into reporting_ocp_cost_category (name, description, source_type, system_default, label)
     values ('Ours', '', 'OCP', false, '{}') returning id`,
  );
  await source.query(
    `insert into reporting_ocp_cost_category_namespace (namespace, system_default, cost_category_id)
     values ('kube-trap', false, $1)`,
    [category?.id],
  );
  await source.stage('pod_usage', day, [podHour(0, { namespace: 'kube-trap' }), podHour(1, { namespace: 'mykube-x' })]);
  await source.summarise('koku', day);
  const rows = await source.query<{ namespace: string; name: string | null; usage: number }>(
    `select line.namespace, category.name, line.pod_usage_cpu_core_hours::float8 as usage
     from reporting_ocpusagelineitem_daily_summary as line
     left join reporting_ocp_cost_category as category on category.id = line.cost_category_id
     where line.source_uuid = $1 order by line.namespace like '% unallocated', line.namespace`,
    [source.sourceUuid],
  );
  // Both kube-% (Platform) and kube-trap match the first; capacity 8 - 1 - 1 = 6.
  expect(rows).toEqual([
    { namespace: 'kube-trap', name: 'Ours', usage: 1 },
    { namespace: 'mykube-x', name: null, usage: 1 },
    { namespace: 'Worker unallocated', name: null, usage: 6 },
  ]);
});

/** Numbers equal to 12 decimals; matched like a value. */
function closeTo(numbers: [number, number, number]): [number, number, number] {
  return numbers.map((value) => expect.closeTo(value, 12) as number) as [number, number, number];
}
