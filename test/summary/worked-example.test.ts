import { beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { Labels, StagedSource } from '../support/staging-fixture.ts';
import { day, pod, stageExample } from '../support/worked-example.ts';

const podRows = `
  select namespace, node, coalesce(pod_labels::text, 'none') as labels,
      array[pod_usage_cpu_core_hours, pod_request_cpu_core_hours, pod_effective_usage_cpu_core_hours]::float8[] as cpu,
      array[pod_usage_memory_gigabyte_hours, pod_request_memory_gigabyte_hours, pod_effective_usage_memory_gigabyte_hours]::float8[] as memory
  from reporting_ocpusagelineitem_daily_summary
  where source_uuid = $1 and data_source = 'Pod'
  order by namespace, node, pod_labels`;

const storageRows = `
  select persistentvolumeclaim as claim, node, volume_labels as labels,
      persistentvolumeclaim_capacity_gigabyte::float8 as capacity,
      array[persistentvolumeclaim_capacity_gigabyte_months, volume_request_storage_gigabyte_months,
          persistentvolumeclaim_usage_gigabyte_months]::float8[] as months
  from reporting_ocpusagelineitem_daily_summary
  where source_uuid = $1 and data_source = 'Storage'
  order by persistentvolumeclaim, node desc nulls last`;

interface PodRow {
  namespace: string;
  node: string;
  labels: string;
  cpu: number[];
  memory: number[];
}

interface StorageRow {
  claim: string;
  node: string | null;
  labels: Labels;
  capacity: number;
  months: number[];
}

function expectPodRows(
  rows: PodRow[],
  expected: [string, string, Labels | null, number[], number[]][],
): void {
  expect(rows.map((row) => `${row.namespace} ${row.node}`)).toEqual(
    expected.map(([namespace, node]) => `${namespace} ${node}`),
  );
  for (const [index, [namespace, , labels, cpu, memory]] of expected.entries()) {
    const row = rows[index];
    expect(row?.labels === 'none' ? null : (JSON.parse(row?.labels ?? '') as Labels), namespace).toEqual(
      labels,
    );
    for (const [i, value] of cpu.entries())
      expect(row?.cpu[i], `${namespace} cpu ${i}`).toBeCloseTo(value, 9);
    for (const [i, value] of memory.entries())
      expect(row?.memory[i], `${namespace} memory ${i}`).toBeCloseTo(value, 9);
  }
}

/*
 * 2 hours of 31 days: 7200 / (86400 · 31) = 0.0026881720…; data: 100, 50, 25 GiB times that. shared is mounted by
 * two pods: each has half of the claim's hours (10 / 2, 10 / 2 and 4 / 2). orphan has no node and is not divided.
 */
const share = 7200 / (86400 * 31);
const volumeNumbers: [string, string | null, number, number[]][] = [
  ['data', 'w1', 100, [100 * share, 50 * share, 25 * share]],
  ['orphan', null, 20, [20 * share, 20 * share, 0]],
  ['shared', 'w1', 10, [5 * share, 5 * share, 2 * share]],
  ['shared', 'm1', 10, [5 * share, 5 * share, 2 * share]],
];

function expectStorageRows(rows: StorageRow[], labels: Labels[]): void {
  expect(rows.map((row) => [row.claim, row.node])).toEqual(
    volumeNumbers.map(([claim, node]) => [claim, node]),
  );
  expect(rows.map((row) => row.labels)).toEqual(labels);
  for (const [index, [claim, , capacity, months]] of volumeNumbers.entries()) {
    expect(rows[index]?.capacity, claim).toBe(capacity);
    for (const [i, value] of months.entries())
      expect(rows[index]?.months[i], `${claim} ${i}`).toBeCloseTo(value, 12);
  }
}

describe('worked example, profile koku', () => {
  let source: StagedSource;
  beforeAll(async () => {
    source = await createStagedSource(await createTestDatabase(), '2026-10');
    await stageExample(source);
    await source.summarise('koku', day);
  });

  test('effective usage is the greater of usage and request of each hour, and pod labels win', async () => {
    // web: max(1800, 3600) + max(7200, 3600) = 10800 s = 3 core-hours; memory max(2, 1) + max(1, 1) = 3 GiB-hours.
    // db: 2 · max(900, 1800) = 3600 s = 1; memory 2 · max(1, 2) = 4. agent: 2 · 360 = 720 s = 0.2; memory 2 · 0.5 = 1.
    // api: 2 · max(3600, 1800) = 7200 s = 2; memory 2 · 2 = 4.
    // unallocated = 8 core-hours and 32 GiB-hours of the node, less the node's pods.
    expectPodRows(await source.query<PodRow>(podRows, [source.sourceUuid]), [
      ['Platform unallocated', 'm1', null, [5.8, 7, 5.8], [27, 30, 27]],
      ['Worker unallocated', 'w1', null, [5, 5, 4], [27, 26, 25]],
      ['openshift-kube-apiserver', 'm1', { zone: 'b' }, [2, 1, 2], [4, 2, 4]],
      ['shop', 'm1', { app: 'web', tier: 'front', team: 'blue', zone: 'b' }, [0.2, 0, 0.2], [1, 0, 1]],
      ['shop', 'w1', { app: 'db', tier: 'nsTier', team: 'blue', zone: 'a' }, [0.5, 1, 1], [2, 4, 4]],
      ['shop', 'w1', { app: 'web', tier: 'front', team: 'blue', zone: 'a' }, [2.5, 2, 3], [3, 2, 3]],
    ]);
  });

  test('volumes are placed on the nodes of the pods that mount them, and claim labels win', async () => {
    expectStorageRows(await source.query<StorageRow>(storageRows, [source.sourceUuid]), [
      { app: 'db', tier: 'nsTier', team: 'blue', zone: 'a' },
      { tier: 'nsTier', team: 'blue' },
      { app: 'nodeapp', tier: 'nsTier', team: 'blue', zone: 'a' },
      { tier: 'nsTier', team: 'blue', zone: 'b' },
    ]);
  });

  test('capacity is the hourly maximum of the node summed over hours, and nodes add up to the cluster', async () => {
    // 4 cores · 2 h = 8 core-hours per node although four pods repeat it; 16 GiB · 2 h = 32; the cluster has two nodes.
    const rows = await source.query<Record<string, number>>(
      `select distinct node_capacity_cpu_core_hours::float8 as node_cpu, node_capacity_memory_gigabyte_hours::float8 as node_memory,
           cluster_capacity_cpu_core_hours::float8 as cluster_cpu, cluster_capacity_memory_gigabyte_hours::float8 as cluster_memory,
           node_capacity_cpu_cores::float8 as cores, node_capacity_memory_gigabytes::float8 as memory
       from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and data_source = 'Pod'`,
      [source.sourceUuid],
    );
    expect(rows).toEqual([
      { node_cpu: 8, node_memory: 32, cluster_cpu: 16, cluster_memory: 64, cores: 4, memory: 16 },
    ]);
  });

  test('summarising again gives the same rows', async () => {
    const everything = `select ${['namespace', 'node', 'data_source', 'pod_labels', 'volume_labels', 'all_labels', 'pod_usage_cpu_core_hours', 'pod_effective_usage_memory_gigabyte_hours', 'persistentvolumeclaim_usage_gigabyte_months', 'cost_category_id'].join(', ')}
       from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 order by 1, 2, 3, 4, 5`;
    const before = await source.query(everything, [source.sourceUuid]);
    expect(await source.summarise('koku', day)).toBe(10);
    expect(await source.query(everything, [source.sourceUuid])).toEqual(before);
  });

  test('platform namespaces have the Platform category, workers and tenants none', async () => {
    const rows = await source.query(
      `select distinct namespace from reporting_ocpusagelineitem_daily_summary as summary
       join reporting_ocp_cost_category as category on category.id = summary.cost_category_id and category.name = 'Platform'
       where source_uuid = $1 order by 1`,
      [source.sourceUuid],
    );
    expect(rows).toEqual([{ namespace: 'Platform unallocated' }, { namespace: 'openshift-kube-apiserver' }]);
  });
});

describe('worked example, profile design', () => {
  let source: StagedSource;
  beforeAll(async () => {
    source = await createStagedSource(await createTestDatabase(), '2026-10');
    await stageExample(source);
    await source.summarise('design', day);
  });

  test('effective usage is the lesser of usage and request of each hour, and namespace labels win', async () => {
    // web: min(1800, 3600) + min(7200, 3600) = 5400 s = 1.5 core-hours; memory min(2, 1) + min(1, 1) = 2 GiB-hours.
    // db: 2 · min(900, 1800) = 1800 s = 0.5; memory 2 · min(1, 2) = 2. agent requests 0, so 0 and 0.
    // api: 2 · min(3600, 1800) = 3600 s = 1; memory 2 · min(2, 1) = 2.
    // On w1 app=nodeapp of the node and tier=nsTier of the namespace replace the pods' own, so web and db are one
    // group: usage 2.5 + 0.5 = 3, request 2 + 1 = 3, effective 1.5 + 0.5 = 2; memory 3 + 2, 2 + 4, 2 + 2.
    // unallocated w1: 8 - 3, 8 - 3, 8 - 2; 32 - 5, 32 - 6, 32 - 4. m1: 8 - 2.2, 8 - 1, 8 - 1; 32 - 5, 32 - 2, 32 - 2.
    expectPodRows(await source.query<PodRow>(podRows, [source.sourceUuid]), [
      ['Platform unallocated', 'm1', null, [5.8, 7, 7], [27, 30, 30]],
      ['Worker unallocated', 'w1', null, [5, 5, 6], [27, 26, 28]],
      ['openshift-kube-apiserver', 'm1', { zone: 'b' }, [2, 1, 1], [4, 2, 2]],
      ['shop', 'm1', { app: 'web', tier: 'nsTier', team: 'blue', zone: 'b' }, [0.2, 0, 0], [1, 0, 0]],
      ['shop', 'w1', { app: 'nodeapp', tier: 'nsTier', team: 'blue', zone: 'a' }, [3, 3, 2], [5, 6, 4]],
    ]);
  });

  test('volume labels: namespace over node over claim over volume', async () => {
    expectStorageRows(await source.query<StorageRow>(storageRows, [source.sourceUuid]), [
      { app: 'nodeapp', tier: 'nsTier', team: 'blue', zone: 'a' },
      { tier: 'nsTier', team: 'blue' },
      { app: 'nodeapp', tier: 'nsTier', team: 'blue', zone: 'a' },
      { tier: 'nsTier', team: 'blue', zone: 'b' },
    ]);
  });

  test('effective usage with unallocated adds up to the capacity of the node', async () => {
    const rows = await source.query<{ node: string; total: number }>(
      `select node, sum(pod_effective_usage_cpu_core_hours)::float8 as total
       from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and data_source = 'Pod' group by node order by node`,
      [source.sourceUuid],
    );
    expect(rows).toEqual([
      { node: 'm1', total: 8 },
      { node: 'w1', total: 8 },
    ]);
  });
});

test('a blank request is absent, not 0: design charges the usage, koku too', async () => {
  const database = await createTestDatabase();
  for (const rules of ['design', 'koku'] as const) {
    const source = await createStagedSource(database, '2026-10');
    const [row] = pod('p', 'shop', 'w1', {}, [[1800, 0, 1, 0]]);
    await source.stage('pod_usage', day, [
      { hour: 0, ...row, pod_request_cpu_core_seconds: null, pod_request_memory_byte_seconds: null },
    ]);
    await source.summarise(rules, day);
    const [summary] = await source.query<{ cpu: number; memory: number; request: number }>(
      `select pod_effective_usage_cpu_core_hours::float8 as cpu, pod_effective_usage_memory_gigabyte_hours::float8 as memory,
           pod_request_cpu_core_hours::float8 as request
       from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and namespace = 'shop'`,
      [source.sourceUuid],
    );
    // 1800 s of usage = 0.5 core-hours; the blank request counts 0 in the request column.
    expect(summary, rules).toEqual({ cpu: 0.5, memory: 1, request: 0 });
  }
});

test('a node label that changes within the day counts once, with the later value', async () => {
  const source = await createStagedSource(await createTestDatabase(), '2026-10');
  await stageExample(source, ['a', 'a2']);
  await source.summarise('koku', day);
  const rows = await source.query<{ zone: string; cpu: number }>(
    `select pod_labels ->> 'zone' as zone, sum(pod_effective_usage_cpu_core_hours)::float8 as cpu
     from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and data_source = 'Pod' and node = 'w1'
     group by 1 order by 1 nulls last`,
    [source.sourceUuid],
  );
  // 3 + 1 core-hours with zone=a2, and 4 unallocated as without the change.
  expect(rows).toEqual([
    { zone: 'a2', cpu: 4 },
    { zone: null, cpu: 4 },
  ]);
});

test('a summary is not built when the rules profile is not set', async () => {
  const source = await createStagedSource(await createTestDatabase(), '2026-10');
  await expect(
    source.query('select populate_daily_summary_from_staging($1, $1, 1, $2, $3, $4)', [
      day,
      'c',
      'a',
      source.sourceUuid,
    ]),
  ).rejects.toThrow(/ocp\.rules is not set: expected design or koku/);
});
