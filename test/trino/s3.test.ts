import { beforeAll, expect, inject, test } from 'vitest';
import { catalog } from '../support/trino-server.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { startBucket } from '../servers/bucket.ts';
import type { Versitygw } from '../servers/versitygw.ts';
import { between, createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { holdLabelSet, podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';
import { choose, rebuild, startRebuild } from './customer.ts';
import { createCatalog } from './catalogs.ts';
import { startHeldReads } from './held-reads.ts';
import type { HeldReads } from './held-reads.ts';
import { expectSameRelations } from './same-relations.ts';

/* The lake is a bucket, which Trino finds by the name that the program has for it. */
const bucket = 'lake';
let s3: Versitygw;
let pipeline: TestPipeline;
let folder: ArchiveFolder;
let reads: HeldReads;

const trino = new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog });

beforeAll(async () => {
  ({ server: s3 } = await startBucket(bucket));
  process.env['AWS_MAX_ATTEMPTS'] = '2';
  reads = await startHeldReads(s3.endpoint);
  const name = await createCatalog(trino, {
    'fs.native-s3.enabled': 'true',
    's3.endpoint': reads.endpoint,
    's3.region': 'us-east-1',
    's3.path-style-access': 'true',
    's3.aws-access-key': s3.accessKey,
    's3.aws-secret-key': s3.secretKey,
    // Months are found by listing, as where this is not allowed.
    'hive.allow-register-partition-procedure': 'false',
  });
  pipeline = await createTestPipeline({
    OBJECT_STORE: `s3://${bucket}/ocp`,
    S3_ENDPOINT: s3.endpoint,
    TRINO_URL: inject('trinoUrl'),
    TRINO_CATALOG: name,
  });
  folder = await createArchiveFolder();
});

async function start(clusterId: string, payload: Payload) {
  const sourceUuid = await pipeline.addSource(clusterId);
  const archive = await folder.pack(withManifest(payload, { cluster_id: clusterId }));
  const { handle } = await pipeline.start({ payload: archive });
  return { sourceUuid, handle };
}

async function expectSame(sourceUuid: string, cleanUuid: string): Promise<void> {
  const { database } = pipeline;
  await expectSameRelations(database, sourceUuid, cleanUuid);
  expectSameTables(await snapshotTables(database, sourceUuid), await snapshotTables(database, cleanUuid));
}

test('months are found by listing where partitions may not be registered: two days, as from PostgreSQL', async () => {
  const payload = between(await readPayload('nise-small'), '2026-10-01 00:00', '2026-10-03 00:00');
  await choose(pipeline, ['engine', 'trino']);
  const fromTrino = await start('bucket', payload);
  expect(await fromTrino.handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 2 });
  const { pool, schema } = pipeline.database;
  const files = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ key: string }>('select parquet_key as key from ocp_lake_piece'),
  );
  expect(files.rows.length).toBe(12);
  for (const { key } of files.rows) expect(await pipeline.objectStore.head(key)).toBeDefined();
  await choose(pipeline, ['engine', 'postgres']);
  const clean = await start('clean', payload);
  expect(await clean.handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 2 });
  await expectSame(fromTrino.sourceUuid, clean.sourceUuid);
});

test('the object store is away while a piece is converted: tried until it is back', async () => {
  const payload = podFileAlone(await readPayload('operator-sample'), 'held');
  await choose(pipeline, ['engine', 'trino']);
  // The conversion waits for the label set until the store is gone: what it has read cannot be written.
  const held = await holdLabelSet(pipeline.database, 'held');
  const outage = await start('outage', payload);
  await waitUntil(async () => {
    const { rowCount } = await pipeline.database.pool.query(
      `select from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%ocp_label_set_ids%'`,
    );
    return rowCount === 1;
  });
  await s3.kill();
  await held.release();
  let failure = '';
  await waitUntil(async () => {
    const { raw } = await outage.handle.describe();
    failure = raw.pendingActivities?.[0]?.lastFailure?.message ?? '';
    return failure !== '';
  });
  expect(failure).toMatch(/^Object store s3:\/\/lake\/ocp at .* failed \(.*\); check S3_ENDPOINT/);
  await s3.start();
  expect(await outage.handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  await choose(pipeline, ['engine', 'postgres']);
  const clean = await start('clean-sample', payload);
  expect(await clean.handle.result()).toMatchObject({ outcome: 'completed' });
  await expectSame(outage.sourceUuid, clean.sourceUuid);
});

/** Trino's own account of a query. */
async function stateOf(queryId: string): Promise<{ state: string; errorCode?: { name: string } }> {
  const answer = await fetch(`${inject('trinoUrl')}/v1/query/${queryId}`, {
    headers: { 'X-Trino-User': 'test' },
  });
  return (await answer.json()) as { state: string; errorCode?: { name: string } };
}

test('cancelling a run cancels the query that it waits for, and changes no table', async () => {
  await choose(pipeline, ['engine', 'trino']);
  const payload = podFileAlone(await readPayload('operator-sample'), 'cancelled');
  const { sourceUuid, handle } = await start('cancelled', payload);
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  const { pool, schema } = pipeline.database;
  const before = await snapshotTables(pipeline.database, sourceUuid);
  // As after a restore of the database: the relations have to be built again.
  await pool.query(`update ${schema}.ocp_day set relations_hash = null where source_uuid = $1`, [sourceUuid]);
  const held = reads.hold();
  const run = await startRebuild(pipeline, sourceUuid);
  await waitUntil(() => Promise.resolve(held.waiting() > 0));
  const running = await trino.run(
    `select query_id from system.runtime.queries
     where source = 'ocp-pipeline.${schema}' and query like '%${sourceUuid}%' and state = 'RUNNING'`,
  );
  expect(running).toEqual([[expect.any(String)]]);
  const queryId = String(running[0]?.[0]);
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect((await run.describe()).status.name).toBe('CANCELLED');
  expect(await stateOf(queryId)).toMatchObject({ state: 'FAILED', errorCode: { name: 'USER_CANCELED' } });
  held.release();
  expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);

  // Nothing is left that would be in the way of the next run.
  await rebuild(pipeline, sourceUuid);
  expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);
});
