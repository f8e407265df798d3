import { access, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ExportRequest } from '../../focus/export-month.ts';
import { byLabel, giveModel, plain } from '../costs/priced-source.ts';
import { stageGpus } from '../costs/staged-gpus.ts';
import { podHours } from '../summary/vm-fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';
import { metadataProblems, sumOf, violations } from './checks.ts';
import { csvRows, exportTo, priceAndRecord, scratchDirectory } from './exported.ts';
import type { Row } from './exported.ts';

/* October has 31 days; every example has one of them, with two hours. Each has a cluster of its own. */
let database: TestDatabase;
let source: StagedSource;
let directory: string;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = await scratchDirectory();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
});

/** Lines of the cluster, checked; `repeats` as violations() has it. */
async function lines(changes: Partial<ExportRequest> = {}, repeats = false): Promise<Row[]> {
  const path = join(directory, `${source.clusterId}.csv`);
  await exportTo(database, path, '2026-10', { clusterId: source.clusterId, ...changes });
  const rows = await csvRows(path);
  expect(violations(rows, { repeats })).toEqual([]);
  expect(await metadataProblems(path, rows)).toEqual([]);
  return rows;
}

async function priced(rates: object[], options: Parameters<typeof giveModel>[2] = {}): Promise<void> {
  await source.summarise('koku', day);
  await giveModel(source, rates, options);
  await priceAndRecord(source, day);
}

/** `namespace resource SKU price-key quantity unit · price = cost`, sorted. */
function shown(rows: readonly Row[]): string[] {
  return rows
    .map((row) =>
      [
        row['x_Namespace'],
        row['ResourceId']?.replace(`${source.clusterId}/`, '') ?? '-',
        row['SkuId'] ?? row['x_CostLayer'],
        row['SkuPriceId']?.replace(/^.*?(=|$)/, '$1'),
        row['PricingQuantity'] === null
          ? ''
          : `${row['PricingQuantity'] ?? ''} ${row['PricingUnit'] ?? ''} · ${row['ListUnitPrice'] ?? ''} =`,
        row['BilledCost'],
      ]
        .filter((part) => part !== '' && part !== undefined)
        .join(' '),
    )
    .sort();
}

describe('rates', () => {
  test('by the value of a label, two metrics of one key, and a default', async () => {
    await stageExample(source);
    await priced([
      byLabel('cpu_core_usage_per_hour', 'app', { web: 1, 'other*': 2 }),
      byLabel('cpu_core_request_per_hour', 'app', { web: 3 }),
    ]);
    // web on w1: 2.5 used, 2 requested; on m1 0.2 and 0. db is not listed: the default, 0.5 · 2.
    expect(shown(await lines())).toEqual([
      'shop node/m1 Infrastructure/cpu_core_usage_per_hour/tag/app =web 0.2 Core-Hours · 1.0 = 0.2',
      'shop node/w1 Infrastructure/cpu_core_request_per_hour/tag/app =web 2.0 Core-Hours · 3.0 = 6.0',
      'shop node/w1 Infrastructure/cpu_core_usage_per_hour/tag/app =* 0.5 Core-Hours · 2.0 = 1.0',
      'shop node/w1 Infrastructure/cpu_core_usage_per_hour/tag/app =web 2.5 Core-Hours · 1.0 = 2.5',
    ]);
  });

  test('nodes by a label: what the label does not use is of the pool', async () => {
    await stageExample(source);
    await priced([byLabel('node_cost_per_month', 'app', { web: 310 })]);
    // 310 / 31 = 10 a day. w1: 3 of 8 for web, 5 of 8 for nobody; m1: 0.2 and 7.8 of 8. db has no price: 0.
    const rows = await lines({}, true);
    expect(
      rows.map((row) => `${row['x_Namespace'] ?? ''} ${row['BilledCost'] ?? ''} ${row['Tags'] ?? ''}`),
    ).toEqual([
      'Platform unallocated 9.75 {"app":"web"}',
      'Worker unallocated 6.25 {"app":"web"}',
      'shop 0.25 {"app":"web"}',
      'shop 3.75 {"app":"web"}',
    ]);
    expect(rows[0]?.['SubAccountId']).toBeNull();
  });

  test('several rates of one metric are one price, their sum', async () => {
    await stageExample(source);
    await priced([plain('cpu_core_usage_per_hour', 0.1), plain('cpu_core_usage_per_hour', 0.15)]);
    const web = (await lines()).filter((row) => row['BilledCost'] === '0.625');
    // 2.5 · 0.25.
    expect(shown(web)).toEqual([
      'shop node/w1 Infrastructure/cpu_core_usage_per_hour 2.5 Core-Hours · 0.25 = 0.625',
    ]);
  });

  test('the last digit of a row with several prices is on its greatest line', async () => {
    await stageExample(source);
    await priced([
      plain('cpu_core_usage_per_hour', 0.000000000000003),
      plain('cpu_core_effective_usage_per_hour', 1.000000000000003),
    ]);
    // 5.8 · 3e-15 is 17.4e-15, twice: 34.8e-15, stored as 35e-15, of which one line has 17e-15.
    const own = (await lines()).filter((row) => row['x_Namespace'] === 'Platform unallocated');
    const sku = 'Platform unallocated node/m1 Infrastructure';
    expect(shown(own)).toEqual([
      `${sku}/cpu_core_effective_usage_per_hour 5.8 Core-Hours · 1.000000000000003 = 5.800000000000018`,
      `${sku}/cpu_core_usage_per_hour 5.8 Core-Hours · 0.000000000000003 = 0.000000000000017`,
    ]);
  });

  test('machines by the hour and month, with their names', async () => {
    await source.stage('pod_usage', day, podHours({ vm_kubevirt_io_name: 'db' }));
    await priced([plain('vm_cost_per_hour', 0.1), plain('vm_cost_per_month', 31)]);
    expect(shown(await lines())).toEqual([
      'shop shop/vm/db Infrastructure/vm_cost_per_hour 2.0 VM-Hours · 0.1 = 0.2',
      // 1/31 of a month.
      'shop shop/vm/db Infrastructure/vm_cost_per_month 0.03225806451612903226 VM-Months · 31.0 = 1.0',
    ]);
  });

  test('projects by a label, and clusters', async () => {
    await stageExample(source);
    await priced([
      byLabel('project_per_month', 'team', { blue: 62 }),
      plain('cluster_cost_per_month', 31, 'Supplementary'),
    ]);
    const rows = shown(await lines());
    expect(rows.filter((row) => row.includes('project'))).toEqual([
      // 62 / 31 = 2 a day over the two nodes of shop: 1/62 of a month each.
      'shop project/shop Infrastructure/project_per_month/tag/team =blue 0.01612903225806451613 Project-Months · 62.0 = 1.0',
      'shop project/shop Infrastructure/project_per_month/tag/team =blue 0.01612903225806451613 Project-Months · 62.0 = 1.0',
    ]);
    // 3 of 16 core-hours of the cluster / 31.
    expect(rows.filter((row) => row.startsWith('shop ') && row.includes('cluster_cost'))).toContain(
      `shop ${source.clusterId} Supplementary/cluster_cost_per_month 0.00604838709677419355 Cluster-Months · 31.0 = 0.1875`,
    );
  });

  test('GPUs that are held, and those that nobody holds', async () => {
    await stageGpus(source, day);
    await priced([byLabel('gpu_cost_per_month', 'nvidia', { 'Tesla T4': 744, 'other*': 1488 })]);
    const rows = await lines();
    // 744 / 31 / 24 = 1 an hour: ml 2, lab 1, free on g1 1 and on g3 2. An A100 is 2 an hour: 2 hours · 3/7,
    // which the cost step takes from binary floating point with 15 digits (0.428571428571429); free 8/7.
    expect(
      rows
        .map((row) =>
          [row['x_Namespace'], row['ResourceName'], row['SkuPriceId']?.split('=')[1], row['BilledCost']].join(
            ' ',
          ),
        )
        .sort(),
    ).toEqual([
      'GPU unallocated g1 Tesla T4 1.0',
      'GPU unallocated g2 * 2.285714285714286',
      'GPU unallocated g3 Tesla T4 2.0',
      'lab Tesla T4 Tesla T4 1.0',
      'ml A100 * 1.714285714285716',
      'ml Tesla T4 Tesla T4 2.0',
    ]);
    const held = rows.find((row) => row['x_Namespace'] === 'lab');
    expect(held?.['ResourceId']).toBe(`${source.clusterId}/gpu/GPU-2`);
    expect(Object.keys(JSON.parse(held?.['Tags'] ?? '{}') as object)).toContain('openshift/gpu-model');
  });

  test('a pool that is negative keeps its sign, in cost and quantity', async () => {
    await stageExample(source);
    await source.summarise('koku', day);
    await source.query(
      `update reporting_ocpusagelineitem_daily_summary
       set pod_usage_cpu_core_hours = -1
       where source_uuid = $1 and namespace = 'Worker unallocated'`,
      [source.sourceUuid],
    );
    await giveModel(source, [plain('cpu_core_usage_per_hour', 0.1)]);
    await priceAndRecord(source, day);
    expect(shown(await lines())).toContain(
      'Worker unallocated node/w1 Infrastructure/cpu_core_usage_per_hour -1.0 Core-Hours · 0.1 = -0.1',
    );
  });

  test('labels with quotes, commas, line ends and other alphabets', async () => {
    const text = 'a "b", c\r\nd;=1+2 日本';
    await source.enableKeys('app');
    await source.stage('pod_usage', day, podHours({ app: text }));
    await priced([plain('cpu_core_request_per_hour', 1)]);
    const own = (await lines()).filter((row) => row['Tags'] !== null);
    expect(own.map((row) => JSON.parse(row['Tags'] ?? '') as unknown)).toEqual([{ app: text }]);
  });
});

describe('cloud cost', () => {
  /** 10 EUR of raw cost on the first pod row of the day. */
  async function withRawCost(): Promise<void> {
    await source.query(
      `update reporting_ocpusagelineitem_daily_summary
       set infrastructure_raw_cost = 10, infrastructure_project_raw_cost = 10, raw_currency = 'EUR'
       where uuid = (
           select uuid from reporting_ocpusagelineitem_daily_summary
           where source_uuid = $1 and namespace = 'shop' and node = 'w1' and data_source = 'Pod'
           order by pod_usage_cpu_core_hours desc
           limit 1
       )`,
      [source.sourceUuid],
    );
  }

  test('in its currency, beside a model in another; markup is a line of its own', async () => {
    await stageExample(source);
    await source.summarise('koku', day);
    await withRawCost();
    await giveModel(source, [plain('cpu_core_usage_per_hour', 0.1)], {
      markup: { value: 10, unit: 'percent' },
    });
    await priceAndRecord(source, day);
    const rows = await lines();
    const of = (layer: string) => rows.filter((row) => row['x_CostLayer'] === layer);
    expect(of('cloud').map((row) => [row['BilledCost'], row['BillingCurrency'], row['SkuPriceId']])).toEqual([
      ['10.0', 'EUR', 'cloud/pass-through/EUR'],
    ]);
    expect(
      of('markup').map((row) => [row['BilledCost'], row['BillingCurrency'], row['ChargeDescription']]),
    ).toEqual([['1.0', 'EUR', 'Markup 10 %']]);
    expect(new Set(of('rate').map((row) => row['BillingCurrency']))).toEqual(new Set(['USD']));
    // Where the cloud sends a file of its own.
    const own = await lines({ layers: ['rate', 'distribution'] });
    expect(own).toEqual(of('rate'));
  });

  test('a cluster without a cost model has no other lines', async () => {
    await stageExample(source);
    await source.summarise('koku', day);
    await priceAndRecord(source, day);
    expect(await lines()).toEqual([]);
    await withRawCost();
    expect((await lines()).map((row) => row['x_CostLayer'])).toEqual(['cloud']);
  });
});

describe('what is refused', () => {
  const exists = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    );

  test('costs of other prices than those of now: nothing is written', async () => {
    await stageExample(source);
    await priced([plain('cpu_core_usage_per_hour', 0.1)]);
    await giveModel(source, [plain('cpu_core_usage_per_hour', 0.2)]);
    const path = join(directory, `${source.clusterId}.csv`);
    await expect(lines()).rejects.toMatchObject({
      type: 'CostsStale',
      message: expect.stringContaining(
        `resummarize --org ${database.orgId} --cluster ${source.clusterId}`,
      ) as string,
    });
    expect(await exists(path)).toBe(false);
    expect((await readdir(directory)).filter((name) => name.endsWith('.part'))).toEqual([]);
    // The stored 0.3 and the 0.6 of now, and what is between them, for web and db on w1 alone.
    const rows = await lines({ allowResidue: true });
    const shop = rows.filter((row) => row['x_Namespace'] === 'shop' && row['x_Node'] === 'w1');
    expect(shop.map((row) => `${row['x_CostLayer'] ?? ''} ${row['BilledCost'] ?? ''}`).sort()).toEqual([
      'rate 0.1',
      'rate 0.5',
      'residue -0.05',
      'residue -0.25',
    ]);
  });

  test('amounts that no price explains', async () => {
    await stageExample(source);
    await priced([plain('cpu_core_usage_per_hour', 0.1)]);
    await source.query(
      `update reporting_ocpusagelineitem_daily_summary
       set cost_model_cpu_cost = cost_model_cpu_cost + 1
       where source_uuid = $1 and cost_model_rate_type is not null and namespace = 'Worker unallocated'`,
      [source.sourceUuid],
    );
    await expect(lines()).rejects.toMatchObject({
      type: 'CostsStale',
      message: expect.stringContaining(`${source.clusterId}: 1.0 USD`) as string,
    });
  });

  test('shared costs that do not add up to 0', async () => {
    await stageExample(source);
    await priced([plain('node_cost_per_month', 310)], { distribution: { worker_cost: true } });
    expect(sumOf((await lines()).filter((row) => row['x_CostLayer'] === 'distribution'))).toBe(
      '0.000000000000000',
    );
    await source.query(
      `update reporting_ocpusagelineitem_daily_summary set distributed_cost = distributed_cost + 0.001
       where source_uuid = $1 and distributed_cost > 0`,
      [source.sourceUuid],
    );
    await expect(lines()).rejects.toMatchObject({ type: 'CostNotConserved' });
  });

  test('a month that is not complete, if asked for', async () => {
    await stageExample(source);
    await priced([plain('cpu_core_usage_per_hour', 0.1)]);
    await expect(lines({ closedOnly: true })).rejects.toMatchObject({
      type: 'MonthIncomplete',
      message: expect.stringContaining('31 of 31 days are incomplete') as string,
    });
    await lines();
    const metadata = JSON.parse(
      await readFile(join(directory, `${source.clusterId}.csv.meta.json`), 'utf8'),
    ) as { Recency: { TimeSectors: { Start: string; Complete: boolean }[] }[] };
    expect(metadata.Recency[0]?.TimeSectors).toHaveLength(31);
    expect(metadata.Recency[0]?.TimeSectors[0]).toMatchObject({
      Start: '2026-10-01T00:00:00Z',
      // Two hours.
      Complete: false,
    });
  });
});

test('the files of the clusters are the file of the organisation', async () => {
  const alone = await createTestDatabase();
  const sources = [await createStagedSource(alone, '2026-10'), await createStagedSource(alone, '2026-10')];
  const files: Row[][] = [];
  for (const own of sources) {
    source = own;
    await stageExample(own);
    await priced([plain('cpu_core_usage_per_hour', 0.1)]);
  }
  for (const { clusterId } of sources) {
    const path = join(directory, 'part.csv');
    await exportTo(alone, path, '2026-10', { clusterId });
    files.push(await csvRows(path));
  }
  const path = join(directory, 'whole.csv');
  await exportTo(alone, path, '2026-10');
  const whole = await csvRows(path);
  const sorted = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).sort();
  expect(violations(whole)).toEqual([]);
  expect(sorted(whole)).toEqual(sorted(files.flat()));
});
