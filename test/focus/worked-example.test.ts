import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { giveModel, plain } from '../costs/priced-source.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';
import { header, metadataProblems, sumOf, violations } from './checks.ts';
import { csvRows, exportTo, parquetRows, priceAndRecord, scratchDirectory } from './exported.ts';
import type { Row } from './exported.ts';

let database: TestDatabase;
let source: StagedSource;
let directory: string;
let path: string;
let rows: Row[];

beforeAll(async () => {
  database = await createTestDatabase();
  source = await createStagedSource(database, '2026-10');
  await stageExample(source);
  await source.summarise('koku', day);
  await giveModel(
    source,
    [
      plain('cpu_core_usage_per_hour', 0.1, 'Supplementary'),
      plain('memory_gb_request_per_hour', 0.02, 'Supplementary'),
      plain('storage_gb_usage_per_month', 1, 'Supplementary'),
      plain('node_cost_per_month', 310),
      plain('pvc_cost_per_month', 93),
    ],
    { distribution: { platform_cost: true, worker_cost: true } },
  );
  await priceAndRecord(source, day);
  directory = await scratchDirectory();
  path = join(directory, 'example.csv');
  await exportTo(database, path, '2026-10');
  rows = await csvRows(path);
});

/** A line as text: project, resource within the cluster, SKU, quantity, price, cost, labels. */
function shown(row: Row): string {
  const tags = Object.entries(JSON.parse(row['Tags'] ?? '{}') as Record<string, string>);
  return [
    `${row['SubAccountName'] ?? 'NULL'} (${row['x_Namespace'] ?? 'NULL'})`,
    row['ResourceId']?.replace(`${source.clusterId}/`, '') ?? 'NULL',
    row['SkuId'] ?? `${row['x_CostModelRateType'] ?? ''} ${row['ChargeCategory'] ?? ''}`,
    `${row['PricingQuantity'] ?? 'NULL'} ${row['PricingUnit'] ?? 'NULL'}`,
    row['ListUnitPrice'] ?? 'NULL',
    row['BilledCost'] ?? 'NULL',
    tags.map(([key, value]) => `${key}=${value}`).join(' ') || 'NULL',
  ].join(' | ');
}

test('the lines of the specification', () => {
  expect(rows.map(shown)).toEqual(
    expect.arrayContaining([
      // 0.1 and 0.02 Supplementary; 3 of 8 core-hours of a node of 310 for one of 31 days: 3/8/31.
      'shop (shop) | node/w1 | Supplementary/cpu_core_usage_per_hour | 2.5 Core-Hours | 0.1 | 0.25 | app=web team=blue tier=front zone=a',
      'shop (shop) | node/w1 | Supplementary/memory_gb_request_per_hour | 2.0 GiB-Hours | 0.02 | 0.04 | app=web team=blue tier=front zone=a',
      'shop (shop) | node/w1 | Infrastructure/node_cost_per_month | 0.0120967741935483871 Node-Months | 310.0 | 3.75 | app=web team=blue tier=front zone=a',
      'shop (shop) | shop/pvc/data | Supplementary/storage_gb_usage_per_month | 0.067204301075269 GiB-Months | 1.0 | 0.067204301075269 | app=db team=blue tier=nsTier zone=a',
      // 1/93: a third of 31 days.
      'shop (shop) | shop/pvc/data | Infrastructure/pvc_cost_per_month | 0.01075268817204301075 Claim-Months | 93.0 | 1.0 | app=db team=blue tier=nsTier zone=a',
      // 4/8/31.
      'NULL (Worker unallocated) | node/w1 | Infrastructure/node_cost_per_month | 0.01612903225806451613 Node-Months | 310.0 | 5.0 | NULL',
      // 0.5 + 0.52 + 5 handed on, of which shop gets 4 / 4.2 on w1.
      'NULL (Worker unallocated) | NULL | worker_distributed Adjustment | NULL NULL | NULL | -6.02 | NULL',
      'shop (shop) | NULL | worker_distributed Adjustment | NULL NULL | NULL | 5.733333333333333 | NULL',
    ]),
  );
});

test('31 lines that add up to the cost, to the last digit; by project after distribution', () => {
  expect(rows).toHaveLength(31);
  // 2.88 of CPU and memory + 20 of nodes + 0.067204301075269 and twice 0.005376344086022 of storage + 4 claims of which
  // shared has two halves: 3 a day.
  expect(sumOf(rows, 'BilledCost')).toBe('25.957956989247313');
  const of = (project: string | null) => sumOf(rows.filter((row) => row['SubAccountName'] === project));
  expect(of('shop')).toBe('25.957956989247313');
  expect(of('openshift-kube-apiserver')).toBe('0.000000000000000');
  expect(of(null)).toBe('0.000000000000000');
  const distributed = rows.filter((row) => row['x_CostLayer'] === 'distribution');
  expect(sumOf(distributed)).toBe('0.000000000000000');
});

test('the file is as the format demands', async () => {
  expect((await readFile(path, 'utf8')).split('\n', 1)[0]).toBe(header.join(','));
  expect(violations(rows)).toEqual([]);
  expect(await metadataProblems(path, rows)).toEqual([]);
});

test('Parquet has the same cells, and both have the same bytes again', async () => {
  const [first, second] = [join(directory, 'a.parquet'), join(directory, 'b.parquet')];
  await exportTo(database, first, '2026-10');
  await exportTo(database, second, '2026-10');
  expect(await parquetRows(first)).toEqual(rows);
  expect(await readFile(first)).toEqual(await readFile(second));
  const again = join(directory, 'again.csv');
  await exportTo(database, again, '2026-10');
  expect(await readFile(again)).toEqual(await readFile(path));
});

test('showback bills nothing', async () => {
  const shownBack = join(directory, 'showback.csv');
  await exportTo(database, shownBack, '2026-10', { billed: 'showback' });
  const lines = await csvRows(shownBack);
  expect(violations(lines, { billed: 'showback' })).toEqual([]);
  expect(sumOf(lines, 'BilledCost')).toBe('0.000000000000000');
  expect(sumOf(lines)).toBe('25.957956989247313');
});

test('version 1.2 lacks the columns that came with 1.3', async () => {
  const older = join(directory, 'older.csv');
  await exportTo(database, older, '2026-10', { version: '1.2' });
  const [head] = (await readFile(older, 'utf8')).split('\n', 1);
  expect(head).toBe(header.filter((name) => !/^(Service|Host)ProviderName$/.test(name)).join(','));
});
