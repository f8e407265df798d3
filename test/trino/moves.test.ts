import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import type { resummarize } from '../../workflows/index.ts';
import { between, createArchiveFolder, readPayload } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { trinoEnvironment } from './lake.ts';

/*
 * A customer of PostgreSQL moves to Trino in mid-month and back. A month stays where it is until it is rebuilt as a whole.
 */
const october = billingMonth('2026-10');
const measured = [
  'reporting_ocpusagelineitem_daily_summary',
  'reporting_ocp_pod_summary_p',
  'reporting_ocp_volume_summary_p',
  'reporting_ocp_gpu_summary_p',
  'reporting_ocp_vm_summary_p',
];
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

async function choose(engine: string): Promise<void> {
  await setTenantSettings(pipeline.database.pool, pipeline.database.orgId, [['engine', engine]]);
}

async function rebuild(): Promise<void> {
  const { orgId, schema } = pipeline.database;
  await pipeline.client.workflow.execute<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month: october }],
  });
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
  await choose('trino');
  await send('02', '03');
  expect(await where()).toEqual({ engine: 'postgres', staged: 2, inLake: 0 });
});

test('rebuilding it moves it: all days are in the lake, and the tables are those of one engine', async () => {
  await rebuild();
  expect(await where()).toEqual({ engine: 'trino', staged: 2, inLake: 2 });
  await send('03', '04');
  expect(await where()).toEqual({ engine: 'trino', staged: 2, inLake: 3 });
  for (const table of measured) await expectGolden(pipeline.database, 'small', table);
});

test('it moves back', async () => {
  await choose('postgres');
  await rebuild();
  expect(await where()).toEqual({ engine: 'postgres', staged: 3, inLake: 3 });
  for (const table of measured) await expectGolden(pipeline.database, 'small', table);
});

test('a lost Parquet file never looks like low usage: the piece is converted again', async () => {
  const { objectStore } = pipeline;
  const lost: string[] = [];
  for await (const { key } of objectStore.list('data/parquet/'))
    if (key.includes('/pod_usage/')) lost.push(key);
  expect(lost.length).toBe(3);
  for (const key of lost) await objectStore.delete(key);
  // The month moves once more, so that its relations are built from what the ledger says is in the lake.
  await choose('trino');
  await rebuild();
  expect(await where()).toEqual({ engine: 'trino', staged: 3, inLake: 3 });
  for (const key of lost) expect(await objectStore.head(key)).toBeDefined();
  for (const table of measured) await expectGolden(pipeline.database, 'small', table);
});
