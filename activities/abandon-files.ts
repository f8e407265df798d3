import { inTenantTransaction } from '../platform/database/database.ts';
import { tryLock } from '../platform/database/locks.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

export interface AbandonFilesInput {
  schema: string;
  sourceUuid: string;
  manifestId: number;
  /** the request whose archive is abandoned */
  requestId: string;
}

export type AbandonFilesResult =
  /** another transaction of the source is running: ask again later */
  { outcome: 'busy' } | { outcome: 'done'; fileCount: number };

const abandonFilesSql = loadSql('intake/abandon_files.sql');
const message = 'abandoned by an operator; replay the manifest to include it after all';

/**
 * Exclude an archive from the choice of live generations, as an operator decided, except for what a summary was already
 * built from. Otherwise data that aggregation cannot process would block every later payload of the month too.
 * Rerun: nothing is left to abandon. A replay of the archive includes it again.
 */
export async function abandonFiles(
  deps: ActivityDependencies,
  input: AbandonFilesInput,
): Promise<AbandonFilesResult> {
  return inTenantTransaction(deps.pool, input.schema, async (client) => {
    // An aggregation that has chosen these pieces must finish first, or they would be summarised and abandoned at once.
    if (!(await tryLock(client, 'source', input.sourceUuid))) return { outcome: 'busy' };
    const { rows } = await client.query<{ file_count: number }>(abandonFilesSql, [
      input.manifestId,
      input.requestId,
      message,
    ]);
    return { outcome: 'done', fileCount: rows[0]?.file_count ?? 0 };
  });
}
