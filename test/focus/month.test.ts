import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { giveModel, plain, priceDay } from '../costs/priced-source.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';
import { violations } from './checks.ts';
import { csvRows, exportTo, priceAndRecord, scratchDirectory } from './exported.ts';
import type { Row } from './exported.ts';

let database: TestDatabase;
let directory: string;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = await scratchDirectory();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
  await stageExample(source);
  await source.summarise('koku', day);
  await giveModel(source, [plain('cpu_core_usage_per_hour', 0.1), plain('node_cost_per_month', 310)]);
});

async function exported(): Promise<Row[]> {
  const path = join(directory, `${source.clusterId}.csv`);
  await exportTo(database, path, '2026-10', { clusterId: source.clusterId });
  const rows = await csvRows(path);
  expect(violations(rows)).toEqual([]);
  return rows;
}

test('what each line says of itself', async () => {
  await priceAndRecord(source, day);
  const lines = (await exported()).filter((row) => row['x_Namespace'] === 'shop' && row['x_Node'] === 'w1');
  // web used 2.5 core-hours of w1, and has 3 of its 8 core-hours on one of 31 days.
  expect(lines.map((row) => `${row['ChargeFrequency'] ?? ''}: ${row['ChargeDescription'] ?? ''}`)).toEqual(
    expect.arrayContaining([
      'Usage-Based: CPU Usage: 2.5 Core-Hours at 0.1 USD (Infrastructure)',
      'Recurring: Node Share: 0.0120967741935483871 Node-Months at 310.0 USD (Infrastructure)',
    ]),
  );
  const periods = ['BillingPeriodStart', 'BillingPeriodEnd', 'ChargePeriodStart', 'ChargePeriodEnd'];
  expect(periods.map((name) => lines[0]?.[name])).toEqual(
    ['2026-10-01', '2026-11-01', '2026-10-01', '2026-10-02'].map((date) => `${date}T00:00:00Z`),
  );
});

test.each([
  ['AWS', 'AWS'],
  ['Azure-local', 'Microsoft Azure'],
  ['GCP', 'Google Cloud'],
  ['none', 'OpenShift'],
])('a cluster on %s is hosted by %s', async (infrastructure, host) => {
  await priceAndRecord(source, day);
  await source.query(
    `insert into ocp_source_month (source_uuid, billing_month, rules, infrastructure) values ($1, '2026-10-01', 'koku', $2)
     on conflict (source_uuid, billing_month) do update set infrastructure = excluded.infrastructure`,
    [source.sourceUuid, infrastructure],
  );
  expect(new Set((await exported()).map((row) => row['HostProviderName']))).toEqual(new Set([host]));
});

test('names are written as they are, whatever a spreadsheet makes of them', async () => {
  await source.query(
    `update reporting_ocpusagelineitem_daily_summary set cluster_alias = '=1+2' where source_uuid = $1`,
    [source.sourceUuid],
  );
  await priceAndRecord(source, day);
  expect(new Set((await exported()).map((row) => row['BillingAccountName']))).toEqual(new Set(['=1+2']));
});

test('a day is complete with 24 hours of usage and the costs of now', async () => {
  await priceAndRecord(source, day);
  const complete = async () => {
    await exported();
    const text = await readFile(join(directory, `${source.clusterId}.csv.meta.json`), 'utf8');
    const { Recency } = JSON.parse(text) as {
      Recency: { TimeSectors: { Start: string; Complete: boolean }[] }[];
    };
    return Recency[0]?.TimeSectors.filter(({ Complete }) => Complete).map(({ Start }) => Start);
  };
  // Two hours.
  expect(await complete()).toEqual([]);
  await source.query(
    `update ocp_piece set live_hours = (1 << 24) - 1 where source_uuid = $1 and report_kind = 'pod_usage'`,
    [source.sourceUuid],
  );
  expect(await complete()).toEqual(['2026-10-01T00:00:00Z']);
});

test('costs of another writer that are older than their price list are refused', async () => {
  await priceDay(source, day);
  // It leaves no ledger.
  await source.query('delete from ocp_day where source_uuid = $1', [source.sourceUuid]);
  const computed = (at: string) =>
    source.query(
      `update reporting_ocpusagereportperiod set derived_cost_datetime = ${at} where provider_id = $1`,
      [source.sourceUuid],
    );
  await computed(`now() + interval '1 hour'`);
  expect((await exported()).length).toBeGreaterThan(0);
  await computed(`now() - interval '1 hour'`);
  await expect(exported()).rejects.toMatchObject({
    type: 'CostsStale',
    message: expect.stringContaining('by another writer') as string,
  });
});
