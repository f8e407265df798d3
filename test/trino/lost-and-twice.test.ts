import { beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { between, createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { atEnd } from '../support/at-end.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';
import { untilBlocked } from '../workflows/operator/temporal-ui.ts';
import { choose, rebuild, startRebuild } from './customer.ts';
import { falsifyPods } from './falsify.ts';
import { trinoEnvironment } from './lake.ts';
import { expectSameRelations } from './same-relations.ts';

/*
 * One day of a cluster, computed by PostgreSQL: what every other cluster must have after something went wrong with
 * Trino.
 */
let pipeline: TestPipeline;
let folder: ArchiveFolder;
let day: Payload;
let clean: string;

beforeAll(async () => {
  pipeline = await createTestPipeline(await trinoEnvironment());
  folder = await createArchiveFolder();
  day = between(await readPayload('nise-small'), '2026-10-01 00:00', '2026-10-02 00:00');
  clean = await ingest('clean');
});

async function ingest(clusterId: string, payload = day): Promise<string> {
  const sourceUuid = await pipeline.addSource(clusterId);
  const archive = await folder.pack(withManifest(payload, { cluster_id: clusterId }));
  expect(await pipeline.ingest(archive)).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  return sourceUuid;
}

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

async function expectClean(sourceUuid: string): Promise<void> {
  const { database } = pipeline;
  await expectSameRelations(database, sourceUuid, clean);
  expectSameTables(await snapshotTables(database, sourceUuid), await snapshotTables(database, clean));
}

/** As after a restore of the database: the relations have to be built again. */
async function forgetRelations(sourceUuid: string): Promise<void> {
  await query('update ocp_day set relations_hash = null where source_uuid = $1', [sourceUuid]);
}

test('two workers with one plan: both query at the same time, and the rows count once', async () => {
  const sourceUuid = await ingest('twice');
  await choose(pipeline, ['engine', 'trino']);
  // Whoever copies rows of pods waits until the test lets go.
  const keeper = new pg.Client({ connectionString: pipeline.database.url });
  await keeper.connect();
  atEnd(() => keeper.end());
  await query(
    `create function wait_for_test() returns trigger language plpgsql as $body$
     begin
         perform pg_advisory_xact_lock_shared(4711);
         return new;
     end
     $body$`,
  );
  await query(
    'create trigger gate before insert on ocp_pod_day_waiting for each row execute function wait_for_test()',
  );
  await keeper.query('select pg_advisory_lock(4711)');
  const runs = [await startRebuild(pipeline, sourceUuid), await startRebuild(pipeline, sourceUuid)];
  await waitUntil(async () => {
    const { rows } = await keeper.query<{ count: number }>(
      `select count(*)::integer as count from pg_locks
       where locktype = 'advisory' and objid = 4711 and not granted
           and database = (select oid from pg_database where datname = current_database())`,
    );
    return rows[0]?.count === 2;
  });
  await keeper.query('select pg_advisory_unlock(4711)');
  for (const run of runs) await run.result();
  await query('drop trigger gate on ocp_pod_day_waiting');
  await expectClean(sourceUuid);
  expect(await query('select engine from ocp_source_month where source_uuid = $1', [sourceUuid])).toEqual([
    { engine: 'trino' },
  ]);
});

test('a Parquet file and its daily CSV are lost: the day waits for a decision and keeps its rows', async () => {
  await choose(pipeline, ['engine', 'trino']);
  const sourceUuid = await ingest('lost');
  await expectClean(sourceUuid);
  const before = await snapshotTables(pipeline.database, sourceUuid);
  const [piece] = await query<{ object_key: string; parquet_key: string }>(
    `select object_key, parquet_key from ocp_piece join ocp_lake_piece using (piece_id)
     where source_uuid = $1 and report_kind = 'pod_usage'`,
    [sourceUuid],
  );
  const { object_key: csvKey, parquet_key: parquetKey } = piece ?? { object_key: '', parquet_key: '' };
  const { objectStore } = pipeline;
  const csv = await (await objectStore.get(csvKey)).toArray();
  for (const key of [csvKey, parquetKey]) await objectStore.delete(key);
  await forgetRelations(sourceUuid);
  const run = await startRebuild(pipeline, sourceUuid);
  const failure = await untilBlocked(run);
  expect(failure).toMatchObject({ step: 'loadReportDay', errorType: 'ObjectMissing' });
  expect(failure.message).toContain(`${csvKey} is no longer in the object store`);
  expect(failure.message).toContain('ocp-pipeline replay');
  expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);

  await objectStore.put(csvKey, Buffer.concat(csv as Buffer[]));
  await run.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failure.failureId, action: 'retry' }],
  });
  expect(await run.result()).toMatchObject({ daysSummarised: 1 });
  expect(await objectStore.head(parquetKey)).toBeDefined();
  await expectClean(sourceUuid);
});

/** Where the source's files of a kind are. */
async function fileOf(
  sourceUuid: string,
  kind: string,
): Promise<{ parquet_key: string; byte_count: number }> {
  const [file] = await query<{ parquet_key: string; byte_count: number }>(
    `select parquet_key, lake.byte_count from ocp_piece join ocp_lake_piece as lake using (piece_id)
     where source_uuid = $1 and report_kind = $2`,
    [sourceUuid, kind],
  );
  return file ?? { parquet_key: '', byte_count: 0 };
}

test('a changed and a lost Parquet file: both pieces are converted again, and the run needs nobody', async () => {
  await choose(pipeline, ['engine', 'trino']);
  const sourceUuid = await ingest('changed');
  const { objectStore } = pipeline;
  const [pods, claims] = [await fileOf(sourceUuid, 'pod_usage'), await fileOf(sourceUuid, 'storage_usage')];
  await falsifyPods(pipeline, sourceUuid, '2026-10-01');
  const falsified = await fileOf(sourceUuid, 'pod_usage');
  expect(falsified).toEqual({ ...pods, byte_count: expect.any(Number) as number });
  expect(falsified.byte_count).not.toBe(pods.byte_count);
  await objectStore.delete(claims.parquet_key);
  await forgetRelations(sourceUuid);
  await rebuild(pipeline, sourceUuid);
  // A file is a function of its daily CSV.
  expect(await fileOf(sourceUuid, 'pod_usage')).toEqual(pods);
  expect(await fileOf(sourceUuid, 'storage_usage')).toEqual(claims);
  for (const { parquet_key: key, byte_count: byteCount } of [pods, claims])
    expect(await objectStore.head(key)).toMatchObject({ byteCount });
  await expectClean(sourceUuid);
});

test('a file that somebody copied doubles the rows, which stops the day until the copy is gone', async () => {
  await choose(pipeline, ['engine', 'trino']);
  // Of one kind alone, because it is converted and queried three times.
  const sourceUuid = await ingest('copied', podFileAlone(await readPayload('operator-sample'), 'copied'));
  const { objectStore, database } = pipeline;
  const before = await snapshotTables(database, sourceUuid);
  const { parquet_key: key } = await fileOf(sourceUuid, 'pod_usage');
  const copy = key.replace('.parquet', '-copy.parquet');
  await objectStore.put(copy, await objectStore.get(key));
  await forgetRelations(sourceUuid);
  const run = await startRebuild(pipeline, sourceUuid);
  const failure = await untilBlocked(run);
  expect(failure).toMatchObject({ step: 'aggregateDays', errorType: 'StagingMiscounted', canSkip: false });
  expect(failure.message).toMatch(
    /differs from the control sums .*, pod_usage of 2026-10-06: expected (\d+) rows, found (\d+)\. /,
  );
  const [, expected, found] = /expected (\d+) rows, found (\d+)\./.exec(failure.message) ?? [];
  expect(Number(found)).toBe(2 * Number(expected));
  const folder = copy.slice(0, copy.lastIndexOf('/'));
  expect(failure.message).toContain(`Something else adds or changes files in ${folder}`);
  expect(failure.message).toContain('remove the cause, then decide "retry"');
  expect(failure.message).not.toContain('staging');
  expectSameTables(await snapshotTables(database, sourceUuid), before);

  await objectStore.delete(copy);
  await run.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failure.failureId, action: 'retry' }],
  });
  expect(await run.result()).toMatchObject({ daysSummarised: 1 });
  expectSameTables(await snapshotTables(database, sourceUuid), before);
});
