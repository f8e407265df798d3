import type { Pool, PoolClient } from 'pg';
import { stagingTableOf } from '../domain/reports/report-kind.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { tryLock } from '../platform/database/locks.ts';

interface OldPiece {
  pieceId: number;
  reportKind: ReportKind;
  usageDay: UsageDay;
}

const sql = {
  sources: loadSql('retention/sources_with_old_pieces.sql'),
  oldPieces: loadSql('retention/old_pieces.sql'),
  markSwept: loadSql('retention/mark_pieces_swept.sql'),
};

/** Pieces whose rows are deleted in one transaction: some hundred thousand rows. */
const pieceBatch = 50;

/**
 * Delete the rows of pieces that staging is done with inside months that go on: their day is over, and a summary was
 * built from them, or they do not count, since before `cutoff`. In batches, each in one transaction that holds the
 * source's lock, so that no step reads what is deleted; a source in use is left for the next sweep.
 *
 * @returns number of pieces whose rows are gone
 */
export async function sweepOldPieces(
  pool: Pool,
  schema: string,
  cutoff: Date,
  signal: AbortSignal,
): Promise<number> {
  const { rows: sources } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ sourceUuid: string }>(sql.sources, [cutoff]),
  );
  let sweptCount = 0;
  for (const { sourceUuid } of sources)
    for (let batch = pieceBatch; batch === pieceBatch;) {
      signal.throwIfAborted();
      batch = await inTenantTransaction(
        pool,
        schema,
        (client) => sweepBatch(client, sourceUuid, cutoff),
        signal,
      );
      sweptCount += batch;
    }
  return sweptCount;
}

/** @returns number of pieces swept; 0 when the source is in use */
async function sweepBatch(client: PoolClient, sourceUuid: string, cutoff: Date): Promise<number> {
  if (!(await tryLock(client, 'source', sourceUuid))) return 0;
  const { rows: pieces } = await client.query<OldPiece>(sql.oldPieces, [sourceUuid, cutoff, pieceBatch]);
  for (const kind of new Set(pieces.map(({ reportKind }) => reportKind))) {
    const ofKind = pieces.filter(({ reportKind }) => reportKind === kind);
    const days = ofKind.map(({ usageDay }) => usageDay).sort();
    await client.query(
      `delete from ${stagingTableOf(kind)}
       where piece_id = any($1::bigint[])
           and interval_start >= $2::date::timestamp at time zone 'UTC'
           and interval_start < ($3::date + 1)::timestamp at time zone 'UTC'`,
      [ofKind.map(({ pieceId }) => pieceId), days[0], days.at(-1)],
    );
  }
  if (pieces.length > 0) await client.query(sql.markSwept, [pieces.map(({ pieceId }) => pieceId)]);
  return pieces.length;
}
