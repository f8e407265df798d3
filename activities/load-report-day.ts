import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { PipelineError } from '../domain/failures.ts';
import { stagingTableOf } from '../domain/report-kind.ts';
import type { ReportKind } from '../domain/report-kind.ts';
import type { UsageDay } from '../domain/usage-day.ts';
import { inTenantTransaction } from '../platform/database.ts';
import { LabelSets } from '../platform/label-sets.ts';
import { readDailyCsv } from '../platform/daily-csv.ts';
import { addLogContext } from '../platform/logging.ts';
import { measureLoad } from '../platform/metrics.ts';
import { stagingRowWriter } from '../platform/staging-rows.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { withHeartbeat } from './heartbeat.ts';

export interface LoadReportDayInput {
  schema: string;
  pieceId: number;
}

export interface LoadReportDayResult {
  /** rows copied now; 0 when the piece was in staging already */
  rowsLoaded: number;
}

interface Piece {
  piece_id: number;
  source_uuid: string;
  report_period_id: number;
  report_kind: ReportKind;
  usage_day: UsageDay;
  object_key: string;
  row_count: number;
  checksum: string;
  state: string;
  staged_checksum: string | null;
}

/**
 * Copy one piece (file and day) from its daily CSV into staging, in one transaction that holds the piece's ledger row.
 * Rerun, also two at once: a piece that is staged with the same checksum is left alone, so it is loaded once.
 *
 * @throws PipelineError `ObjectMissing` (not retried) when the daily CSV is gone
 * @throws PipelineError `ObjectDamaged` (not retried) when it has other rows than the ledger says
 */
export async function loadReportDay(
  deps: ActivityDependencies,
  input: LoadReportDayInput,
): Promise<LoadReportDayResult> {
  return measureLoad((load) =>
    withHeartbeat(async (report, signal) =>
      inTenantTransaction(
        deps.pool,
        input.schema,
        async (client) => {
          const piece = await lockPiece(client, input.pieceId);
          load.kind = piece.report_kind;
          const { source_uuid, usage_day } = piece;
          addLogContext({ provider_uuid: source_uuid, start_date: usage_day, end_date: usage_day });
          const wanted = piece.state === 'registered' || piece.state === 'swept';
          if (!wanted || (piece.state === 'registered' && piece.staged_checksum === piece.checksum)) {
            if (wanted) await markStaged(client, piece);
            return { rowsLoaded: 0 };
          }
          if (piece.staged_checksum !== null) await deleteOwnRows(client, piece);
          const rowsLoaded = await copyPiece(deps, client, input.schema, piece, signal, (rows) => {
            report({ file: piece.object_key, rows });
          });
          if (rowsLoaded !== piece.row_count)
            throw new PipelineError(
              'ObjectDamaged',
              `${piece.object_key}: expected ${piece.row_count} rows, found ${rowsLoaded}: replay the manifest from its archive`,
            );
          await markStaged(client, piece);
          return { rowsLoaded };
        },
        signal,
      ),
    ),
  );
}

async function lockPiece(client: PoolClient, pieceId: number): Promise<Piece> {
  const { rows } = await client.query<Piece>(
    `select piece_id, source_uuid, report_period_id, report_kind, usage_day, object_key, row_count, checksum, state, staged_checksum
     from ocp_piece
     where piece_id = $1
     for update`,
    [pieceId],
  );
  const piece = rows[0];
  if (piece === undefined)
    throw new PipelineError('ObjectMissing', `piece ${pieceId} is not in the ledger: replay its manifest`);
  return piece;
}

async function deleteOwnRows(client: PoolClient, piece: Piece): Promise<void> {
  await client.query(
    `delete from ${stagingTableOf(piece.report_kind)}
     where piece_id = $1
       and interval_start >= $2::date::timestamp at time zone 'UTC'
       and interval_start < ($2::date + 1)::timestamp at time zone 'UTC'`,
    [piece.piece_id, piece.usage_day],
  );
}

async function markStaged(client: PoolClient, piece: Piece): Promise<void> {
  await client.query(
    `update ocp_piece set state = 'staged', staged_checksum = checksum, staged_at = now() where piece_id = $1`,
    [piece.piece_id],
  );
}

async function copyPiece(
  deps: ActivityDependencies,
  client: PoolClient,
  schema: string,
  piece: Piece,
  signal: AbortSignal,
  onRows: (rows: number) => void,
): Promise<number> {
  const csv = await readDailyCsv(await deps.objectStore.get(piece.object_key, { signal }));
  const writer = stagingRowWriter(piece.report_kind, csv.header, {
    pieceId: piece.piece_id,
    sourceUuid: piece.source_uuid,
    reportPeriodId: piece.report_period_id,
  });
  const labelSets = new LabelSets(deps.pool, schema, piece.report_kind !== 'vm_usage');
  let rowCount = 0;
  async function* lines(): AsyncGenerator<string> {
    for await (const batch of csv.batches) {
      const labels = new Set<string>();
      for (const row of batch) for (const position of writer.labelPositions) labels.add(row[position] ?? '');
      await labelSets.store(labels, signal);
      let chunk = '';
      for (const row of batch) chunk += writer.line(row, (text) => labelSets.id(text));
      rowCount += batch.length;
      onRows(rowCount);
      yield chunk;
    }
  }
  const target = client.query(
    copyFrom(`copy ${stagingTableOf(piece.report_kind)} (${writer.columns.join(', ')}) from stdin`),
  );
  await pipeline(Readable.from(lines(), { objectMode: true, highWaterMark: 2 }), target, { signal });
  return rowCount;
}
