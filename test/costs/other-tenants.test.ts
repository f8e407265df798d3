import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import type { MonthInput } from '../../summary/month-step.ts';
import { applyCostModel } from '../../activities/apply-cost-model.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { removeModel } from '../../costs/assignments.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { testNow } from '../support/pipeline.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';
import { byLabel, costLines, plain } from './priced-source.ts';

/* Two organisations of one database with the same usage, and cost models of the same name. */
let ours: StagedSource;
let theirs: StagedSource;

/** Apply the model of the one name that both organisations have. */
async function apply({ database, sourceUuid, clusterId }: StagedSource, price: number, currency: string) {
  const document = {
    name: 'prices',
    source_type: 'OCP',
    currency,
    markup: { value: 10 },
    rates: [
      plain('cpu_core_usage_per_hour', price),
      plain('cluster_cost_per_month', 310 * price, 'Supplementary'),
      byLabel('memory_gb_usage_per_hour', 'app', { web: price }),
    ],
  };
  return applyModel(database.pool, database.schema, readCostModel(JSON.stringify(document), 'json', 'test'), {
    source: 'test',
    sources: [{ sourceUuid, clusterId }],
    move: false,
  });
}

/** Compute the costs that are behind, and the report tables with them. */
async function recalculate({ database, sourceUuid }: StagedSource): Promise<unknown> {
  const config = loadConfig({ OCP_NOW: testNow, OCP_RULES: 'koku' });
  const objectStore = openObjectStore({ url: 'file:///nothing-is-read', s3: { endpoint: undefined } });
  const deps = { pool: database.pool, databaseUrl: database.url, objectStore, config, now: clock(config) };
  const input = { schema: database.schema, sourceUuid, month: billingMonth('2026-10') };
  const silent = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
  return silent.run((given: MonthInput) => applyCostModel(deps, given), input);
}

/** A source of an organisation with the worked example, whose costs are computed. */
async function pricedIn(database: TestDatabase, currency: string): Promise<StagedSource> {
  const source = await createStagedSource(database, '2026-10');
  await stageExample(source);
  await setTagKeys(database.pool, database.schema, ['app'], true);
  await source.summarise('koku', day);
  await apply(source, 1, currency);
  expect(await recalculate(source)).toMatchObject({ outcome: 'done', dayCount: 1 });
  return source;
}

beforeAll(async () => {
  const database = await createTestDatabase();
  ours = await pricedIn(database, 'USD');
  theirs = await pricedIn({ ...database, orgId: 'other', schema: 'orgother' }, 'EUR');
});

/** Every row of every table of the organisation, with its place and the transaction that wrote it. */
async function everyRow({ database: { pool, schema } }: StagedSource): Promise<Record<string, string[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relnamespace = $1::regnamespace and relkind = 'r' order by 1`,
    [schema],
  );
  const found: Record<string, string[]> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: string }>(
      `select concat_ws(' ', kept.ctid, kept.xmin, kept.xmax, kept::text) as row from ${name} as kept order by kept.ctid`,
    );
    if (rows.length > 0) found[name] = rows.map(({ row }) => row);
  }
  return found;
}

test('what one organisation does with its model touches no row of another', async () => {
  const before = await everyRow(theirs);
  const tables = Object.keys(before);
  for (const name of [
    'cost_model',
    'price_list',
    'cost_model_rate',
    'reporting_ocp_cost_summary_by_project_p',
  ])
    expect(tables).toContainEqual(expect.stringContaining(`orgother.${name}`));

  expect(await apply(ours, 2, 'GBP')).toMatchObject({ outcome: 'changed' });
  expect(await everyRow(theirs), 'applied').toEqual(before);
  expect(await recalculate(ours)).toMatchObject({ dayCount: 1 });
  // api used 2 core-hours: 2 · 2.
  expect(await costLines(ours, `namespace = 'openshift-kube-apiserver'`)).toContain(
    'openshift-kube-apiserver m1 usage {zone=b} c=4 m=0 v=0',
  );
  expect(await everyRow(theirs), 'recalculated').toEqual(before);
  expect(await removeModel(ours.database.pool, ours.database.schema, 'prices')).toBe(1);
  expect(await recalculate(ours)).toMatchObject({ dayCount: 1, costRowCount: 0 });
  expect(await costLines(ours)).toEqual([]);
  expect(await everyRow(theirs), 'removed').toEqual(before);
  // Nor are its days behind.
  expect(await recalculate(theirs)).toMatchObject({ dayCount: 0 });
});
