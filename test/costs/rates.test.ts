import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';
import { byLabel, costLines, plain, priced } from './priced-source.ts';

/*
 * The worked example of DOMAIN §12, rules koku. October has 31 days: 310 a month is 10 a day. Two hours: nodes of 4
 * cores and 16 GiB have 8 core-hours and 32 GiB-hours, the cluster 16 and 64.
 *
 *   pods                               effective core-hours   effective GiB-hours
 *   shop w1 app=web                    3                      3
 *   shop w1 app=db                     1                      4
 *   Worker unallocated w1              4                      25
 *   shop m1 app=web                    0.2                    1
 *   openshift-kube-apiserver m1        2                      4
 *   Platform unallocated m1            5.8                    27
 */
let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
  await stageExample(source);
  await source.summarise('koku', day);
});

const byMemory = { distribution: { distribution_type: 'memory' } };
/** Costs of the six groups of pods, each of which has the labels that it has. */
const groups = (type: string, costs: [string, string, string, string, string, string]) => [
  `Platform unallocated m1 ${type} ${costs[0]}`,
  `Worker unallocated w1 ${type} ${costs[1]}`,
  `openshift-kube-apiserver m1 ${type} {zone=b} ${costs[2]}`,
  `shop m1 ${type} {app=web team=blue tier=front zone=b} ${costs[3]}`,
  `shop w1 ${type} {app=db team=blue tier=nsTier zone=a} ${costs[4]}`,
  `shop w1 ${type} {app=web team=blue tier=front zone=a} ${costs[5]}`,
];
const ofPods = (lines: string[]) => lines.filter((line) => !/ (data|shared|orphan) /.test(line));

describe('cluster and nodes', () => {
  test('a cluster per hour, by CPU: two hours are paid wholly', async () => {
    // Share of the node's effective usage · 8 / 16 of the cluster · 8 / 4 = 2 hours · 1: 3/8 of 1 for web, and so on.
    const lines = await priced(source, day, [plain('cluster_cost_per_hour', 1)]);
    expect(ofPods(lines)).toEqual(
      groups('usage', [
        'c=0.725 m=0 v=0',
        'c=0.5 m=0 v=0',
        'c=0.25 m=0 v=0',
        'c=0.025 m=0 v=0',
        'c=0.125 m=0 v=0',
        'c=0.375 m=0 v=0',
      ]),
    );
    // Volumes have no effective usage, and rows of 0.
    expect(lines).toContain('shop - orphan usage {team=blue tier=nsTier} c=0 m=0 v=0');
  });

  test('a cluster per hour, by memory', async () => {
    // 27/32, 25/32, 4/32, 1/32, 4/32, 3/32 of 1.
    expect(ofPods(await priced(source, day, [plain('cluster_cost_per_hour', 1)], byMemory))).toEqual(
      groups('usage', [
        'c=0 m=0.84375 v=0',
        'c=0 m=0.78125 v=0',
        'c=0 m=0.125 v=0',
        'c=0 m=0.03125 v=0',
        'c=0 m=0.125 v=0',
        'c=0 m=0.09375 v=0',
      ]),
    );
  });

  test.for(['node_core_cost_per_hour', 'cluster_core_cost_per_hour'])('%s', async (metric) => {
    // Effective core-hours · 0.5.
    const rates = [plain(metric, 0.5)];
    expect(ofPods(await priced(source, day, rates))).toEqual(
      groups('usage', [
        'c=2.9 m=0 v=0',
        'c=2 m=0 v=0',
        'c=1 m=0 v=0',
        'c=0.1 m=0 v=0',
        'c=0.5 m=0 v=0',
        'c=1.5 m=0 v=0',
      ]),
    );
    // By memory: GiB-hours / 32 · 8 core-hours · 0.5, in the column of CPU.
    expect(ofPods(await priced(source, day, rates, byMemory))).toEqual(
      groups('usage', [
        'c=3.375 m=0 v=0',
        'c=3.125 m=0 v=0',
        'c=0.5 m=0 v=0',
        'c=0.125 m=0 v=0',
        'c=0.5 m=0 v=0',
        'c=0.375 m=0 v=0',
      ]),
    );
  });

  test('a cluster per month: 10 a day', async () => {
    // Effective / 16 · 10, by memory / 64 · 10.
    const rates = [plain('cluster_cost_per_month', 310)];
    expect(await priced(source, day, rates)).toEqual(
      groups('Cluster', [
        'c=3.625 m=0 v=0',
        'c=2.5 m=0 v=0',
        'c=1.25 m=0 v=0',
        'c=0.125 m=0 v=0',
        'c=0.625 m=0 v=0',
        'c=1.875 m=0 v=0',
      ]),
    );
    expect(await priced(source, day, rates, byMemory)).toEqual(
      groups('Cluster', [
        'c=0 m=4.21875 v=0',
        'c=0 m=3.90625 v=0',
        'c=0 m=0.625 v=0',
        'c=0 m=0.15625 v=0',
        'c=0 m=0.625 v=0',
        'c=0 m=0.46875 v=0',
      ]),
    );
  });

  test('a core of a node per month: 4 cores at 1 a day', async () => {
    // Effective / 8 · 4, by memory / 32 · 4.
    const rates = [plain('node_core_cost_per_month', 31)];
    expect(await priced(source, day, rates)).toEqual(
      groups('Node_Core_Month', [
        'c=2.9 m=0 v=0',
        'c=2 m=0 v=0',
        'c=1 m=0 v=0',
        'c=0.1 m=0 v=0',
        'c=0.5 m=0 v=0',
        'c=1.5 m=0 v=0',
      ]),
    );
    expect(await priced(source, day, rates, byMemory)).toContain(
      'shop w1 Node_Core_Month {app=db team=blue tier=nsTier zone=a} c=0 m=0.5 v=0',
    );
  });

  test('Infrastructure hides Supplementary of a monthly metric, not of usage', async () => {
    const lines = await priced(source, day, [
      plain('cluster_cost_per_month', 310),
      plain('cluster_cost_per_month', 620, 'Supplementary'),
      plain('cpu_core_usage_per_hour', 1),
      plain('cpu_core_usage_per_hour', 2, 'Supplementary'),
    ]);
    expect(lines.filter((line) => line.includes('Cluster'))).toHaveLength(6);
    // api used 2 core-hours.
    expect(lines.filter((line) => line.startsWith('openshift-kube-apiserver m1 usage'))).toEqual([
      'openshift-kube-apiserver m1 usage {zone=b} c=2 m=0 v=0',
      'openshift-kube-apiserver m1 usage {zone=b} c=4 m=0 v=0',
    ]);
  });
});

describe('which rates', () => {
  const api = (lines: string[]) => lines.filter((line) => line.startsWith('openshift-kube-apiserver'));

  test('several of one metric add up', async () => {
    // api used 2 core-hours: 2 · (1 + 3).
    const rates = [plain('cpu_core_usage_per_hour', 1), plain('cpu_core_usage_per_hour', 3)];
    expect(api(await priced(source, day, rates))).toEqual([
      'openshift-kube-apiserver m1 usage {zone=b} c=8 m=0 v=0',
    ]);
  });

  test('those of the list that is valid on the first of the month; none: no costs', async () => {
    const list = (name: string, effective_start_date: string, value: number, priority: number) => ({
      name,
      effective_start_date,
      priority,
      rates: [plain('cpu_core_usage_per_hour', value)],
    });
    const late = list('late', '2026-10-02', 5, 1);
    const early = list('early', '2026-10-01', 2, 2);
    const lists = (...price_lists: object[]) => ({ rates: undefined, price_lists });
    expect(api(await priced(source, day, [], lists(late, early)))).toEqual([
      'openshift-kube-apiserver m1 usage {zone=b} c=4 m=0 v=0',
    ]);
    expect(await priced(source, day, [], lists(late))).toEqual([]);
  });

  test('a type of cost without usage rates has no rows of usage', async () => {
    const lines = await priced(source, day, [plain('cluster_cost_per_month', 310, 'Supplementary')]);
    expect(lines.filter((line) => line.includes('usage'))).toEqual([]);
    expect(lines).toHaveLength(6);
  });

  test('another source of the tenant keeps its costs', async () => {
    const other = await createStagedSource(database, '2026-10');
    await stageExample(other);
    await other.summarise('koku', day);
    const before = await priced(other, day, [plain('cpu_core_usage_per_hour', 7)]);
    await priced(source, day, [plain('cpu_core_usage_per_hour', 1)]);
    expect(await costLines(other)).toEqual(before);
  });
});

describe('by label', () => {
  test('usage: a listed value keeps its label only, another has the default and all labels', async () => {
    // web used 2.5 and 0.2 core-hours, at 0.4; db 0.5 at the default of 0.6. The rest has no app.
    const rate = byLabel('cpu_core_usage_per_hour', 'app', { web: 0.4, 'other*': 0.6 });
    expect(await priced(source, day, [rate])).toEqual([
      'shop m1 Tag {app=web} c=0.08 m=0 v=0',
      'shop w1 Tag {app=db team=blue tier=nsTier zone=a} c=0.3 m=0 v=0',
      'shop w1 Tag {app=web} c=1 m=0 v=0',
    ]);
  });

  test('usage: without a default, or one of 0, other values cost nothing and have no row', async () => {
    for (const values of [{ web: 0.4 }, { web: 0.4, 'other*': 0 }])
      expect(
        await priced(source, day, [byLabel('memory_gb_effective_usage_per_hour', 'app', values)]),
      ).toEqual([
        // 1 and 3 GiB-hours.
        'shop m1 Tag {app=web} c=0 m=0.4 v=0',
        'shop w1 Tag {app=web} c=0 m=1.2 v=0',
      ]);
  });

  test('storage, by labels of the volume', async () => {
    // data: 50 GiB · 7200 / (86400 · 31) = 0.134409 GiB-months · 2.
    expect(await priced(source, day, [byLabel('storage_gb_request_per_month', 'app', { db: 2 })])).toEqual([
      'shop w1 data Tag {app=db} c=0 m=0 v=0.268817',
    ]);
  });

  test('a node per month, with what each value leaves unused; a value without a price costs 0', async () => {
    // web: 3 of 8 on w1, the other 5 are unallocated; 0.2 and 7.8 on m1; · 10.
    const rate = byLabel('node_cost_per_month', 'app', { web: 310 });
    expect(await priced(source, day, [rate])).toEqual([
      'Platform unallocated m1 Node {app=web} c=9.75 m=0 v=0',
      'Worker unallocated w1 Node {app=db} c=0 m=0 v=0',
      'Worker unallocated w1 Node {app=web} c=6.25 m=0 v=0',
      'shop m1 Node {app=web} c=0.25 m=0 v=0',
      'shop w1 Node {app=db} c=0 m=0 v=0',
      'shop w1 Node {app=web} c=3.75 m=0 v=0',
    ]);
  });

  test('a core of a node per hour: unallocated core-hours are of cores, also by memory', async () => {
    // web 3, db 1 and 0.2 core-hours; unallocated 8 − 3, 8 − 1, 8 − 0.2; web at 0.5, others at 1.
    const rate = byLabel('node_core_cost_per_hour', 'app', { web: 0.5, 'other*': 1 });
    expect(await priced(source, day, [rate], byMemory)).toEqual([
      'Platform unallocated m1 Node_Core_Hour {app=web} c=3.9 m=0 v=0',
      'Worker unallocated w1 Node_Core_Hour {app=db} c=7 m=0 v=0',
      'Worker unallocated w1 Node_Core_Hour {app=web} c=2.5 m=0 v=0',
      'shop m1 Node_Core_Hour {app=web} c=0.1 m=0 v=0',
      'shop w1 Node_Core_Hour {app=db} c=1 m=0 v=0',
      'shop w1 Node_Core_Hour {app=web} c=1.5 m=0 v=0',
    ]);
  });

  test('claims: the number of those that have the key', async () => {
    // data has app=db, shared app=nodeapp on w1: two claims. db 93 / 31 / 2 = 1.5, others 62 / 31 / 2 = 1.
    expect(
      await priced(source, day, [byLabel('pvc_cost_per_month', 'app', { db: 93, 'other*': 62 })]),
    ).toEqual(['shop w1 data PVC {app=db} c=0 m=0 v=1.5', 'shop w1 shared PVC {app=nodeapp} c=0 m=0 v=1']);
  });

  test('a claim that moved pays once, by its hours on each node; so by a label that both rows have', async () => {
    // mover is on w1 for three hours and on m1 for one; still is the other claim of bank.
    const claim = {
      persistentvolume: '',
      storageclass: 'fast',
      persistentvolume_label_set_id: {},
      persistentvolumeclaim_label_set_id: { app: 'files' },
    };
    const capacity = {
      persistentvolumeclaim_capacity_bytes: 1024,
      persistentvolumeclaim_capacity_byte_seconds: 3600 * 1024,
    };
    const placed = (hour: number, node: string) => ({
      hour,
      pod: `on-${node}`,
      namespace: 'bank',
      node,
      label_set_id: {},
    });
    await source.stage('pod_usage', day, [...[0, 1, 2].map((hour) => placed(hour, 'w1')), placed(3, 'm1')]);
    await source.stage('storage_usage', day, [
      ...[0, 1, 2, 3].map((hour) => ({
        ...claim,
        ...capacity,
        hour,
        namespace: 'bank',
        pod: hour < 3 ? 'on-w1' : 'on-m1',
        persistentvolumeclaim: 'mover',
      })),
      { ...claim, ...capacity, hour: 0, namespace: 'bank', pod: 'on-w1', persistentvolumeclaim: 'still' },
    ]);
    await source.summarise('koku', day);
    const ofBank = (lines: string[]) =>
      lines.filter((line) => line.startsWith('bank')).map((line) => line.replace(/ \{.*\}/, ''));
    // 93 / 31 = 3 a day over two claims; 3 / 4 and 1 / 4 of 1.5.
    const costs = [
      'bank m1 mover PVC c=0 m=0 v=0.375',
      'bank w1 mover PVC c=0 m=0 v=1.125',
      'bank w1 still PVC c=0 m=0 v=1.5',
    ];
    expect(ofBank(await priced(source, day, [plain('pvc_cost_per_month', 93)]))).toEqual(costs);
    expect(ofBank(await priced(source, day, [byLabel('pvc_cost_per_month', 'app', { files: 93 })]))).toEqual(
      costs,
    );
  });

  test('projects: over the nodes used that day, by labels that are not enabled too', async () => {
    await source.stage('namespace_labels', day, [
      { hour: 0, namespace: 'idle', label_set_id: { cost_center: '42', team: 'red' } },
      { hour: 0, namespace: 'openshift-idle', label_set_id: { team: 'blue' } },
    ]);
    await source.summarise('koku', day);
    // shop used two nodes: 31 / 31 / 2 each; idle used none: 62 / 31 for its team, 93 / 31 by its cost_center.
    expect(
      await priced(source, day, [
        byLabel('project_per_month', 'team', { blue: 31, 'other*': 62 }),
        byLabel('project_per_month', 'cost_center', { 42: 93 }, 'Supplementary'),
      ]),
    ).toEqual([
      'idle - Tag {cost_center=42 team=red} c=2',
      'idle - Tag {cost_center=42 team=red} c=3',
      'shop m1 Tag {team=blue tier=nsTier} c=0.5',
      'shop w1 Tag {team=blue tier=nsTier} c=0.5',
    ]);
  });
});
