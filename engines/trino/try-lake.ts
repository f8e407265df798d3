import { randomUUID } from 'node:crypto';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { ColumnSource } from 'hyparquet-writer';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { BillingMonth, UsageDay } from '../../domain/time/usage-day.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { identifier } from './client.ts';
import type { QueryOptions } from './client.ts';
import type { Lake } from './lake.ts';
import { generationOf, lakeColumns } from './lake-columns.ts';
import type { LakeColumn } from './lake-columns.ts';
import { folderOfMonth, parquetKey, registerIfAllowed } from './lake-tables.ts';

/** Small and with all types but numbers. */
const kind = 'node_labels';
const usageDay = '2000-01-01' as UsageDay;
const month = '2000-01' as BillingMonth;

/**
 * Put a file of one row into the lake and read it back with Trino, as the engine does, in a schema of its own. All of
 * it is removed again, whatever failed.
 *
 * @param connector of the catalog
 * @returns whether single partitions may be registered; true if the connector has none
 * @throws TrinoError if Trino refuses a step; Error if the row does not come back; as the object store
 */
export async function tryLake(
  lake: Lake,
  objectStore: Pick<ObjectStore, 'put' | 'list' | 'delete'>,
  connector: string,
  options: QueryOptions,
): Promise<boolean> {
  const { client, tables } = lake;
  const isHive = connector === 'hive';
  const schema = `ocp_pipeline_doctor_${randomUUID().replaceAll('-', '')}`;
  const inLake = lake.schemaOf(schema);
  const piece = {
    schema,
    kind,
    sourceUuid: randomUUID(),
    usageDay,
    pieceId: 1,
    checksum: randomUUID(),
  } as const;
  const generation = generationOf(piece);
  const key = parquetKey(piece, generation);
  const partition = { schema, kind, sourceUuid: piece.sourceUuid, month } as const;
  try {
    const { byteCount } = await objectStore.put(key, oneRow(generation));
    await tables.ensureTable(schema, kind, options);
    const file = { pieceId: piece.pieceId, parquetKey: key, byteCount };
    const { table, conditions } = await tables.ensurePartition(partition, [file], options);
    const rows = await client.run(
      `select generation, hour(interval_start) from ${table} where ${conditions.join(' and ')}`,
      options,
    );
    if (JSON.stringify(rows) !== JSON.stringify([[generation, 1]]))
      throw new PipelineError(
        'TrinoFailed',
        `a file of one row was put into the object store, and Trino finds ${rows.length} rows where it should be`,
      );
    const isAllowed = !isHive || (await registerIfAllowed(client, { ...partition, schema: inLake }, options));
    await tables.dropPartition(partition, options);
    return isAllowed;
  } finally {
    // Of Hive's tables months are dropped, and the table stays; of the others none is left.
    const last = isHive
      ? client.run(`drop table if exists ${identifier(inLake)}.${kind}`, options)
      : tables.dropPartition(partition, options);
    await last.catch(() => undefined);
    await client.run(`drop schema if exists ${identifier(inLake)}`, options).catch(() => undefined);
    await removeFiles(objectStore, `${folderOfMonth(partition)}/`).catch(() => undefined);
  }
}

async function removeFiles(objectStore: Pick<ObjectStore, 'list' | 'delete'>, folder: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of objectStore.list(folder)) keys.push(key);
  for (const key of keys) await objectStore.delete(key);
}

function oneRow(generation: string): Buffer {
  const columnData = lakeColumns(kind).map((column) => ({
    name: column.name,
    ...cellOf(column, generation),
  }));
  return Buffer.from(parquetWriteBuffer({ columnData }));
}

function cellOf({ name, type }: LakeColumn, generation: string): Omit<ColumnSource, 'name'> {
  switch (type) {
    case 'timestamp(3)':
      return { type: 'TIMESTAMP', data: [new Date(`${usageDay}T01:00:00Z`)] };
    case 'bigint':
      return { type: 'INT64', data: [1n] };
    case 'double':
      return { type: 'DOUBLE', data: [1] };
    case 'varchar':
      return { type: 'STRING', data: [name === 'generation' ? generation : ''] };
  }
}
