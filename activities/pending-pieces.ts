import type { DayCount } from '../domain/run/day-progress.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

export interface PendingPiecesInput {
  schema: string;
  manifestId: number;
  /** the request whose archive brought the files: every run loads its own */
  requestId: string;
}

export interface PendingPiecesResult {
  pieceIds: number[];
  /** for each of `pieceIds`: the index of its day in `days`; -1 if the day is not listed */
  dayIndexes: number[];
  /** days of the request's pieces, in order; only the latest ones if there are very many */
  days: DayCount[];
  /** whether a Kafka message announced the request, which the run may have to answer; missing from older workers */
  isAnnounced?: boolean;
}

/** Number of piece ids and days that fit into one small history event. */
const pageSize = 400;
const maxDays = 100;

/**
 * The next pieces of a manifest that are registered but not loaded, largest first so that a late large one does not
 * delay the run, and the progress of each day.
 */
export async function pendingPieces(
  deps: ActivityDependencies,
  input: PendingPiecesInput,
): Promise<PendingPiecesResult> {
  const { manifestId, requestId, schema } = input;
  return inTenantTransaction(deps.pool, schema, async (client) => {
    const days = await client.query<{ usage_day: string; pieces: number; loaded: number; failed: number }>(
      `select
           piece.usage_day,
           count(*) as pieces,
           count(*) filter (where piece.state in ('staged', 'swept')) as loaded,
           count(*) filter (where piece.state = 'failed') as failed
       from ocp_piece as piece
       join ocp_file as file using (file_id)
       where piece.manifest_id = $1
           and file.request_id = $2
           and piece.state <> 'abandoned'
       group by piece.usage_day
       order by piece.usage_day desc
       limit $3`,
      [manifestId, requestId, maxDays],
    );
    const pieces = await client.query<{ piece_id: number; usage_day: string }>(
      `select piece.piece_id, piece.usage_day
       from ocp_piece as piece
       join ocp_file as file using (file_id)
       where piece.manifest_id = $1
           and file.request_id = $2
           and piece.state = 'registered'
       order by piece.byte_count desc, piece.piece_id
       limit $3`,
      [manifestId, requestId, pageSize],
    );
    const announced = await client.query<{ is_announced: boolean }>(
      `select exists (select from public.payload_announcement where request_id = $1) as is_announced`,
      [requestId],
    );
    const inOrder = days.rows.reverse();
    return {
      pieceIds: pieces.rows.map((row) => row.piece_id),
      dayIndexes: pieces.rows.map((row) => inOrder.findIndex((day) => day.usage_day === row.usage_day)),
      days: inOrder.map((day) => [day.usage_day, day.pieces, day.loaded, day.failed]),
      isAnnounced: announced.rows[0]?.is_announced === true,
    };
  });
}
