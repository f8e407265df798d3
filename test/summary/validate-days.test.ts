import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { validateDays } from '../../activities/validate-days.ts';
import type { ValidateDaysResult } from '../../activities/validate-days.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { listValidationWarnings } from '../../summary/validation-warnings.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { HourlyRow, Labels, StagedSource } from '../support/staging-fixture.ts';
import { dependenciesOf, month } from './labelled-days.ts';

/*
 * 1 October, two hours. Nodes w1 and m1, 4 cores and 16 GiB each: 8 core-hours and 32 GiB-hours per node, 16 and 64 in
 * all. Per hour:
 *
 *   pod      namespace, node           CPU core-seconds      memory GiB
 *                                      usage; request        usage; request
 *   web      shop, w1                  1800; 3600            2; 1
 *   db       shop, w1                   900; 1800            1; 2
 *   api      kube-apiserver, m1        3600; 1800            2; 1
 *   pending  shop, no node             9000; 9000            9; 9
 *
 * Usage of the pods with a node: 2 · 6300 s = 3.5 core-hours, 2 · 5 = 10 GiB-hours; request: 2 · 7200 s = 4 core-hours
 * and 2 · 4 = 8 GiB-hours. web and db have different labels: three pod rows, two unallocated rows.
 * data is mounted by db, shared by web and api, orphan by nobody: four storage rows, four claims (shared is one in
 * each of its two namespaces).
 */
const day = usageDay('2026-10-01');
const gib = 2 ** 30;
const profiles = ['design', 'koku'] as const;

function pod(
  name: string,
  namespace: string,
  node: string,
  cpu: [usage: number, request: number],
  memory: [usage: number, request: number],
): HourlyRow[] {
  return [0, 1].map((hour) => ({
    hour,
    pod: name,
    namespace,
    node,
    resource_id: `i-${node}`,
    label_set_id: { app: name },
    pod_usage_cpu_core_seconds: cpu[0],
    pod_request_cpu_core_seconds: cpu[1],
    pod_usage_memory_byte_seconds: memory[0] * gib * 3600,
    pod_request_memory_byte_seconds: memory[1] * gib * 3600,
    node_capacity_cpu_cores: 4,
    node_capacity_cpu_core_seconds: 4 * 3600,
    node_capacity_memory_bytes: 16 * gib,
    node_capacity_memory_byte_seconds: 16 * gib * 3600,
  }));
}

function volume(claim: string, namespace: string, mountedBy: string, labels: Labels = {}): HourlyRow[] {
  return [0, 1].map((hour) => ({
    hour,
    namespace,
    pod: mountedBy,
    persistentvolumeclaim: claim,
    persistentvolume: `pv-${claim}`,
    storageclass: 'fast',
    persistentvolume_label_set_id: {},
    persistentvolumeclaim_label_set_id: labels,
    persistentvolumeclaim_capacity_bytes: 10 * gib,
    persistentvolumeclaim_capacity_byte_seconds: 10 * gib * 3600,
    volume_request_storage_byte_seconds: 10 * gib * 3600,
    persistentvolumeclaim_usage_byte_seconds: 4 * gib * 3600,
  }));
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

/** A source with the day of the table above in staging and in the daily summary. */
async function summarisedSource(
  rules: 'design' | 'koku' = 'koku',
  { storage = true } = {},
): Promise<StagedSource> {
  const source = await createStagedSource(database, month);
  await source.enableKeys('app', 'zone', 'tier');
  await source.stage('pod_usage', day, [
    ...pod('web', 'shop', 'w1', [1800, 3600], [2, 1]),
    ...pod('db', 'shop', 'w1', [900, 1800], [1, 2]),
    ...pod('api', 'openshift-kube-apiserver', 'm1', [3600, 1800], [2, 1]),
    ...pod('pending', 'shop', '', [9000, 9000], [9, 9]),
  ]);
  if (storage)
    await source.stage('storage_usage', day, [
      ...volume('data', 'shop', 'db', { app: 'db' }),
      ...volume('shared', 'shop', 'web'),
      ...volume('shared', 'openshift-kube-apiserver', 'api'),
      ...volume('orphan', 'shop', ''),
    ]);
  await source.stage(
    'node_labels',
    day,
    [0, 1].map((hour) => ({ hour, node: 'w1', label_set_id: { zone: hour === 0 ? 'a' : 'a2' } })),
  );
  await source.stage('namespace_labels', day, [
    { hour: 0, namespace: 'shop', label_set_id: { tier: 'back' } },
  ]);
  await aggregate(source, rules);
  return source;
}

async function aggregate(source: StagedSource, rules: 'design' | 'koku', force = false): Promise<void> {
  const { schema } = source.database;
  const result = await new MockActivityEnvironment().run(() =>
    aggregateDays(dependenciesOf(source.database, { OCP_RULES: rules }), {
      schema,
      sourceUuid: source.sourceUuid,
      month,
      ...(force ? { force: { from: day, until: day } } : {}),
    }),
  );
  expect(result).toMatchObject({ outcome: 'done', dayCount: 1 });
}

/** Validate the month. @param entries receives what the activity logs */
async function validate(source: StagedSource, entries: LogEntry[] = []): Promise<ValidateDaysResult> {
  const logger = new DefaultLogger('WARN', (entry) => entries.push(entry));
  const { schema } = source.database;
  return new MockActivityEnvironment({}, { logger }).run(() =>
    validateDays(dependenciesOf(source.database), { schema, sourceUuid: source.sourceUuid, month }),
  );
}

/** Warnings as `check: expected, found`. */
async function warnings(source: StagedSource): Promise<string[]> {
  const { pool, schema } = source.database;
  const found = await listValidationWarnings(pool, schema, { sourceUuid: source.sourceUuid, limit: 100 });
  return found.map((warning) => `${warning.checkName}: ${warning.expected}, ${warning.found}`);
}

/** A row of the daily summary beside those that were built. */
async function addRow(source: StagedSource, values: Record<string, unknown>): Promise<void> {
  const row = {
    report_period_id: source.reportPeriodId,
    cluster_id: source.clusterId,
    usage_start: day,
    usage_end: day,
    source_uuid: source.sourceUuid,
    ...values,
  };
  const names = Object.keys(row);
  await source.query(
    `insert into reporting_ocpusagelineitem_daily_summary (uuid, ${names.join(', ')})
     values (gen_random_uuid(), ${names.map((_, i) => `$${i + 1}`).join(', ')})`,
    Object.values(row),
  );
}

/** Change rows of the daily summary; it must hit some. */
async function change(source: StagedSource, assignment: string, condition: string): Promise<void> {
  const rows = await source.query(
    `update reporting_ocpusagelineitem_daily_summary set ${assignment}
     where source_uuid = $1 and ${condition} returning 1`,
    [source.sourceUuid],
  );
  expect(rows.length).toBeGreaterThan(0);
}

describe.for(profiles)('profile %s', (rules) => {
  test('a day that was summarised from staging has no warning, and is validated once', async () => {
    const source = await summarisedSource(rules);
    const entries: LogEntry[] = [];
    expect(await validate(source, entries)).toEqual({ outcome: 'done', dayCount: 1, warningCount: 0 });
    expect(await warnings(source)).toEqual([]);
    expect(entries).toEqual([]);
    expect(await validate(source)).toEqual({ outcome: 'done', dayCount: 0, warningCount: 0 });
  });

  test('effective usage is compared by the rules the day was built with', async () => {
    const source = await summarisedSource(rules);
    await change(source, 'pod_effective_usage_cpu_core_hours = 0', `node = 'w1'`);
    // koku: 2 · (3600 + 1800 + 3600) s = 5; without w1's 3 core-hours 2. design: 2 · (1800 + 900 + 1800) s = 2.5; 1.
    // With unallocated: 16 core-hours, or m1's 8.
    const [expected, found] = rules === 'koku' ? [5, 2] : [2.5, 1];
    await validate(source);
    expect(await warnings(source)).toEqual([
      'effective_usage_with_unallocated_cpu_core_hours: 16, 8',
      `pod_effective_usage_cpu_core_hours: ${expected}, ${found}`,
    ]);
  });
});

const db = `pod_labels ->> 'app' = 'db'`;
const unallocated = `namespace = 'Worker unallocated'`;

/** What is changed by hand, and the one warning it must give. */
const breaks: [title: string, warning: string, changes: [assignment: string, condition: string][]][] = [
  [
    'CPU usage',
    'pod_usage_cpu_core_hours: 3.5, 4.5',
    [['pod_usage_cpu_core_hours = pod_usage_cpu_core_hours + 1', db]],
  ],
  ['CPU requests', 'pod_request_cpu_core_hours: 4, 3', [['pod_request_cpu_core_hours = 0', db]]],
  [
    'effective CPU usage that was moved to unallocated',
    'pod_effective_usage_cpu_core_hours: 5, 4',
    [
      ['pod_effective_usage_cpu_core_hours = 0', db],
      ['pod_effective_usage_cpu_core_hours = pod_effective_usage_cpu_core_hours + 1', unallocated],
    ],
  ],
  [
    'unallocated CPU',
    'effective_usage_with_unallocated_cpu_core_hours: 16, 16.25',
    [['pod_effective_usage_cpu_core_hours = pod_effective_usage_cpu_core_hours + 0.25', unallocated]],
  ],
  [
    'CPU capacity of a node',
    'node_capacity_cpu_core_hours: 16, 20',
    [['node_capacity_cpu_core_hours = 12', `node = 'w1' and data_source = 'Pod'`]],
  ],
  ['memory usage', 'pod_usage_memory_gigabyte_hours: 10, 8', [['pod_usage_memory_gigabyte_hours = 0', db]]],
  [
    'memory requests',
    'pod_request_memory_gigabyte_hours: 8, 4',
    [['pod_request_memory_gigabyte_hours = 0', db]],
  ],
  [
    // 2 · (2 + 2 + 2) = 12 GiB-hours
    'effective memory usage that was moved to unallocated',
    'pod_effective_usage_memory_gigabyte_hours: 12, 8',
    [
      ['pod_effective_usage_memory_gigabyte_hours = 0', db],
      [
        'pod_effective_usage_memory_gigabyte_hours = pod_effective_usage_memory_gigabyte_hours + 4',
        unallocated,
      ],
    ],
  ],
  [
    'unallocated memory',
    'effective_usage_with_unallocated_memory_gigabyte_hours: 64, 63',
    [
      [
        'pod_effective_usage_memory_gigabyte_hours = pod_effective_usage_memory_gigabyte_hours - 1',
        unallocated,
      ],
    ],
  ],
  [
    'memory capacity of a node',
    'node_capacity_memory_gigabyte_hours: 64, 48',
    [['node_capacity_memory_gigabyte_hours = 16', `node = 'w1' and data_source = 'Pod'`]],
  ],
  [
    'a claim that is missing although the number of rows is right',
    'storage_claims: 4, 3',
    [[`persistentvolumeclaim = 'other'`, `persistentvolumeclaim = 'orphan'`]],
  ],
];

test.for(breaks)(
  '%s: a change by hand gives its warning and no other, until the day is built again',
  async (entry) => {
    const [, warning, changes] = entry;
    const source = await summarisedSource();
    for (const [assignment, condition] of changes) await change(source, assignment, condition);
    expect(await validate(source)).toEqual({ outcome: 'done', dayCount: 1, warningCount: 1 });
    expect(await warnings(source)).toEqual([warning]);
    expect(await validate(source)).toEqual({ outcome: 'done', dayCount: 0, warningCount: 0 });
    expect(await warnings(source)).toEqual([warning]);

    await aggregate(source, 'koku', true);
    expect(await validate(source)).toEqual({ outcome: 'done', dayCount: 1, warningCount: 0 });
    expect(await warnings(source)).toEqual([]);
  },
);

test.for([
  ['pod_rows: 3, 4', { data_source: 'Pod', namespace: 'shop', node: 'w1' }],
  ['unallocated_rows: 2, 3', { data_source: 'Pod', namespace: 'Worker unallocated', node: 'w1' }],
  ['storage_rows: 4, 5', { data_source: 'Storage', namespace: 'shop', persistentvolumeclaim: 'data' }],
] as const)('a row too many gives %s', async ([warning, row]) => {
  const source = await summarisedSource();
  await addRow(source, row);
  await validate(source);
  expect(await warnings(source)).toEqual([warning]);
});

test('distributed cost that does not add up to 0 gives a warning of its type', async () => {
  const source = await summarisedSource();
  const shop = { data_source: 'Pod', namespace: 'shop', node: 'w1' };
  for (const [type, costs] of [
    ['platform_distributed', [1000, -999.5]],
    ['worker_distributed', [3.25, -3.25]],
  ] as const)
    for (const cost of costs)
      await addRow(source, { ...shop, cost_model_rate_type: type, distributed_cost: cost });
  await validate(source);
  expect(await warnings(source)).toEqual(['distributed_cost_platform_distributed: 0, 0.5']);
});

test('a day without storage and without labels has no warning', async () => {
  expect(await validate(await summarisedSource('design', { storage: false }))).toMatchObject({
    warningCount: 0,
  });
});

test('cost rows, cloud cost and unattributed namespaces are no measured usage', async () => {
  const source = await summarisedSource();
  const usage = {
    data_source: 'Pod',
    node: 'w1',
    pod_usage_cpu_core_hours: 7,
    node_capacity_cpu_core_hours: 99,
  };
  await addRow(source, { ...usage, namespace: 'shop', cost_model_rate_type: 'Supplementary' });
  await addRow(source, { ...usage, namespace: 'shop', infrastructure_raw_cost: 5 });
  await addRow(source, { ...usage, namespace: 'Network unattributed' });
  await addRow(source, { ...usage, namespace: 'Storage unattributed', data_source: 'Storage' });
  expect(await validate(source)).toEqual({ outcome: 'done', dayCount: 1, warningCount: 0 });
});

test('validating a day again replaces its warnings', async () => {
  const source = await summarisedSource();
  await change(source, 'pod_usage_cpu_core_hours = pod_usage_cpu_core_hours + 1', db);
  await change(source, 'pod_usage_memory_gigabyte_hours = 0', db);
  await validate(source);
  expect(await warnings(source)).toHaveLength(2);
  await change(source, 'pod_usage_memory_gigabyte_hours = 2, pod_usage_cpu_core_hours = 2', db);
  await source.query('update ocp_day set validated_version = null where source_uuid = $1', [
    source.sourceUuid,
  ]);
  await validate(source);
  // 3.5 core-hours with db's 0.5 instead of 2
  expect(await warnings(source)).toEqual(['pod_usage_cpu_core_hours: 3.5, 5']);
});

test('a discrepancy is logged with its day and values', async () => {
  const source = await summarisedSource();
  await change(source, 'pod_usage_cpu_core_hours = 0', db);
  const entries: LogEntry[] = [];
  await validate(source, entries);
  expect(entries).toMatchObject([
    {
      level: 'WARN',
      message: 'daily summary differs from the daily relations',
      meta: {
        sourceUuid: source.sourceUuid,
        usageDay: day,
        version: 1,
        checks: [{ check: 'pod_usage_cpu_core_hours', expected: 3.5, found: 3 }],
      },
    },
  ]);
});
