import type { Readable } from 'node:stream';
import { PipelineError } from '../domain/failures/failures.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { ObjectNotFound } from '../platform/object-store/index.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/**
 * The daily CSV of a piece, which both engines read.
 * @throws PipelineError `ObjectMissing` (not retried) with the command that recreates the object from its archive
 */
export async function openDailyCsv(
  { pool, objectStore }: ActivityDependencies,
  { schema, pieceId, objectKey }: { schema: string; pieceId: number; objectKey: string },
  signal: AbortSignal,
): Promise<Readable> {
  try {
    return await objectStore.get(objectKey, { signal });
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error;
    const { rows } = await inTenantTransaction(pool, schema, (client) =>
      client.query<{ manifest_uuid: string }>(
        'select manifest_uuid from ocp_piece join ocp_manifest using (manifest_id) where piece_id = $1',
        [pieceId],
      ),
    );
    throw new PipelineError(
      'ObjectMissing',
      `${objectKey} is no longer in the object store. Restore it and decide "retry", or recreate it from the ` +
        `archived payload: ocp-pipeline replay ${rows[0]?.manifest_uuid ?? ''} --from split; then a rebuild that waits for it is retried`,
      { cause: error },
    );
  }
}
