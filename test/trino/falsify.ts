import { DuckDBInstance } from '@duckdb/node-api';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline as pump } from 'node:stream/promises';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { TestPipeline } from '../support/pipeline.ts';

/**
 * Multiply the CPU usage of a source's pods of a day in the lake, and tell the ledger the new size, so that nobody
 * calls the file lost.
 */
export async function falsifyPods(
  { database: { pool, schema }, objectStore }: TestPipeline,
  sourceUuid: string,
  day: string,
): Promise<void> {
  const inTenant = <Row extends object>(text: string, values: unknown[]) =>
    inTenantTransaction(pool, schema, async (client) => (await client.query<Row>(text, values)).rows);
  const [piece] = await inTenant<{ piece_id: number; parquet_key: string }>(
    `select piece_id, parquet_key from ocp_lake_piece join ocp_piece using (piece_id)
     where source_uuid = $1 and report_kind = 'pod_usage' and usage_day = $2`,
    [sourceUuid, day],
  );
  if (piece === undefined) throw new Error(`the lake has no pods of ${day}`);
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-false-'));
  const [as, written] = [join(directory, 'as.parquet'), join(directory, 'written.parquet')];
  await pump(await objectStore.get(piece.parquet_key), createWriteStream(as));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `copy (select * replace (pod_usage_cpu_core_seconds * 1.5 as pod_usage_cpu_core_seconds) from '${as}')
     to '${written}' (format parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  await objectStore.put(piece.parquet_key, createReadStream(written));
  await inTenant('update ocp_lake_piece set byte_count = $2 where piece_id = $1', [
    piece.piece_id,
    (await stat(written)).size,
  ]);
  await rm(directory, { recursive: true });
}
