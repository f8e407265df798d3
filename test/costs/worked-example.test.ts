import { beforeAll, describe, expect, test } from 'vitest';
import { unassignModel } from '../../costs/assignments.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';
import { costLines, giveModel, plain, priceDay } from './priced-source.ts';

/*
 * DOMAIN §12 with costs: usage 0.1 per core-hour, 0.02 per requested GiB-hour, 1 per used GiB-month; a node 310 a
 * month, 310 / 31 = 10 a day; a claim 93 a month, 3 a day. Platform and workers are distributed by CPU.
 */
const rates = [
  plain('cpu_core_usage_per_hour', 0.1, 'Supplementary'),
  plain('memory_gb_request_per_hour', 0.02, 'Supplementary'),
  plain('storage_gb_usage_per_month', 1, 'Supplementary'),
  plain('node_cost_per_month', 310),
  plain('pvc_cost_per_month', 93),
];
const distribution = { platform_cost: true, worker_cost: true };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

async function example(rules: 'design' | 'koku'): Promise<StagedSource> {
  const source = await createStagedSource(database, '2026-10');
  await stageExample(source);
  await source.summarise(rules, day);
  await giveModel(source, rates, { distribution });
  return source;
}

const usageOfPods = `data_source = 'Pod' and cost_model_rate_type = 'Supplementary'`;
const volumes = `data_source = 'Storage' and cost_model_volume_cost is not null`;
const distributed = 'distributed_cost is not null';

/*
 * Used GiB-months: two hours of 31 days are 7200 / (86400 · 31) = 0.00268817; data 25 times that, shared 4 / 2 on each
 * of its nodes. Claims: 3 a day over 3 claims of the namespace; shared has two rows of equal capacity, half each.
 */
const volumeLines = (web: string, data: string) => [
  'shop - orphan PVC {team=blue tier=nsTier} c=0 m=0 v=1',
  'shop - orphan usage {team=blue tier=nsTier} c=0 m=0 v=0',
  'shop m1 shared PVC {team=blue tier=nsTier zone=b} c=0 m=0 v=0.5',
  'shop m1 shared usage {team=blue tier=nsTier zone=b} c=0 m=0 v=0.005376',
  `shop w1 data PVC {app=${data} team=blue tier=nsTier zone=a} c=0 m=0 v=1`,
  `shop w1 data usage {app=${data} team=blue tier=nsTier zone=a} c=0 m=0 v=0.067204`,
  `shop w1 shared PVC {app=${web} team=blue tier=nsTier zone=a} c=0 m=0 v=0.5`,
  `shop w1 shared usage {app=${web} team=blue tier=nsTier zone=a} c=0 m=0 v=0.005376`,
];

describe('rules koku', () => {
  let source: StagedSource;
  beforeAll(async () => {
    source = await example('koku');
    // 6 groups of pods and 4 of volumes for usage, 6 for nodes, 4 for claims; usage rates of one type only.
    // Distribution: shop on two nodes and two sources of platform, shop on two nodes and one source of worker cost.
    expect(await priceDay(source, day)).toBe(10 + 6 + 4 + 4 + 3);
  });

  test('usage', async () => {
    // web: 2.5 · 0.1 and 2 · 0.02; db 0.5 and 4; agent 0.2 and 0; api 2 and 2; idle 5 and 26 on w1, 5.8 and 30 on m1.
    expect(await costLines(source, usageOfPods)).toEqual([
      'Platform unallocated m1 usage c=0.58 m=0.6 v=0',
      'Worker unallocated w1 usage c=0.5 m=0.52 v=0',
      'openshift-kube-apiserver m1 usage {zone=b} c=0.2 m=0.04 v=0',
      'shop m1 usage {app=web team=blue tier=front zone=b} c=0.02 m=0 v=0',
      'shop w1 usage {app=db team=blue tier=nsTier zone=a} c=0.05 m=0.08 v=0',
      'shop w1 usage {app=web team=blue tier=front zone=a} c=0.25 m=0.04 v=0',
    ]);
  });

  test('nodes, by effective usage: each node pays its 10 wholly', async () => {
    // w1: 3, 1 and 4 of 8 core-hours; m1: 0.2, 2 and 5.8 of 8.
    expect(await costLines(source, `monthly_cost_type = 'Node'`)).toEqual([
      'Platform unallocated m1 Node c=7.25 m=0 v=0',
      'Worker unallocated w1 Node c=5 m=0 v=0',
      'openshift-kube-apiserver m1 Node {zone=b} c=2.5 m=0 v=0',
      'shop m1 Node {app=web team=blue tier=front zone=b} c=0.25 m=0 v=0',
      'shop w1 Node {app=db team=blue tier=nsTier zone=a} c=1.25 m=0 v=0',
      'shop w1 Node {app=web team=blue tier=front zone=a} c=3.75 m=0 v=0',
    ]);
  });

  test('volumes, and claims that pay once', async () => {
    expect(await costLines(source, volumes)).toEqual(volumeLines('nodeapp', 'db'));
  });

  test('distribution', async () => {
    // Platform: api 0.2 + 0.04 + 2.5 = 2.74; idle 0.58 + 0.6 + 7.25 = 8.43; together 11.17 over 4 and 0.2 core-hours.
    // Worker: 0.5 + 0.52 + 5 = 6.02 over the same.
    expect(await costLines(source, distributed)).toEqual([
      'Platform unallocated m1 platform_distributed d=-8.43',
      'Worker unallocated w1 worker_distributed d=-6.02',
      'openshift-kube-apiserver m1 platform_distributed d=-2.74',
      'shop m1 platform_distributed d=0.531905',
      'shop m1 worker_distributed d=0.286667',
      'shop w1 platform_distributed d=10.638095',
      'shop w1 worker_distributed d=5.733333',
    ]);
  });

  test('what is given and what is taken adds up to 0', async () => {
    const [row] = await source.query<{ greatest: number }>(
      `select max(abs(total))::float8 as greatest
       from (
           select sum(distributed_cost) as total
           from reporting_ocpusagelineitem_daily_summary
           where source_uuid = $1
           group by cost_model_rate_type, usage_start
       ) as sums`,
      [source.sourceUuid],
    );
    expect(row?.greatest).toBeLessThan(1e-9);
  });

  test('priced again it is the same', async () => {
    const before = await costLines(source);
    await priceDay(source, day);
    expect(await costLines(source)).toEqual(before);
  });
});

describe('rules design', () => {
  let source: StagedSource;
  beforeAll(async () => {
    source = await example('design');
    await priceDay(source, day);
  });

  test('usage and request cost the same; web and db have the same labels', async () => {
    // web and db: 3 · 0.1 and 6 · 0.02.
    expect(await costLines(source, usageOfPods)).toEqual([
      'Platform unallocated m1 usage c=0.58 m=0.6 v=0',
      'Worker unallocated w1 usage c=0.5 m=0.52 v=0',
      'openshift-kube-apiserver m1 usage {zone=b} c=0.2 m=0.04 v=0',
      'shop m1 usage {app=web team=blue tier=nsTier zone=b} c=0.02 m=0 v=0',
      'shop w1 usage {app=nodeapp team=blue tier=nsTier zone=a} c=0.3 m=0.12 v=0',
    ]);
  });

  test('nodes, by the lesser of usage and request', async () => {
    // w1: 2 and 6 of 8 core-hours; m1: 0, 1 and 7 of 8.
    expect(await costLines(source, `monthly_cost_type = 'Node'`)).toEqual([
      'Platform unallocated m1 Node c=8.75 m=0 v=0',
      'Worker unallocated w1 Node c=7.5 m=0 v=0',
      'openshift-kube-apiserver m1 Node {zone=b} c=1.25 m=0 v=0',
      'shop m1 Node {app=web team=blue tier=nsTier zone=b} c=0 m=0 v=0',
      'shop w1 Node {app=nodeapp team=blue tier=nsTier zone=a} c=2.5 m=0 v=0',
    ]);
  });

  test('volumes', async () => {
    expect(await costLines(source, volumes)).toEqual(volumeLines('nodeapp', 'nodeapp'));
  });

  test('distribution: a project without effective usage gets nothing', async () => {
    // Platform: 0.2 + 0.04 + 1.25 = 1.49 and 0.58 + 0.6 + 8.75 = 9.93; worker: 0.5 + 0.52 + 7.5 = 8.52.
    expect(await costLines(source, distributed)).toEqual([
      'Platform unallocated m1 platform_distributed d=-9.93',
      'Worker unallocated w1 worker_distributed d=-8.52',
      'openshift-kube-apiserver m1 platform_distributed d=-1.49',
      'shop w1 platform_distributed d=11.42',
      'shop w1 worker_distributed d=8.52',
    ]);
  });
});

test('without its model a source has the rows it had before', async () => {
  const source = await createStagedSource(database, '2026-10');
  await stageExample(source);
  await source.summarise('koku', day);
  const all = () =>
    source.query<{ row: string }>(
      `select to_jsonb(summary)::text as row from reporting_ocpusagelineitem_daily_summary as summary
       where source_uuid = $1 order by uuid`,
      [source.sourceUuid],
    );
  const before = await all();
  await giveModel(source, rates, { distribution, markup: { value: 10, unit: 'percent' } });
  await priceDay(source, day);
  expect(await all()).not.toEqual(before);
  await unassignModel(database.pool, database.schema, `model of ${source.clusterId}`, [source]);
  expect(await priceDay(source, day)).toBe(0);
  expect(await all()).toEqual(before);
});
