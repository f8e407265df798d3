import { inTenantTransaction } from '../platform/database.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface PendingPiecesInput {
  schema: string;
  manifestId: number;
  /** the request whose archive brought the files: every run loads its own */
  requestId: string;
}

export interface PendingPiecesResult {
  pieceIds: number[];
}

/** Piece ids that fit into one small history event. */
const pageSize = 400;

/** The next pieces of a manifest that are registered and not loaded, largest first so that a late giant holds nobody up. */
export async function pendingPieces(
  deps: ActivityDependencies,
  input: PendingPiecesInput,
): Promise<PendingPiecesResult> {
  const { rows } = await inTenantTransaction(deps.pool, input.schema, (client) =>
    client.query<{ piece_id: number }>(
      `select piece.piece_id
       from ocp_piece as piece
       join ocp_file as file using (file_id)
       where piece.manifest_id = $1
           and file.request_id = $2
           and piece.state = 'registered'
       order by piece.byte_count desc, piece.piece_id
       limit $3`,
      [input.manifestId, input.requestId, pageSize],
    ),
  );
  return { pieceIds: rows.map((row) => row.piece_id) };
}
