import { log } from '@temporalio/activity';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { ActivityDependencies } from '../../platform/runtime/dependencies.ts';
import type { LakeFile } from './live-pieces.ts';

/** Names of lost files in one log entry. */
const maxLogged = 20;

/**
 * Look for files that the ledger knows, one listing per partition, and forget those that are gone or have another size,
 * so that their pieces are converted again. A query would not miss them: to Trino, a lost file is no rows. What this
 * does not see, the control sums do.
 *
 * @returns whether any was forgotten
 */
export async function forgetLostFiles(
  { pool, objectStore }: ActivityDependencies,
  schema: string,
  files: readonly LakeFile[],
  signal: AbortSignal,
): Promise<boolean> {
  const found = new Map<string, number>();
  for (const folder of new Set(files.map(({ parquetKey }) => folderOf(parquetKey))))
    for await (const { key, byteCount } of objectStore.list(folder)) {
      signal.throwIfAborted();
      found.set(key, byteCount);
    }
  const lost = files.filter(({ parquetKey, byteCount }) => found.get(parquetKey) !== byteCount);
  if (lost.length === 0) return false;
  log.warn(
    'files of the lake are lost or have another size than was written; their pieces are converted again',
    {
      schema,
      file_count: lost.length,
      files: lost.slice(0, maxLogged).map(({ parquetKey }) => parquetKey),
    },
  );
  await inTenantTransaction(
    pool,
    schema,
    (client) =>
      client.query('delete from ocp_lake_piece where piece_id = any($1)', [
        lost.map(({ pieceId }) => pieceId),
      ]),
    signal,
  );
  return true;
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}
