import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeAll, expect, test } from 'vitest';
import { compareEngines } from '../../activities/compare-engines.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { listComparisons } from '../../engines/comparison.ts';
import { clock } from '../../platform/config/config.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { choose, measuredTables, october, rebuild } from './customer.ts';
import { falsifyPods } from './falsify.ts';
import { trinoEnvironment } from './lake.ts';

/*
 * A customer whose months one engine computes while the other one computes them, too, and is compared. The tables are
 * those of the first, whatever the second does.
 */
const days = ['2026-10-01', '2026-10-02', '2026-10-03'].map(usageDay);
let pipeline: TestPipeline;
let sourceUuid: string;

beforeAll(async () => {
  pipeline = await createTestPipeline({ ...(await trinoEnvironment()), OCP_RULES: 'koku' });
  sourceUuid = await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await setTagKeys(pipeline.database.pool, pipeline.database.schema, await goldenEnabledKeys('small'), true);
});

/** What `status` shows of the one source and month. */
async function comparison() {
  const [month, ...more] = await listComparisons(pipeline.database.pool, pipeline.database.schema, 10);
  expect(more).toEqual([]);
  return month;
}

async function one<Row extends object>(text: string): Promise<Row> {
  const { rows } = await inTenantTransaction(pipeline.database.pool, pipeline.database.schema, (client) =>
    client.query<Row>(text),
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`no row: ${text}`);
  return row;
}

const nothingWaits = `select count(*) as waiting from ocp_pod_day_waiting`;

test('with equal data there is no difference, and both engines have every piece', async () => {
  await choose(pipeline, ['shadow', 'trino']);
  expect(await pipeline.ingest(payloadPath('nise-small'))).toMatchObject({
    outcome: 'completed',
    daysSummarised: 3,
  });
  expect(await comparison()).toMatchObject({
    shadow: 'trino',
    month: '2026-10',
    equalDayCount: 3,
    differentDayCount: 0,
    failedDayCount: 0,
  });
  // Six kinds of three days.
  expect(
    await one(`select count(*) filter (where state = 'staged') as staged, count(lake.piece_id) as "inLake"
               from ocp_piece left join ocp_lake_piece as lake using (piece_id)`),
  ).toEqual({ staged: 18, inLake: 18 });
  expect(await one(`select engine from ocp_source_month`)).toEqual({ engine: 'postgres' });
  expect(await one(nothingWaits)).toEqual({ waiting: 0 });
  for (const table of measuredTables) await expectGolden(pipeline.database, 'small', table);
});

test('a row that differs is reported with its key, and stays as it is', async () => {
  const { pool, schema, url } = pipeline.database;
  // A billionth more is rounding, a millionth more is not.
  const changed = await one<{ pod: string; namespace: string }>(
    `with two as (
         select ctid, row_number() over (order by namespace, pod, node, label_set_id) as number
         from ocp_pod_day where usage_day = '2026-10-02' and usage_cpu > 0
         limit 2
     ),
     changed as (
         update ocp_pod_day as day
         set usage_cpu = usage_cpu * case number when 1 then 1 + 1e-6 else 1 + 1e-12 end
         from two
         where day.ctid = two.ctid and day.usage_day = '2026-10-02'
         returning namespace, pod, number
     )
     select namespace, pod from changed where number = 1`,
  );
  const before = await snapshotTables(pipeline.database, sourceUuid);
  const { objectStore, config } = pipeline;
  const deps = { pool, databaseUrl: url, objectStore, config, now: clock(config) };
  const result = await new MockActivityEnvironment().run(() =>
    compareEngines(deps, { schema, sourceUuid, month: october, days }),
  );
  expect(result).toEqual({ outcome: 'different', dayCount: 3, differentRowCount: 1 });
  const found = await comparison();
  expect(found).toMatchObject({
    equalDayCount: 2,
    differentDayCount: 1,
    differentRowCount: 1,
    differentDay: '2026-10-02',
    differences: [{ relation: 'ocp_pod_day', rowCount: 1 }],
  });
  expect(found?.differences?.[0]?.firstKeys[0]).toMatchObject({
    namespace: changed.namespace,
    pod: expect.any(String) as string,
  });
  expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);
});

test('a changed file of the lake is reported by the next rebuild, and the tables do not have it', async () => {
  await falsifyPods(pipeline, sourceUuid, '2026-10-03');
  await rebuild(pipeline, sourceUuid);
  const found = await comparison();
  expect(found).toMatchObject({ equalDayCount: 2, differentDayCount: 1, differentDay: '2026-10-03' });
  const pods = await one<{ count: number }>(
    `select count(*) from ocp_pod_day where usage_day = '2026-10-03' and usage_cpu > 0`,
  );
  // Only the pods' CPU usage was changed: of the relations one, with every pod that used any.
  expect(found?.differences).toMatchObject([{ relation: 'ocp_pod_day', rowCount: pods.count }]);
  expect(found?.differences?.[0]?.firstKeys).toHaveLength(3);
  for (const table of measuredTables) await expectGolden(pipeline.database, 'small', table);
});

test('a shadow that is down is recorded, and the run succeeds', async () => {
  // Nobody listens on this port.
  await pipeline.restartWorkers({ TRINO_URL: 'http://127.0.0.1:9' });
  await rebuild(pipeline, sourceUuid);
  const found = await comparison();
  expect(found).toMatchObject({ equalDayCount: 0, differentDayCount: 0, failedDayCount: 3 });
  expect(found?.problem).toContain('cannot be reached');
  for (const table of measuredTables) await expectGolden(pipeline.database, 'small', table);
  await pipeline.restartWorkers({});
});

test('the other way round: Trino writes, PostgreSQL is compared and leaves no trace', async () => {
  for await (const { key } of pipeline.objectStore.list('data/parquet/'))
    if (key.includes('/pod_usage/')) await pipeline.objectStore.delete(key);
  await choose(pipeline, ['engine', 'trino'], ['shadow', 'postgres']);
  await rebuild(pipeline, sourceUuid);
  expect(await one(`select engine from ocp_source_month`)).toEqual({ engine: 'trino' });
  expect(await comparison()).toMatchObject({ shadow: 'postgres', equalDayCount: 3, failedDayCount: 0 });
  expect(await one(nothingWaits)).toEqual({ waiting: 0 });
  for (const table of measuredTables) await expectGolden(pipeline.database, 'small', table);
  // What PostgreSQL is compared with is not its own: a change by hand is seen, and kept.
  await one(
    `update ocp_capacity_day set hour_count = hour_count + 1 where usage_day = '2026-10-01' returning node`,
  );
  const { pool, schema, url } = pipeline.database;
  const { objectStore, config } = pipeline;
  const deps = { pool, databaseUrl: url, objectStore, config, now: clock(config) };
  const kept = await one(`select sum(hour_count) as hours from ocp_capacity_day`);
  const result = await new MockActivityEnvironment().run(() =>
    compareEngines(deps, { schema, sourceUuid, month: october, days }),
  );
  expect(result).toMatchObject({ outcome: 'different', dayCount: 3 });
  expect(await one(`select sum(hour_count) as hours from ocp_capacity_day`)).toEqual(kept);
});

test('an engine is not its own shadow', async () => {
  await expect(choose(pipeline, ['shadow', 'trino'])).rejects.toThrow('expected the other engine');
  await choose(pipeline, ['shadow', ''], ['engine', '']);
  await rebuild(pipeline, sourceUuid);
  // Nothing was compared: what was found last stays.
  expect(await comparison()).toMatchObject({ shadow: 'postgres', differentDayCount: 1 });
});
