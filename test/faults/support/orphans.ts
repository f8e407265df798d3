import { readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { reportKinds, stagingTableOf } from '../../../domain/reports/report-kind.ts';
import { taskQueues } from '../../../domain/run/run.ts';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import type { SweepStagingInput } from '../../../domain/run/cleanup.ts';
import { isErrno } from '../../../dev-stack/process-identity.ts';
import type { sweepStaging } from '../../../workflows/index.ts';
import type { FaultBed } from './fault-bed.ts';

/**
 * Assert that the nightly sweep leaves nothing that belongs to nothing: objects, half-written files, line items without
 * a piece or pieces without their line items, open transactions, temporary tables. Then that staging can be dropped
 * altogether: no piece pins it because somebody forgot to summarise it.
 *
 * @returns how many half-written files the sweep found
 */
export async function expectNoOrphans(bed: FaultBed): Promise<number> {
  const leftover = await makeAnHourOld(bed);
  expect(await sweep(bed, {})).toMatchObject({ failedTenants: [], busyCount: 0 });
  expect(await incomingOf(bed)).toEqual([]);
  expect(await storedKeys(bed)).toEqual(await keysInLedger(bed));
  expect(await piecesInStaging(bed)).toEqual(await stagedPieces(bed));
  expect(await traces(bed)).toEqual([]);

  expect(await sweep(bed, { retentionDays: 1 })).toMatchObject({
    failedTenants: [],
    busyCount: 0,
    pinnedCount: 0,
    droppedCount: reportKinds.length,
  });
  expect(await piecesInStaging(bed)).toEqual([]);
  return leftover;
}

async function sweep(bed: FaultBed, input: SweepStagingInput) {
  return bed.client.workflow.execute<typeof sweepStaging>('sweepStaging', {
    workflowId: `sweep-by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [input],
  });
}

function incomingFolder({ objectStore }: FaultBed): string | undefined {
  const { protocol } = new URL(objectStore.location.replace(/ at .*$/, ''));
  return protocol === 'file:' ? join(fileURLToPath(objectStore.location), '.incoming') : undefined;
}

/** Files that a directory store has half-written; a bucket shows none. */
async function incomingOf(bed: FaultBed): Promise<string[]> {
  const folder = incomingFolder(bed);
  if (folder === undefined) return [];
  return readdir(folder).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  });
}

/** The sweep spares what may still be written, for an hour by the file system's clock. */
async function makeAnHourOld(bed: FaultBed): Promise<number> {
  const files = await incomingOf(bed);
  for (const name of files) {
    const path = join(incomingFolder(bed) ?? '', name);
    const { mtimeMs } = await stat(path);
    const then = new Date(mtimeMs - 1.1 * 3_600_000);
    await utimes(path, then, then);
  }
  return files.length;
}

async function storedKeys({ objectStore }: FaultBed): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objectStore.list('')) keys.push(key);
  return keys.sort();
}

async function query<R extends object>({ database }: FaultBed, text: string): Promise<R[]> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<R>(text),
  );
  return rows;
}

/** Objects that something refers to. */
async function keysInLedger(bed: FaultBed): Promise<string[]> {
  const rows = await query<{ key: string }>(
    bed,
    `select object_key as key from public.payload_inbox
     union select object_key from ocp_piece
     union select rejects_key from ocp_file where rejects_key is not null`,
  );
  return rows.map(({ key }) => key).sort();
}

interface PieceRows {
  kind: string;
  piece_id: number;
  rows: number;
}

async function piecesInStaging(bed: FaultBed): Promise<PieceRows[]> {
  const counts = reportKinds.map(
    (kind) =>
      `select '${kind}' as kind, piece_id, count(*) as rows from ${stagingTableOf(kind)} group by piece_id`,
  );
  return query<PieceRows>(bed, `${counts.join(' union all ')} order by kind, piece_id`);
}

async function stagedPieces(bed: FaultBed): Promise<PieceRows[]> {
  return query<PieceRows>(
    bed,
    `select report_kind as kind, piece_id, row_count as rows from ocp_piece where state = 'staged' order by 1, 2`,
  );
}

/** What a broken session could leave in PostgreSQL. */
async function traces({ database }: FaultBed): Promise<string[]> {
  const { rows } = await database.pool.query<{ trace: string }>(
    `select 'temporary table ' || relname as trace from pg_class where relpersistence = 't'
     union all
     select 'prepared transaction ' || gid from pg_prepared_xacts where database = current_database()
     union all
     select state || ': ' || query from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%'`,
  );
  return rows.map(({ trace }) => trace);
}
