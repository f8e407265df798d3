import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/** Which files: that of one piece, or all failed files of a manifest. */
export type SkipFilesInput = { schema: string } & ({ pieceId: number } | { manifestId: number });

const skipFilesSql = loadSql('intake/skip_files.sql');

/**
 * Skip files, as an operator decided: their pieces that are not loaded are abandoned, so that the manifest can be
 * summarised without them; loaded pieces stay. Rerun: nothing is left to skip.
 */
export async function skipFiles(
  deps: ActivityDependencies,
  input: SkipFilesInput,
): Promise<{ fileCount: number }> {
  const pieceId = 'pieceId' in input ? input.pieceId : null;
  const manifestId = 'manifestId' in input ? input.manifestId : null;
  const { rows } = await inTenantTransaction(deps.pool, input.schema, (client) =>
    client.query<{ file_count: number }>(skipFilesSql, [pieceId, manifestId]),
  );
  return { fileCount: rows[0]?.file_count ?? 0 };
}
