import { beforeAll, describe, expect, test } from 'vitest';
import { reportKinds } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { HourlyRow, Labels, StagedSource } from '../support/staging-fixture.ts';
import { addCostRow } from './cost-row.ts';

/*
 * Known ways to get a cluster's bill wrong, one small day each. 3600 core-seconds are 1 core-hour.
 */
const day = '2026-10-01';
const gibHour = 3600 * 2 ** 30;

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});

/** Stage a day's rows on a new source and summarise them. */
async function summarise(
  rows: Partial<Record<ReportKind, HourlyRow[]>>,
  enabledKeys: string[] = [],
): Promise<void> {
  source = await createStagedSource(database, '2026-10');
  await source.enableKeys(...enabledKeys);
  for (const kind of reportKinds) await source.stage(kind, day, rows[kind] ?? []);
  await source.summarise('koku', day);
}

/** One pod and hour: usage 1 core-hour, request 0, on a node of 4 cores, unless told otherwise. */
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
    persistentvolumeclaim_capacity_byte_seconds: 10 * gibHour,
    volume_request_storage_byte_seconds: 8 * gibHour,
    persistentvolumeclaim_usage_byte_seconds: 4 * gibHour,
    ...columns,
  };
}

interface PodRow {
  namespace: string;
  node: string;
  labels: Labels | null;
  usage: number;
  effective: number;
  node_hours: number;
  cluster_hours: number;
}

/** Usage rows of pods of a day, unallocated ones last. */
async function podRows(on = day): Promise<PodRow[]> {
  return source.query<PodRow>(
    `select namespace, node, pod_labels as labels,
         pod_usage_cpu_core_hours::float8 as usage,
         pod_effective_usage_cpu_core_hours::float8 as effective,
         node_capacity_cpu_core_hours::float8 as node_hours,
         cluster_capacity_cpu_core_hours::float8 as cluster_hours
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and usage_start = $2 and data_source = 'Pod' and cost_model_rate_type is null
     order by namespace like '% unallocated', namespace collate "C", node, pod_labels`,
    [source.sourceUuid, on],
  );
}

async function unallocated(on = day): Promise<string[]> {
  const rows = (await podRows(on)).map(({ namespace, node }) => `${namespace}: ${node}`);
  return rows.filter((text) => text.includes(' unallocated: '));
}

/** Storage rows: claim, node, and capacity, request and usage in GiB-months. */
async function volumeRows(): Promise<[string, string | null, number[]][]> {
  const rows = await source.query<{ claim: string; node: string | null; months: number[] }>(
    `select persistentvolumeclaim as claim, node,
         array[persistentvolumeclaim_capacity_gigabyte_months, volume_request_storage_gigabyte_months,
             persistentvolumeclaim_usage_gigabyte_months]::float8[] as months
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and data_source = 'Storage'
     order by persistentvolumeclaim, node nulls last`,
    [source.sourceUuid],
  );
  return rows.map(({ claim, node, months }) => [claim, node, months]);
}

/** Capacity, request and usage of one hour in GiB, as GiB-months of October; matched like a value. */
function octoberHour(...gigabytes: [number, number, number]): number[] {
  return gigabytes.map((value) => expect.closeTo((value * 3600) / (86400 * 31), 12) as number);
}

async function knownNodes(): Promise<[string, string, number][]> {
  const rows = await source.query<{ node: string; role: string; cores: number }>(
    `select known.node, known.node_role as role, known.node_capacity_cpu_cores::float8 as cores
     from reporting_ocp_nodes as known
     join reporting_ocp_clusters as cluster on cluster.uuid = known.cluster_id
     where cluster.provider_id = $1
     order by known.node, known.node_role`,
    [source.sourceUuid],
  );
  return rows.map(({ node, role, cores }) => [node, role, cores]);
}

test('node capacity is the maximum of each hour, summed over the hours in which a pod ran, then over nodes', async () => {
  await summarise({
    pod_usage: [
      // w1, hour 0: two pods repeat its 4 cores; hour 1: it has 8 cores, one pod says nothing; hour 2: nobody runs.
      podHour(0, { pod: 'a' }),
      podHour(0, { pod: 'b' }),
      podHour(1, { pod: 'a', node_capacity_cpu_core_seconds: 8 * 3600 }),
      podHour(1, { pod: 'b', node_capacity_cpu_core_seconds: null }),
      podHour(2, { node: 'w2', resource_id: 'i-w2', node_capacity_cpu_core_seconds: 2 * 3600 }),
      // A node whose capacity is never told has 0, not NULL.
      podHour(2, { node: 'w3', resource_id: 'i-w3', node_capacity_cpu_core_seconds: null }),
    ],
  });
  // w1: 4 + 8 = 12; w2: 2; w3: 0; cluster: 14. Summing rows instead would give w1 4 + 4 + 8 = 16.
  const rows = (await podRows()).map((row) => [
    row.namespace,
    row.node,
    row.effective,
    row.node_hours,
    row.cluster_hours,
  ]);
  expect(rows).toEqual([
    ['shop', 'w1', 4, 12, 14],
    ['shop', 'w2', 1, 2, 14],
    ['shop', 'w3', 1, 0, 14],
    // What is left: 12 - 4, 2 - 1, and 0 - 1, which stays negative so that usage adds up to capacity.
    ['Worker unallocated', 'w1', 8, 12, 14],
    ['Worker unallocated', 'w2', 1, 2, 14],
    ['Worker unallocated', 'w3', -1, 0, 14],
  ]);
});

test('a pod that waits for a node stays out of the summary, also beside the hours in which it has one', async () => {
  await summarise({
    pod_usage: [podHour(0, { node: '', resource_id: '' }), podHour(1)],
    storage_usage: [volumeHour(0), volumeHour(1)],
  });
  expect((await podRows()).map((row) => [row.namespace, row.node, row.usage])).toEqual([
    ['shop', 'w1', 1],
    ['Worker unallocated', 'w1', 3],
  ]);
  expect(await knownNodes()).toEqual([['w1', 'worker', 4]]);
  // One node, so nothing is shared: 2 hours of 10, 8 and 4 GiB.
  expect(await volumeRows()).toEqual([['data', 'w1', octoberHour(20, 16, 8)]]);
});

describe('node roles', () => {
  test('on bare metal the blank instance id finds the role of its node', async () => {
    await summarise({
      pod_usage: [
        podHour(0, { node: 'm1', resource_id: '', node_role: 'master' }),
        podHour(0, { node: 'w1', resource_id: '', node_role: 'worker' }),
      ],
    });
    expect(await unallocated()).toEqual(['Platform unallocated: m1', 'Worker unallocated: w1']);
  });

  test('without a role an API server makes a master, the infra label an infra node, and nothing a worker', async () => {
    await summarise({
      pod_usage: [
        podHour(0, { node: 'api', resource_id: 'i-1', namespace: 'openshift-kube-apiserver', node_role: '' }),
        podHour(0, { node: 'inf', resource_id: 'i-2', node_role: '' }),
        podHour(0, { node: 'new', resource_id: 'i-3', node_role: null }),
      ],
      // The key of the role need not be enabled.
      node_labels: [{ hour: 0, node: 'inf', label_set_id: { node_role_kubernetes_io: 'infra', zone: 'a' } }],
    });
    expect(await knownNodes()).toEqual([
      ['api', 'master', 4],
      ['inf', 'infra', 4],
      ['new', 'worker', 4],
    ]);
    expect(await unallocated()).toEqual([
      'Platform unallocated: api',
      'Platform unallocated: inf',
      'Worker unallocated: new',
    ]);
  });

  test('of several roles of a day the alphabetically last holds, and each day goes by its own', async () => {
    const node = { node: 'x', resource_id: 'i-x' };
    await summarise({
      pod_usage: [podHour(0, { ...node, node_role: 'infra' }), podHour(1, { ...node, node_role: 'master' })],
    });
    expect(await knownNodes()).toEqual([['x', 'master', 4]]);

    // 'worker' > 'master' > 'infra'. The day before keeps what it was built with.
    const next = '2026-10-02';
    await source.stage('pod_usage', next, [
      podHour(0, { ...node, node_role: 'worker', node_capacity_cpu_cores: 8 }),
    ]);
    await source.summarise('koku', next);
    expect(await unallocated(next)).toEqual(['Worker unallocated: x']);
    expect(await unallocated()).toEqual(['Platform unallocated: x']);
  });

  test('a capacity with more decimals than the column keeps is found again instead of added again', async () => {
    await summarise({ pod_usage: [podHour(0, { node_capacity_cpu_cores: 3.999 })] });
    await source.summarise('koku', day);
    expect(await knownNodes()).toEqual([['w1', 'worker', 4]]);
  });
});

describe('labels', () => {
  test('a key that is enabled after loading is in the next summary', async () => {
    await summarise({
      pod_usage: [podHour(0, { label_set_id: { late_key: 'x', vm_kubevirt_io_name: 'vm1' } })],
      namespace_labels: [{ hour: 0, namespace: 'shop', label_set_id: { late_team: 'blue' } }],
    });
    // The name of a virtual machine is kept although nobody enabled its key.
    expect((await podRows())[0]?.labels).toEqual({ vm_kubevirt_io_name: 'vm1' });

    await source.enableKeys('late_key', 'late_team');
    await source.summarise('koku', day);
    expect((await podRows())[0]?.labels).toMatchObject({ late_key: 'x', late_team: 'blue' });
  });

  test('maps that are equal after filtering and merging are one row, whatever the order of their keys', async () => {
    await summarise(
      {
        pod_usage: [
          podHour(0, { pod: 'a', label_set_id: { app: 'web', tier: 'front', build: '1' } }),
          podHour(0, { pod: 'b', label_set_id: { build: '2', tier: 'front', app: 'web' } }),
          // Takes its tier from the namespace.
          podHour(0, { pod: 'c', label_set_id: { app: 'web' } }),
        ],
        namespace_labels: [{ hour: 0, namespace: 'shop', label_set_id: { tier: 'front' } }],
      },
      ['app', 'tier'],
    );
    // 3 pods · 1 core-hour; 4 - 3 = 1 is left.
    expect((await podRows()).map((row) => [row.namespace, row.labels, row.usage])).toEqual([
      ['shop', { app: 'web', tier: 'front' }, 3],
      ['Worker unallocated', null, 1],
    ]);
  });
});

test('summarising again replaces usage and cloud rows that cost nothing, and keeps cost rows and cloud cost', async () => {
  await summarise({ pod_usage: [podHour(0)] });
  const added = [
    { cost_model_rate_type: 'Supplementary', cost_model_cpu_cost: 5 },
    { cost_model_rate_type: 'platform_distributed', distributed_cost: 7 },
    { infrastructure_raw_cost: 3, pod_usage_cpu_core_hours: 100 },
    { infrastructure_raw_cost: 0, pod_usage_cpu_core_hours: 200 },
  ];
  for (const columns of added)
    await addCostRow(source, day, { data_source: 'Pod', namespace: 'shop', node: 'w1', ...columns });
  await source.summarise('koku', day);
  const rows = await source.query<{ kind: string; usage: number | null }>(
    `select coalesce(cost_model_rate_type, infrastructure_raw_cost::int::text, namespace) collate "C" as kind,
         pod_usage_cpu_core_hours::float8 as usage
     from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 order by 1`,
    [source.sourceUuid],
  );
  // Left over is 4 - 1 = 3: the 100 core-hours of the cloud row are not taken from it.
  expect(rows.map(({ kind, usage }) => [kind, usage])).toEqual([
    ['3', 100],
    ['Supplementary', null],
    ['Worker unallocated', 3],
    ['platform_distributed', null],
    ['shop', 1],
  ]);
});

test('a range of two months is refused, and one in the wrong order', async () => {
  source = await createStagedSource(database, '2026-10');
  const oneMonth = /expected days of one month, in order/;
  await expect(source.summarise('koku', '2026-10-31', '2026-11-01')).rejects.toThrow(oneMonth);
  await expect(source.summarise('koku', '2026-10-02', day)).rejects.toThrow(oneMonth);
});

test('days begin and end at midnight UTC, and a row starts and ends on its day', async () => {
  await summarise({
    pod_usage: ['00:00:00', '23:59:59.999'].map((time) => podHour(0, { interval_start: `${day}T${time}Z` })),
  });
  const next = '2026-10-02';
  await source.stage('pod_usage', next, [podHour(0)]);
  await source.summarise('koku', day, next);
  const rows = await source.query<{ from: string; until: string; usage: number }>(
    `select usage_start as from, usage_end as until, pod_usage_cpu_core_hours::float8 as usage
     from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and namespace = 'shop' order by usage_start`,
    [source.sourceUuid],
  );
  expect(rows).toEqual([
    { from: day, until: day, usage: 2 },
    { from: next, until: next, usage: 1 },
  ]);
});

describe('volumes', () => {
  test('pods that mount a claim share it, on one node and on two', async () => {
    const shared = { persistentvolumeclaim: 'shared', persistentvolume: 'pv2' };
    await summarise({
      pod_usage: [
        ...['a', 'b', 'c'].map((pod) => podHour(0, { pod })),
        podHour(0, { pod: 'd', node: 'w2', resource_id: 'i-w2' }),
      ],
      storage_usage: [
        ...['a', 'b'].map((pod) => volumeHour(0, { pod })),
        ...['c', 'd'].map((pod) => volumeHour(0, { ...shared, pod })),
      ],
    });
    // data: twice half of 10, 8, 4. shared: 10 / 2, 8 / 2 and 4 / 2 on each node.
    expect(await volumeRows()).toEqual([
      ['data', 'w1', octoberHour(10, 8, 4)],
      ['shared', 'w1', octoberHour(5, 4, 2)],
      ['shared', 'w2', octoberHour(5, 4, 2)],
    ]);
  });

  test('a pod that moved within the day has its volume on the node of each hour', async () => {
    await summarise({
      pod_usage: [podHour(0), podHour(1, { node: 'w2', resource_id: 'i-w2' })],
      storage_usage: [volumeHour(0), volumeHour(1)],
    });
    expect(await volumeRows()).toEqual([
      ['data', 'w1', octoberHour(10, 8, 4)],
      ['data', 'w2', octoberHour(10, 8, 4)],
    ]);
  });

  test.each(['2026-02-28', '2028-02-29', '2026-04-30', '2026-12-31'])(
    'a GiB for the whole of %s is a GiB-month divided by the days of the month',
    async (lastDay) => {
      const dayCount = Number(lastDay.slice(8));
      source = await createStagedSource(database, lastDay.slice(0, 7));
      const sizes = {
        persistentvolumeclaim_capacity_byte_seconds: gibHour,
        volume_request_storage_byte_seconds: gibHour,
        persistentvolumeclaim_usage_byte_seconds: null,
      };
      await source.stage(
        'storage_usage',
        lastDay,
        Array.from({ length: 24 }, (_, hour) => volumeHour(hour, sizes)),
      );
      await source.summarise('koku', lastDay);
      const whole = expect.closeTo(1 / dayCount, 12) as number;
      expect(await volumeRows()).toEqual([['data', null, [whole, whole, 0]]]);
    },
  );
});

test('a namespace that matches two category patterns counts once, in the greater category', async () => {
  source = await createStagedSource(database, '2026-10');
  await source.query(
    `with category as (
         insert into reporting_ocp_cost_category (name, description, source_type, system_default, label)
         values ('Ours', '', 'OCP', false, '{}') returning id
     )
     insert into reporting_ocp_cost_category_namespace (namespace, system_default, cost_category_id)
     select 'kube-trap', false, id from category`,
  );
  await summarise({
    pod_usage: [podHour(0, { namespace: 'kube-trap' }), podHour(1, { namespace: 'mykube-x' })],
  });
  const rows = await source.query<{ namespace: string; name: string | null; usage: number }>(
    `select line.namespace, category.name, line.pod_usage_cpu_core_hours::float8 as usage
     from reporting_ocpusagelineitem_daily_summary as line
     left join reporting_ocp_cost_category as category on category.id = line.cost_category_id
     where line.source_uuid = $1 order by line.namespace collate "C"`,
    [source.sourceUuid],
  );
  // kube-% (Platform) and kube-trap both match the first; neither matches the second; 2 · 4 - 1 - 1 = 6 are left.
  expect(rows.map(({ namespace, name, usage }) => [namespace, name, usage])).toEqual([
    ['Worker unallocated', null, 6],
    ['kube-trap', 'Ours', 1],
    ['mykube-x', null, 1],
  ]);
});
