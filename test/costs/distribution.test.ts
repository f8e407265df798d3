import { beforeAll, beforeEach, expect, test } from 'vitest';
import { addCostRow } from '../summary/cost-row.ts';
import { podHours } from '../summary/vm-fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';
import { costLines, giveModel, plain, priceDay } from './priced-source.ts';

/*
 * The worked example of DOMAIN §12, rules koku: shop has 4 effective core-hours on w1 and 0.2 on m1, 7 and 1 GiB-hours.
 */
let database: TestDatabase;
let source: StagedSource;
const clusterMonth = [plain('cluster_cost_per_month', 310)];
const distributed = () => costLines(source, 'distributed_cost is not null');

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
});

async function example(): Promise<void> {
  await stageExample(source);
  await source.summarise('koku', day);
}

test('by memory', async () => {
  await example();
  await giveModel(source, clusterMonth, {
    distribution: { platform_cost: true, distribution_type: 'memory' },
  });
  await priceDay(source, day);
  // 10 a day over 64 GiB-hours: api 4 of them, idle m1 27; 4.84375 over 7 and 1.
  expect(await distributed()).toEqual([
    'Platform unallocated m1 platform_distributed d=-4.21875',
    'openshift-kube-apiserver m1 platform_distributed d=-0.625',
    'shop m1 platform_distributed d=0.605469',
    'shop w1 platform_distributed d=4.238281',
  ]);
});

test('what is switched off is not distributed', async () => {
  await example();
  await giveModel(source, clusterMonth);
  await priceDay(source, day);
  expect(await distributed()).toEqual([]);
});

test('projects that used nothing get nothing, and the pools keep their cost', async () => {
  await source.stage('pod_usage', day, [
    ...podHours({}, { cores: 0, memory: 0 }),
    ...podHours({}, { pod: 'api', namespace: 'openshift-x' }),
  ]);
  await source.summarise('koku', day);
  await giveModel(source, clusterMonth, { distribution: { platform_cost: true, worker_cost: true } });
  await priceDay(source, day);
  expect(await distributed()).toEqual([]);
  expect(await costLines(source, `namespace = 'Worker unallocated'`)).not.toEqual([]);
});

/** Cloud cost of 10 that no project accounts for. */
async function addCloudCost(namespace: string): Promise<void> {
  await addCostRow(source, day, {
    data_source: 'Storage',
    namespace,
    infrastructure_raw_cost: 10,
    infrastructure_project_raw_cost: 20,
    raw_currency: 'EUR',
  });
}
const currencies = () =>
  source.query(
    `select namespace, raw_currency as currency from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and distributed_cost is not null and raw_currency is not null`,
    [source.sourceUuid],
  );

test.for([
  ['Storage unattributed', 'unattributed_storage', 'storage_unattributed'],
  ['Network unattributed', 'unattributed_network', 'network_unattributed'],
] as const)('%s is distributed with its markup', async ([namespace, type, key]) => {
  await example();
  await addCloudCost(namespace);
  await giveModel(source, [], { distribution: { [key]: true }, markup: { value: 10, unit: 'percent' } });
  await priceDay(source, day);
  // 10 + 10 % = 11 over 4 and 0.2 core-hours.
  expect(await distributed()).toEqual([
    `${namespace} - ${type} d=-11`,
    `shop m1 ${type} d=0.52381`,
    `shop w1 ${type} d=10.47619`,
  ]);
  expect(await currencies()).toEqual([{ namespace, currency: 'EUR' }]);
});

test('without a cost model storage and network are distributed, without markup', async () => {
  await example();
  await addCloudCost('Storage unattributed');
  await addCloudCost('Network unattributed');
  expect(await priceDay(source, day)).toBe(6);
  // 10 · 4 / 4.2 and 10 · 0.2 / 4.2.
  expect(await distributed()).toEqual([
    'Network unattributed - unattributed_network d=-10',
    'Storage unattributed - unattributed_storage d=-10',
    'shop m1 unattributed_network d=0.47619',
    'shop m1 unattributed_storage d=0.47619',
    'shop w1 unattributed_network d=9.52381',
    'shop w1 unattributed_storage d=9.52381',
  ]);
});

test('markup is of raw cost, and goes when the cost model has none', async () => {
  await example();
  await addCloudCost('shop');
  const markups = () =>
    source.query(
      `select infrastructure_markup_cost::float8 as markup, infrastructure_project_markup_cost::float8 as project, count(*) as rows
       from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 group by 1, 2 order by 1`,
      [source.sourceUuid],
    );
  await giveModel(source, clusterMonth, { markup: { value: 15, unit: 'percent' } });
  await priceDay(source, day);
  // 15 % of 10 and 20; the 10 usage rows and 6 cost rows have no raw cost.
  expect(await markups()).toEqual([
    { markup: 0, project: 0, rows: 16 },
    { markup: 1.5, project: 3, rows: 1 },
  ]);
  await giveModel(source, clusterMonth);
  await priceDay(source, day);
  expect(await markups()).toEqual([{ markup: null, project: null, rows: 17 }]);
});

test('markup without cloud cost is 0 on every row, of usage and of cost', async () => {
  await example();
  const distribution = { platform_cost: true };
  await giveModel(source, clusterMonth, { markup: { value: 10, unit: 'percent' }, distribution });
  await priceDay(source, day);
  expect(
    await source.query(
      `select cost_model_rate_type as type, sum(infrastructure_markup_cost)::float8 as markup,
           sum(infrastructure_project_markup_cost)::float8 as project, count(*)::int as rows
       from reporting_ocpusagelineitem_daily_summary
       where source_uuid = $1 and infrastructure_markup_cost is not null
       group by 1 order by 1 nulls first`,
      [source.sourceUuid],
    ),
  ).toEqual([
    { type: null, markup: 0, project: 0, rows: 10 },
    { type: 'Infrastructure', markup: 0, project: 0, rows: 6 },
    { type: 'platform_distributed', markup: 0, project: 0, rows: 4 },
  ]);
});
