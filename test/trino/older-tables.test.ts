import { randomUUID } from 'node:crypto';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { ColumnSource } from 'hyparquet-writer';
import { beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { BillingMonth, UsageDay } from '../../domain/time/usage-day.ts';
import { literal, TrinoClient } from '../../engines/trino/client.ts';
import { icebergTables } from '../../engines/trino/iceberg-tables.ts';
import { generationOf } from '../../engines/trino/lake-columns.ts';
import { hiveTables, parquetKey } from '../../engines/trino/lake-tables.ts';
import type { LakePartition, LakeTables, VisibleRows } from '../../engines/trino/lake-tables.ts';
import type { LakeFile } from '../../engines/trino/live-pieces.ts';
import { createIcebergCatalog } from './catalogs.ts';
import { createLake } from './lake.ts';
import type { TestLake } from './lake.ts';

/*
 * Tables that a version of the program created whose reports had a column less, here the labels of nodes: they get it,
 * and rows from before it have NULL there.
 */
const month = '2026-10' as BillingMonth;
const kind = 'node_labels';
let iceberg: TrinoClient;
let lake: TestLake;
let partition: LakePartition;
let older: LakeFile;
let newer: LakeFile;

beforeAll(async () => {
  lake = await createLake();
  const name = await createIcebergCatalog(lake.client);
  iceberg = new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog: name });
});

beforeEach(async () => {
  const schema = `older_${randomUUID().replaceAll('-', '')}`;
  partition = { schema, kind, sourceUuid: randomUUID(), month };
  older = await putFile(1, undefined);
  newer = await putFile(2, '{"zone": "a"}');
});

/** A file of one row, of which a column is not there if its value is undefined. */
async function putFile(pieceId: number, labels: string | undefined): Promise<LakeFile> {
  const generation = generationOf({ pieceId, checksum: randomUUID() });
  const text = (name: string, value: string): ColumnSource => ({ name, type: 'STRING', data: [value] });
  const columnData: ColumnSource[] = [
    { name: 'interval_start', type: 'TIMESTAMP', data: [new Date('2026-10-01T00:00:00Z')] },
    text('node', `w${pieceId}`),
    ...(labels === undefined ? [] : [text(kind, labels)]),
    { name: 'piece_id', type: 'INT64', data: [BigInt(pieceId)] },
    text('generation', generation),
  ];
  const key = parquetKey({ ...partition, usageDay: '2026-10-01' as UsageDay }, generation);
  const { byteCount } = await lake.store.put(key, Buffer.from(parquetWriteBuffer({ columnData })));
  return { pieceId, parquetKey: key, byteCount };
}

const place = () => ({ location: lake.location, schemaOf: (schema: string) => schema });

async function visible(tables: LakeTables, files: readonly LakeFile[]): Promise<VisibleRows> {
  await tables.ensureTable(partition.schema, kind);
  return tables.ensurePartition(partition, files);
}

async function rowsOf(client: TrinoClient, { table, conditions }: VisibleRows): Promise<unknown[]> {
  return client.run(`select node, node_labels from ${table} where ${conditions.join(' and ')} order by 1`);
}

test('Hive: the column is added, and months that were registered before have it', async () => {
  const { client } = lake;
  const tables = hiveTables(client, place());
  await tables.ensureTable(partition.schema, kind);
  await client.run(`alter table ${partition.schema}.${kind} drop column node_labels`);
  await tables.ensurePartition(partition, []);

  const [rows] = await Promise.all([visible(tables, [older, newer]), visible(tables, [older, newer])]);
  expect(await rowsOf(client, rows)).toEqual([
    ['w1', null],
    ['w2', '{"zone": "a"}'],
  ]);
});

test('Iceberg: the table of a month begins anew, so that its snapshots know the column', async () => {
  const tables = icebergTables(iceberg, place());
  await visible(tables, []);
  const [[name] = []] = await iceberg.run(`show tables from ${partition.schema}`);
  const table = `${partition.schema}.${String(name)}`;
  await iceberg.run(`alter table ${table} drop column node_labels`);
  await iceberg.run(
    `alter table ${table} execute add_files(
       location => ${literal(`${lake.location}/${older.parquetKey}`)}, format => 'PARQUET')`,
  );

  expect(await rowsOf(iceberg, await visible(tables, [older]))).toEqual([['w1', null]]);
  expect(await rowsOf(iceberg, await visible(tables, [older, newer]))).toEqual([
    ['w1', null],
    ['w2', '{"zone": "a"}'],
  ]);
});
