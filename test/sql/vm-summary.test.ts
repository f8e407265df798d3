import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadSql } from '../../platform/sql-files.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { HourlyRow, Labels, StagedSource } from '../support/staging-fixture.ts';

/*
 * October (31 days), two hours of each day staged. Namespace shop, node w1, profile koku: effective = max(usage, request).
 *
 *            CPU core-hours per day    memory GiB-hours per day
 *   VM db    2                         6
 *   pod web  6                         2
 *
 * So the machine's share of (day, shop, w1) is 2 / 8 = 1/4 by CPU and 6 / 8 = 3/4 by memory.
 */
const month = '2026-10-01';
const day1 = '2026-10-01';
const day2 = '2026-10-02';
const day3 = '2026-10-03';
const gib = 2 ** 30;
const dailySummary = 'reporting_ocpusagelineitem_daily_summary';

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
  await source.enableKeys('tier');
});

interface PodOptions {
  pod?: string;
  namespace?: string;
  node?: string;
  cores?: number;
  memory?: number;
}

/** Two hours of a pod that requests `cores` and `memory` GiB and uses less. */
function podHours(
  labels: Labels,
  { pod = 'launcher', namespace = 'shop', node = 'w1', cores = 1, memory = 3 }: PodOptions = {},
) {
  return [0, 1].map((hour) => ({
    hour,
    pod,
    namespace,
    node,
    resource_id: `i-${node}`,
    label_set_id: labels,
    pod_usage_cpu_core_seconds: 0,
    pod_request_cpu_core_seconds: cores * 3600,
    pod_usage_memory_byte_seconds: 0,
    pod_request_memory_byte_seconds: memory * gib * 3600,
    node_capacity_cpu_cores: 16,
    node_capacity_cpu_core_seconds: 16 * 3600,
    node_capacity_memory_bytes: 64 * gib,
    node_capacity_memory_byte_seconds: 64 * gib * 3600,
  }));
}

/** One hour of a VM report; a machine has one line per disk. */
function vmHour(
  hour: number,
  size: { cores: number; memory: number; claim?: string; node?: string; uptime?: number },
): HourlyRow {
  return {
    hour,
    namespace: 'shop',
    vm_name: 'db',
    node: size.node ?? 'w1',
    label_set_id: {},
    vm_cpu_request_cores: size.cores,
    vm_memory_request_bytes: size.memory * gib,
    vm_uptime_total_seconds: size.uptime ?? 3600,
    vm_persistentvolumeclaim_name: size.claim ?? '',
  };
}

function volumeHours(claim: string, usage: number, pod = 'launcher', namespace = 'shop') {
  return [0, 1].map((hour) => ({
    hour,
    namespace,
    pod,
    persistentvolumeclaim: claim,
    persistentvolume: `pv-${claim}`,
    storageclass: 'fast',
    persistentvolume_label_set_id: {},
    persistentvolumeclaim_label_set_id: { tier: `of-${claim}`, app: 'hidden' },
    persistentvolumeclaim_capacity_bytes: 100 * gib,
    persistentvolumeclaim_capacity_byte_seconds: 100 * gib * 3600,
    volume_request_storage_byte_seconds: 100 * gib * 3600,
    persistentvolumeclaim_usage_byte_seconds: usage * gib * 3600,
  }));
}

/** Stage db and web on days 1 to 3 with labels tier a, b, c, and summarise. */
async function stageUsage(options: PodOptions = {}): Promise<void> {
  for (const [day, tier] of [
    [day1, 'a'],
    [day2, 'b'],
    [day3, 'c'],
  ] as const)
    await source.stage('pod_usage', day, [
      ...podHours({ vm_kubevirt_io_name: 'db', tier, other: 'dropped' }, options),
      ...podHours({}, { pod: 'web', cores: 3, memory: 1 }),
    ]);
}

const db = { vm_kubevirt_io_name: 'db', tier: 'a' };

/** A cost row as the cost model writes it; usage columns are NULL. */
async function addCost(day: string, row: Record<string, unknown>): Promise<void> {
  await source.query(
    `insert into ${dailySummary} select (jsonb_populate_record(null::${dailySummary}, $1)).*`,
    [
      JSON.stringify({
        uuid: randomUUID(),
        report_period_id: source.reportPeriodId,
        cluster_id: source.clusterId,
        cluster_alias: 'alias',
        source_uuid: source.sourceUuid,
        usage_start: day,
        usage_end: day,
        data_source: 'Pod',
        namespace: 'shop',
        node: 'w1',
        resource_id: 'i-w1',
        ...row,
      }),
    ],
  );
}

async function refresh(): Promise<void> {
  await source.query(loadSql('ui/vm_summary.sql'), [source.sourceUuid, month]);
}

interface VmRow {
  vm: string;
  node: string;
  rateType: string | null;
  claim: string | null;
  days: string[];
  cpu: number | null;
  memory: number | null;
  volume: number | null;
  distributed: number | null;
  request: [number | null, number | null];
  labels: Labels | null;
  resources: (string | null)[];
  capacity: number | null;
  usage: number | null;
  namespace: string;
}

/** All rows, in the order compute, distributed, storage. */
async function vmRows(of: StagedSource = source): Promise<VmRow[]> {
  return of.query<VmRow>(
    `select namespace, vm_name as vm, node, cost_model_rate_type as "rateType", persistentvolumeclaim as claim,
         array[usage_start, usage_end]::text[] as days, cost_model_cpu_cost::float8 as cpu, cost_model_memory_cost::float8 as memory,
         cost_model_volume_cost::float8 as volume, distributed_cost::float8 as distributed,
         array[pod_request_cpu_core_hours, pod_request_memory_gigabyte_hours]::float8[] as request,
         pod_labels as labels, resource_ids as resources,
         persistentvolumeclaim_capacity_gigabyte_months::float8 as capacity,
         persistentvolumeclaim_usage_gigabyte_months::float8 as usage
     from reporting_ocp_vm_summary_p where source_uuid = $1
     order by persistentvolumeclaim nulls first, distributed_cost is not null, vm_name, namespace, cost_model_rate_type nulls first, usage_start`,
    [of.sourceUuid],
  );
}

const nothing = {
  memory: null,
  volume: null,
  distributed: null,
  claim: null,
  capacity: null,
  usage: null,
  namespace: 'shop',
};

describe('compute rows', () => {
  test('cost adds up from its first to its last day, sized 24 times the latest report, labelled as of the second-latest day', async () => {
    await stageUsage();
    await source.stage('vm_usage', day1, [vmHour(0, { cores: 1, memory: 2 })]);
    await source.stage('vm_usage', day3, [
      vmHour(0, { cores: 1, memory: 2 }),
      vmHour(1, { cores: 4, memory: 8, claim: 'data' }),
      vmHour(1, { cores: 4, memory: 8, claim: 'boot' }),
    ]);
    await source.summarise('koku', day1, day3);
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await addCost(day2, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await addCost(day2, {
      cost_model_rate_type: 'Supplementary',
      cost_model_cpu_cost: 3,
      cost_model_memory_cost: 1,
      pod_labels: db,
    });
    await addCost(day3, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 0, pod_labels: db });
    // A tag rate reduced the labels of this row, so nothing says that it belongs to a machine.
    await addCost(day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 7,
      pod_labels: { tier: 'a' },
    });
    await addCost(day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 7,
      pod_labels: db,
      namespace: 'Worker unallocated',
    });
    const expected: VmRow[] = [
      // 24 · 4 cores, 24 · 8 GiB; day X is day 2, where tier is b
      {
        ...nothing,
        vm: 'db',
        node: 'w1',
        rateType: 'Infrastructure',
        days: [day1, day2],
        cpu: 10,
        request: [96, 192],
        labels: { vm_kubevirt_io_name: 'db', tier: 'b' },
        resources: ['i-w1'],
      },
      {
        ...nothing,
        vm: 'db',
        node: 'w1',
        rateType: 'Supplementary',
        days: [day2, day2],
        cpu: 3,
        memory: 1,
        request: [96, 192],
        labels: { vm_kubevirt_io_name: 'db', tier: 'b' },
        resources: ['i-w1'],
      },
    ];
    await refresh();
    expect(await vmRows()).toEqual(expected);
    await refresh();
    expect(await vmRows()).toEqual(expected);
  });

  test('without a VM report node and requests are those of the second-latest day', async () => {
    await stageUsage();
    await source.summarise('koku', day1, day3);
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await refresh();
    // 1 core and 3 GiB in each of two hours
    expect(await vmRows()).toMatchObject([
      { vm: 'db', node: 'w1', request: [2, 6], labels: { tier: 'b' }, days: [day1, day1] },
    ]);
  });

  test('with one day of requests that day gives the labels', async () => {
    await source.stage('pod_usage', day3, podHours({ vm_kubevirt_io_name: 'db', tier: 'only' }));
    await source.summarise('koku', day3);
    await addCost(day3, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await refresh();
    expect(await vmRows()).toMatchObject([{ labels: { tier: 'only' }, cpu: 5 }]);
  });

  test('a machine that moved within its latest hour is charged once, on the node that ran it longer', async () => {
    await stageUsage();
    await source.stage('vm_usage', day3, [
      vmHour(1, { cores: 2, memory: 2, node: 'w1', uptime: 600 }),
      vmHour(1, { cores: 2, memory: 2, node: 'w2', uptime: 3000 }),
    ]);
    await source.summarise('koku', day1, day3);
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await addCost(day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 4,
      pod_labels: db,
      node: 'w2',
      resource_id: 'i-w2',
    });
    await refresh();
    expect(await vmRows()).toMatchObject([
      { node: 'w2', cpu: 9, days: [day1, day3], resources: ['i-w1', 'i-w2'], request: [48, 48] },
    ]);
  });

  test('a machine that ended before the reference day keeps its cost', async () => {
    await source.stage('pod_usage', day1, podHours({ vm_kubevirt_io_name: 'db', tier: 'last' }));
    for (const day of [day2, day3]) await source.stage('pod_usage', day, podHours({}, { pod: 'web' }));
    await source.stage('vm_usage', day1, [vmHour(0, { cores: 2, memory: 1 })]);
    await source.summarise('koku', day1, day3);
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await refresh();
    expect(await vmRows()).toMatchObject([{ cpu: 5, request: [48, 24], labels: { tier: 'last' } }]);
  });

  test('machines of one name in two namespaces keep their own cost and size', async () => {
    await stageUsage();
    await source.stage(
      'pod_usage',
      day2,
      podHours({ vm_kubevirt_io_name: 'db', tier: 'b' }, { namespace: 'bank', cores: 2, memory: 1 }),
    );
    await source.summarise('koku', day1, day3);
    await addCost(day2, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await addCost(day2, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 7,
      pod_labels: db,
      namespace: 'bank',
    });
    await refresh();
    expect(await vmRows()).toMatchObject([
      { namespace: 'bank', cpu: 7, request: [4, 2] },
      { namespace: 'shop', cpu: 5, request: [2, 6] },
    ]);
  });
});

describe('distributed rows', () => {
  async function distribute(): Promise<void> {
    await stageUsage();
    await source.summarise('koku', day1, day3);
    await addCost(day1, { cost_model_rate_type: 'platform_distributed', distributed_cost: 8 });
    await addCost(day2, { cost_model_rate_type: 'platform_distributed', distributed_cost: 4 });
    await addCost(day1, {
      cost_model_rate_type: 'gpu_distributed',
      distributed_cost: 16,
      data_source: 'GPU',
      resource_id: null,
    });
    await addCost(day1, {
      cost_model_rate_type: 'platform_distributed',
      distributed_cost: 99,
      namespace: 'elsewhere',
    });
  }

  const common = {
    ...nothing,
    vm: 'db',
    node: 'w1',
    cpu: null,
    request: [null, null] as [null, null],
    labels: null,
  };

  test('a machine gets its share by CPU when there is no cost model', async () => {
    await distribute();
    // (8 + 4) / 4 = 3 and 16 / 4 = 4
    const expected = [
      { ...common, rateType: 'gpu_distributed', days: [day1, day1], distributed: 4, resources: [null] },
      {
        ...common,
        rateType: 'platform_distributed',
        days: [day1, day2],
        distributed: 3,
        resources: ['i-w1'],
      },
    ];
    await refresh();
    expect(await vmRows()).toEqual(expected);
    await refresh();
    expect(await vmRows()).toEqual(expected);
  });

  test('a machine gets its share by memory when the cost model says so', async () => {
    const model = randomUUID();
    await source.query(
      `insert into cost_model (uuid, name, description, source_type, created_timestamp, updated_timestamp, rates, markup,
           distribution, currency, distribution_info)
       values ($1, 'm', '', 'OCP', now(), now(), '[]', '{}', 'memory', 'USD', '{}')`,
      [model],
    );
    await source.query('insert into cost_model_map (provider_uuid, cost_model_id) values ($1, $2)', [
      source.sourceUuid,
      model,
    ]);
    await distribute();
    await refresh();
    // (8 + 4) · 3/4 = 9 and 16 · 3/4 = 12
    expect(await vmRows()).toMatchObject([
      { rateType: 'gpu_distributed', distributed: 12 },
      { rateType: 'platform_distributed', distributed: 9 },
    ]);
  });
});

/** One hour of one GiB, twice a day, in GiB-months of October. */
const share = 7200 / (86400 * 31);

describe('storage rows', () => {
  test('claims of the VM report appear with or without cost, sized by their greatest day', async () => {
    await stageUsage();
    await source.stage('vm_usage', day1, [
      vmHour(0, { cores: 1, memory: 1, claim: 'data' }),
      vmHour(0, { cores: 1, memory: 1, claim: 'boot' }),
    ]);
    await source.stage('vm_usage', day3, [vmHour(0, { cores: 1, memory: 1 })]);
    await source.stage('storage_usage', day1, [
      ...volumeHours('data', 10),
      ...volumeHours('boot', 1),
      ...volumeHours('foreign', 1, 'web'),
    ]);
    await source.stage('storage_usage', day2, volumeHours('data', 30));
    await source.stage('storage_usage', day3, volumeHours('data', 20));
    await source.summarise('koku', day1, day3);
    const claim = {
      data_source: 'Storage',
      persistentvolumeclaim: 'data',
      storageclass: 'fast',
      cost_model_rate_type: 'Supplementary',
    };
    await addCost(day1, { ...claim, cost_model_volume_cost: 2, volume_labels: {} });
    await addCost(day2, { ...claim, cost_model_volume_cost: 2, volume_labels: {} });
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    // The labels of the compute row win over those of the claim.
    const storage = {
      ...nothing,
      vm: 'db',
      node: 'w1',
      cpu: null,
      request: [null, null] as [null, null],
      labels: { vm_kubevirt_io_name: 'db', tier: 'b' },
      resources: ['i-w1'],
    };
    const expected = [
      expect.objectContaining({ rateType: 'Infrastructure', claim: null, cpu: 5 }) as VmRow,
      {
        ...storage,
        claim: 'boot',
        rateType: null,
        days: [day1, day1],
        capacity: near(100 * share),
        usage: near(share),
      },
      {
        ...storage,
        claim: 'data',
        rateType: null,
        days: [day1, day3],
        capacity: near(100 * share),
        usage: near(30 * share),
      },
      { ...storage, claim: 'data', rateType: 'Supplementary', days: [day1, day2], volume: 4 },
    ];
    await refresh();
    expect(await vmRows()).toEqual(expected);
    await refresh();
    expect(await vmRows()).toEqual(expected);
  });

  test('without a VM report the claims are those that the launcher pod mounts, and without cost they keep their own labels', async () => {
    await stageUsage();
    await source.stage('storage_usage', day1, [
      ...volumeHours('data', 10),
      ...volumeHours('foreign', 1, 'web'),
      ...volumeHours('data', 50, 'launcher', 'bank'),
    ]);
    await source.summarise('koku', day1, day3);
    await refresh();
    expect(await vmRows()).toMatchObject([
      { namespace: 'shop', claim: 'data', labels: { tier: 'of-data' }, usage: near(10 * share) },
    ]);
    expect((await vmRows())[0]?.labels).toEqual({ tier: 'of-data' });
  });
});

function near(value: number): number {
  return expect.closeTo(value, 12) as number;
}

describe('rebuilding', () => {
  test('a run for a part of the month leaves one row over all its days', async () => {
    await stageUsage();
    await source.summarise('koku', day1, day3);
    await addCost(day2, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await refresh();
    expect(await vmRows()).toMatchObject([{ days: [day2, day2], cpu: 5 }]);
    // An earlier day comes later: the row is dated with the first day now, and the one dated day 2 is gone.
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 4, pod_labels: db });
    await source.summarise('koku', day1);
    await refresh();
    expect(await vmRows()).toMatchObject([{ days: [day1, day2], cpu: 9 }]);
    // Only day 2 is summarised again: day 1 counts neither twice nor no more.
    await source.summarise('koku', day2);
    await refresh();
    expect((await vmRows()).map((row) => [row.days, row.cpu])).toEqual([[[day1, day2], 9]]);
  });

  test('other sources keep their rows', async () => {
    const first = source;
    await stageUsage();
    await source.summarise('koku', day1, day3);
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await refresh();
    const before = await vmRows();
    expect(before).toHaveLength(1);
    source = await createStagedSource(database, '2026-10');
    await refresh();
    expect(await vmRows()).toEqual([]);
    expect(await vmRows(first)).toEqual(before);
  });

  test('pieces that another generation superseded are not read', async () => {
    await stageUsage();
    await source.stage('vm_usage', day2, [vmHour(0, { cores: 1, memory: 1 })]);
    await source.stage('vm_usage', day3, [vmHour(0, { cores: 8, memory: 8 })]);
    await source.query(
      `update ocp_piece set generation = 'superseded' where source_uuid = $1 and report_kind = 'vm_usage' and usage_day = $2`,
      [source.sourceUuid, day3],
    );
    await source.summarise('koku', day1, day3);
    await addCost(day1, { cost_model_rate_type: 'Infrastructure', cost_model_cpu_cost: 5, pod_labels: db });
    await refresh();
    expect(await vmRows()).toMatchObject([{ request: [24, 24] }]);
  });

  test('a month that does not start with its first day is refused', async () => {
    await expect(source.query(loadSql('ui/vm_summary.sql'), [source.sourceUuid, day2])).rejects.toThrow(
      /month 2026-10-02: expected the first day of a month/,
    );
  });
});
