import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { between, createArchiveFolder, readPayload } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { choose, measuredTables, rebuild } from './customer.ts';
import { trinoEnvironment } from './lake.ts';

/*
 * A customer of PostgreSQL moves to Trino in mid-month and back. A month stays where it is until it is rebuilt as a
 * whole.
 */
let pipeline: TestPipeline;
let folder: ArchiveFolder;
let threeDays: Payload;
let sourceUuid: string;

beforeAll(async () => {
  pipeline = await createTestPipeline({ ...(await trinoEnvironment()), OCP_RULES: 'koku' });
  folder = await createArchiveFolder();
  threeDays = await readPayload('nise-small');
  sourceUuid = await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await setTagKeys(pipeline.database.pool, pipeline.database.schema, await goldenEnabledKeys('small'), true);
});

async function send(from: string, until: string): Promise<void> {
  const archive = await folder.pack(between(threeDays, `2026-10-${from} 00:00`, `2026-10-${until} 00:00`));
  expect(await pipeline.ingest(archive)).toMatchObject({ outcome: 'completed' });
}

/** Where the month is, and how many days of pods each store has. */
async function where(): Promise<object> {
  const { pool, schema } = pipeline.database;
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<object>(
      `select
           (select engine from ocp_source_month) as engine,
           (select count(distinct interval_start::date) from reporting_ocpusagelineitem_pod_staging) as staged,
           (select count(*) from ocp_lake_piece join ocp_piece using (piece_id) where report_kind = 'pod_usage') as "inLake"`,
    ),
  );
  return rows[0] ?? {};
}

test('a month that PostgreSQL has begun goes on there', async () => {
  await send('01', '02');
  await choose(pipeline, ['engine', 'trino']);
  await send('02', '03');
  expect(await where()).toEqual({ engine: 'postgres', staged: 2, inLake: 0 });
});

test('rebuilding it moves it: all days are in the lake, and the tables are those of one engine', async () => {
  await rebuild(pipeline, sourceUuid);
  expect(await where()).toEqual({ engine: 'trino', staged: 2, inLake: 2 });
  await send('03', '04');
  expect(await where()).toEqual({ engine: 'trino', staged: 2, inLake: 3 });
  for (const table of measuredTables) await expectGolden(pipeline.database, 'small', table);
});

test('it moves back', async () => {
  await choose(pipeline, ['engine', 'postgres']);
  await rebuild(pipeline, sourceUuid);
  expect(await where()).toEqual({ engine: 'postgres', staged: 3, inLake: 3 });
  for (const table of measuredTables) await expectGolden(pipeline.database, 'small', table);
});

test('a lost Parquet file never looks like low usage: the piece is converted again', async () => {
  const { objectStore } = pipeline;
  const lost: string[] = [];
  for await (const { key } of objectStore.list('data/parquet/'))
    if (key.includes('/pod_usage/')) lost.push(key);
  expect(lost.length).toBe(3);
  for (const key of lost) await objectStore.delete(key);
  // The month moves once more, so that its relations are built from what the ledger says is in the lake.
  await choose(pipeline, ['engine', 'trino']);
  await rebuild(pipeline, sourceUuid);
  expect(await where()).toEqual({ engine: 'trino', staged: 3, inLake: 3 });
  for (const key of lost) expect(await objectStore.head(key)).toBeDefined();
  for (const table of measuredTables) await expectGolden(pipeline.database, 'small', table);
});
