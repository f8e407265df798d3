import { buffer } from 'node:stream/consumers';
import { beforeAll, expect, inject, test } from 'vitest';
import type { Check } from '../../cli/checks.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';
import { literal, TrinoClient } from '../../engines/trino/client.ts';
import { openLake } from '../../engines/trino/lake.ts';
import { parquetKey } from '../../engines/trino/lake-tables.ts';
import type { LakePartition, VisibleRows } from '../../engines/trino/lake-tables.ts';
import type { LakeFile } from '../../engines/trino/live-pieces.ts';
import { clock } from '../../platform/config/config.ts';
import type { Config } from '../../platform/config/config.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { purgeLake } from '../../retention/purge-objects.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { anotherManifest, between, createArchiveFolder, readPayload, scaled } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { createIcebergCatalog } from './catalogs.ts';
import { choose, october, rebuild } from './customer.ts';
import { trinoEnvironment } from './lake.ts';
import { expectSameRelations } from './same-relations.ts';
import { catalog } from '../support/trino-server.ts';

/* The engine with Iceberg tables: what every test of Hive tables shows, and what is Iceberg's own. */
let environment: Record<string, string>;
let pipeline: TestPipeline;
let trino: TrinoClient;
let folder: ArchiveFolder;
let threeDays: Payload;

beforeAll(async () => {
  const admin = new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog });
  environment = {
    ...(await trinoEnvironment()),
    TRINO_CATALOG: await createIcebergCatalog(admin),
    TRINO_TABLES: 'iceberg',
  };
  trino = new TrinoClient({
    url: inject('trinoUrl'),
    user: 'test',
    catalog: environment['TRINO_CATALOG'] ?? '',
  });
  pipeline = await createTestPipeline({ ...environment, OCP_RULES: 'koku' });
  folder = await createArchiveFolder();
  threeDays = await readPayload('nise-small');
  await setTagKeys(pipeline.database.pool, pipeline.database.schema, await goldenEnabledKeys('small'), true);
});

/** A source with some payloads, one after the other. */
async function ingest(
  engine: 'postgres' | 'trino',
  clusterId: string,
  payloads: readonly Payload[],
  name = clusterId,
): Promise<string> {
  await choose(pipeline, ['engine', engine]);
  const sourceUuid = await pipeline.addSource(clusterId, name);
  for (const payload of payloads) {
    const archive = await folder.pack(anotherManifest(payload, { cluster_id: clusterId }));
    expect(await pipeline.ingest(archive)).toMatchObject({ outcome: 'completed' });
  }
  return sourceUuid;
}

/** Build all relations of the month again. */
async function rebuildAnew(sourceUuid: string): Promise<void> {
  await choose(pipeline, ['engine', 'trino']);
  await query('update ocp_day set relations_hash = null where source_uuid = $1', [sourceUuid]);
  await rebuild(pipeline, sourceUuid);
}

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

async function expectSame(sourceUuid: string, cleanUuid: string): Promise<void> {
  const { database } = pipeline;
  await expectSameRelations(database, sourceUuid, cleanUuid);
  expectSameTables(await snapshotTables(database, sourceUuid), await snapshotTables(database, cleanUuid));
}

async function podFiles(sourceUuid: string): Promise<(LakeFile & { rowCount: number })[]> {
  return query(
    `select piece_id as "pieceId", parquet_key as "parquetKey", lake.byte_count as "byteCount",
         piece.row_count as "rowCount"
     from ocp_lake_piece as lake
     join ocp_piece as piece using (piece_id)
     where source_uuid = $1 and report_kind = 'pod_usage' and live_hours > 0
     order by usage_day`,
    [sourceUuid],
  );
}

function pods(sourceUuid: string): LakePartition {
  return { schema: pipeline.database.schema, kind: 'pod_usage', sourceUuid, month: october };
}

/** Rows by their piece. */
async function rowsByPiece({ table, conditions }: VisibleRows, client = trino): Promise<unknown[]> {
  return client.run(
    `select piece_id, count(*) from ${table} where ${conditions.join(' and ')} group by 1 order by 1`,
  );
}

const expectedRows = (files: readonly { pieceId: number; rowCount: number }[]) =>
  files.map(({ pieceId, rowCount }) => [pieceId, rowCount]).sort(([one = 0], [other = 0]) => one - other);

let small: string;
let smallClean: string;

test('a whole run: the tables are those of Koku, the relations those of PostgreSQL', async () => {
  small = await ingest('trino', 'my-ocp-cluster-small', [threeDays], 'small-onprem');
  for (const table of [
    'reporting_ocpusagelineitem_daily_summary',
    'reporting_ocp_pod_summary_p',
    'reporting_ocp_volume_summary_p',
    'reporting_ocp_gpu_summary_p',
    'reporting_ocp_vm_summary_p',
  ])
    await expectGolden(pipeline.database, 'small', table);
  smallClean = await ingest('postgres', 'clean', [threeDays]);
  await expectSame(small, smallClean);
  expect(await query('select engine from ocp_source_month where source_uuid = $1', [small])).toEqual([
    { engine: 'trino' },
  ]);
  const { schema } = pipeline.database;
  const tables = await trino.run(`show tables from "${environment['TRINO_SCHEMA_PREFIX'] ?? ''}${schema}"`);
  // One of each kind.
  expect(tables.length).toBe(6);
});

test('a day with newer content counts once', async () => {
  const day = podFileAlone(between(threeDays, '2026-10-01 00:00', '2026-10-02 00:00'), 'replaced');
  const first = anotherManifest(day, { daily_reports: true, date: '2026-10-02T01:00:00Z' });
  const newer = scaled(
    anotherManifest(day, { daily_reports: true, date: '2026-10-02T02:00:00Z' }),
    'pod_usage_cpu_core_seconds',
    2,
  );
  const replaced = await ingest('trino', 'replaced', [first, newer]);
  const clean = await ingest('postgres', 'replaced-clean', [newer]);
  await expectSame(replaced, clean);
  // Both generations are in the table.
  const files = await query(
    `select from ocp_lake_piece join ocp_piece using (piece_id) where source_uuid = $1 and report_kind = 'pod_usage'`,
    [replaced],
  );
  expect(files.length).toBe(2);
});

test('two workers add the same files at once: each file counts once', async () => {
  const files = await podFiles(small);
  const { tables } = openLake(pipeline.config);
  await tables.dropPartition(pods(small));
  const seen = await Promise.all([1, 2, 3].map(() => tables.ensurePartition(pods(small), files)));
  for (const rows of seen) expect(await rowsByPiece(rows)).toEqual(expectedRows(files));
  await Promise.all([rebuildAnew(small), rebuildAnew(small)]);
  await expectSame(small, smallClean);
});

test('a file that is in the table twice, as Trino lets it happen, counts once', async () => {
  const files = await podFiles(small);
  const { tables } = openLake(pipeline.config);
  const [file] = files;
  const location = `${environment['TRINO_LOCATION'] ?? ''}/${file?.parquetKey ?? ''}`;
  let rows = 0;
  while (rows <= (file?.rowCount ?? 0)) {
    await tables.dropPartition(pods(small));
    const { table } = await tables.ensurePartition(pods(small), []);
    const [name = ''] = table.split(' for version');
    const add = `alter table ${name} execute add_files(location => ${literal(location)}, format => 'PARQUET')`;
    await Promise.allSettled([trino.run(add), trino.run(add), trino.run(add)]);
    rows = Number((await trino.run(`select count(*) from ${name}`))[0]?.[0]);
  }
  expect(await rowsByPiece(await tables.ensurePartition(pods(small), files))).toEqual(expectedRows(files));
});

test('a deployment may change over to Hive tables, which have the same files', async () => {
  const files = await podFiles(small);
  const { client, tables } = openLake({ ...pipeline.config, TRINO_CATALOG: catalog, TRINO_TABLES: 'hive' });
  await tables.ensureTable(pipeline.database.schema, 'pod_usage');
  const rows = await tables.ensurePartition(pods(small), files);
  expect(await rowsByPiece(rows, client)).toEqual(expectedRows(files));
});

test('what a compaction writes does not count', async () => {
  const files = await podFiles(small);
  const { tables } = openLake(pipeline.config);
  const { table } = await tables.ensurePartition(pods(small), files);
  const [name = ''] = table.split(' for version');
  await trino.run(`alter table ${name} execute optimize`);
  expect(await trino.run(`select count(distinct "$path") from ${name}`)).toEqual([[1]]);
  expect(await rowsByPiece(await tables.ensurePartition(pods(small), files))).toEqual(expectedRows(files));
});

test('lost files are converted again, and one of another size takes the place of that before', async () => {
  const { objectStore } = pipeline;
  const files = await podFiles(small);
  const [one, other] = files;
  if (one === undefined || other === undefined) throw new Error('no files');
  const { tables } = openLake(pipeline.config);
  await objectStore.delete(other.parquetKey);
  // As if it had been written by an earlier version of the library: the ledger and the table have this size.
  const content = await buffer(await objectStore.get(one.parquetKey));
  const longer = Buffer.concat([content.subarray(0, 4), Buffer.alloc(8), content.subarray(4)]);
  await objectStore.put(one.parquetKey, longer);
  await rebuildAnew(small);
  for (const { parquetKey, byteCount } of files)
    expect(await objectStore.head(parquetKey)).toMatchObject({ byteCount });
  await expectSame(small, smallClean);

  await objectStore.put(one.parquetKey, await buffer(await objectStore.get(other.parquetKey)));
  const { table } = await tables.ensurePartition(pods(small), [{ ...one, byteCount: other.byteCount }]);
  const [[path, rowCount] = []] = await trino.run(
    `select "$path", count(*) from ${table} where "$path" like ${literal(`%${one.parquetKey}`)} group by 1`,
  );
  expect([path, rowCount]).toEqual([
    `${environment['TRINO_LOCATION'] ?? ''}/${one.parquetKey}`,
    other.rowCount,
  ]);
});

test('doctor: the catalog fits the setting, and files may be added', async () => {
  const cli = await createCommandLine();
  const ofTrino = async (changes: Record<string, string>): Promise<Check[]> => {
    const { stdout } = await cli.run(['doctor', '--json'], { ...environment, ...changes });
    const checks = JSON.parse(stdout) as Check[];
    return checks.slice(checks.findIndex(({ what }) => what.startsWith('catalog ')));
  };
  const name = environment['TRINO_CATALOG'] ?? '';
  expect(await ofTrino({})).toEqual([
    { what: `catalog ${name}`, ok: true, found: 'connector iceberg' },
    {
      what: 'lake',
      ok: true,
      found: 'a file was written to the object store, read by Trino, and removed',
    },
  ]);
  const schemas = await trino.run('show schemas');
  expect(schemas.flat().filter((schema) => String(schema).includes('doctor'))).toEqual([]);
  const [mismatch] = await ofTrino({ TRINO_TABLES: 'hive' });
  expect(mismatch).toMatchObject({
    ok: false,
    found: 'its connector is iceberg',
    repair:
      'set TRINO_TABLES=iceberg, or set TRINO_CATALOG to a catalog with the connector hive, as TRINO_TABLES says',
  });
  const closed = await createIcebergCatalog(trino, { 'iceberg.add-files-procedure.enabled': 'false' });
  const [, lake] = await ofTrino({ TRINO_CATALOG: closed });
  expect(lake).toMatchObject({
    ok: false,
    repair: `set iceberg.add-files-procedure.enabled=true in the catalog ${closed}`,
  });
});

/** Purge October, with other settings. */
async function purge(changes: Partial<Config>): Promise<void> {
  const { database, config, objectStore } = pipeline;
  await purgeLake(
    {
      pool: database.pool,
      databaseUrl: database.url,
      objectStore,
      config: { ...config, ...changes },
      now: clock(config),
    },
    database.schema,
    {
      firstDayKept: '2026-11-01' as UsageDay,
      signal: new AbortController().signal,
      removed: () => undefined,
    },
  );
}

async function filesOfLake(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of pipeline.objectStore.list('data/parquet/')) keys.push(key);
  return keys;
}

test('a purge without Trino: a table whose files are gone begins anew, and the next purge removes what was left', async () => {
  const { database, objectStore } = pipeline;
  const schema = `${environment['TRINO_SCHEMA_PREFIX'] ?? ''}${database.schema}`;
  const hive = new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog });
  const partitions = () => hive.run(`select source, year, month from "${schema}"."pod_usage$partitions"`);
  await purge({ TRINO_URL: undefined });
  expect(await filesOfLake()).toEqual([]);
  expect(await partitions()).toEqual([[small, '2026', '10']]);

  // As if October were kept again.
  const { table } = await openLake(pipeline.config).tables.ensurePartition(pods(small), []);
  expect(await trino.run(`select count(*) from ${table}`)).toEqual([[0]]);

  const november = parquetKey(
    { schema: database.schema, kind: 'pod_usage', sourceUuid: small, usageDay: '2026-11-01' as UsageDay },
    '1-0123456789abcdef',
  );
  await objectStore.put(november, Buffer.from('kept'));
  await purge({});
  expect(await trino.run(`show tables from "${schema}"`)).toEqual([]);
  await purge({ TRINO_CATALOG: catalog, TRINO_TABLES: 'hive' });
  expect(await partitions()).toEqual([]);
  expect(await filesOfLake()).toEqual([november]);
});
