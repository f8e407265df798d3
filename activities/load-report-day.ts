import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { PipelineError } from '../domain/failures/failures.ts';
import type { Elsewhere } from '../domain/run/run.ts';
import { stagingTableOf } from '../domain/reports/report-kind.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import { billingMonthOf } from '../domain/time/usage-day.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { elsewhereThan } from '../engines/own-queue.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { convertReportDay, pieceForLake } from './convert-report-day.ts';
import { openDailyCsv } from './daily-csv.ts';
import { labelSetsOf } from './ledger-piece.ts';
import type { LedgerPiece } from './ledger-piece.ts';
import { keepControlSums, warnOfLeftOut } from './load-outcome.ts';
import type { LabelSets, LeftOutLabels } from '../reports/label-sets.ts';
import { readDailyCsv } from '../reports/daily-csv.ts';
import { deleteStagedRows } from '../reports/delete-staged-rows.ts';
import { addLogContext } from '../platform/observability/logging.ts';
import { measureLoad } from '../platform/observability/metrics.ts';
import { copyHeader, copyTrailer } from '../platform/database/binary-copy.ts';
import { isPartitionMissing } from '../platform/database/partitions.ts';
import { withPlainKernel } from '../reports/fast-path/plain-kernel.ts';
import type { PlainKernel } from '../reports/fast-path/plain-kernel.ts';
import type { ControlSums } from '../reports/control-sums.ts';
import { stagingRowWriter } from '../reports/staging-rows.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { ensurePartitionsOf } from '../summary/ensure-partitions.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import type { HeartbeatDetails } from '../platform/temporal/heartbeat.ts';
import { miscountedLoad } from '../summary/staging-counts.ts';
import { ledgerVanished } from '../summary/require-source.ts';

export interface LoadReportDayInput {
  schema: string;
  pieceId: number;
}

export interface LoadReportDayResult {
  /** rows copied now; 0 if the piece was already in staging */
  rowsLoaded: number;
}

interface Piece extends LedgerPiece {
  state: string;
  staged_checksum: string | null;
}

/**
 * Copy one piece (file and day) from its daily CSV into staging, in one transaction that locks the piece's ledger row;
 * a piece of a month that Trino computes goes to the lake instead ({@link convertReportDay}). Rerun, even concurrently:
 * a piece that is staged with the same checksum is left alone, so it is loaded once.
 *
 * @throws PipelineError `ObjectMissing` (not retried) if the daily CSV is gone
 * @throws PipelineError `ObjectDamaged` (not retried) if its content differs from what the ledger says
 * @throws PipelineError `StagingMiscounted` (not retried) if staging keeps fewer rows than were sent
 * @throws PipelineError `SourceVanished` (not retried) if the piece is no longer in the ledger
 */
export async function loadReportDay(
  deps: ActivityDependencies,
  input: LoadReportDayInput,
): Promise<LoadReportDayResult | Elsewhere> {
  const ofLake = await pieceForLake(deps, input);
  const elsewhere = ofLake === undefined ? undefined : elsewhereThan('trino');
  if (elsewhere !== undefined) return elsewhere;
  return measureLoad((load) =>
    withHeartbeat(async (report, signal) => {
      if (ofLake !== undefined) {
        load.kind = ofLake.report_kind;
        const reportRows = (rows: number) => {
          report({ file: ofLake.object_key, rows });
        };
        return { rowsLoaded: await convertReportDay(deps, input, ofLake, { report: reportRows, signal }) };
      }
      return stagePiece(deps, input, { load, report, signal });
    }),
  );
}

/** Copy a piece into staging, whatever engine its month has; throws as {@link loadReportDay}. */
export async function stagePiece(
  deps: ActivityDependencies,
  input: LoadReportDayInput,
  { load, report, signal }: Pick<Load, 'load' | 'report' | 'signal'>,
): Promise<LoadReportDayResult> {
  try {
    return await inTenantTransaction(
      deps.pool,
      input.schema,
      (client) => loadPiece({ deps, client, input, load, report, signal }),
      signal,
    );
  } catch (error) {
    if (isPartitionMissing(error)) await recreatePartition(deps, input);
    throw error;
  }
}

interface Load {
  deps: ActivityDependencies;
  client: PoolClient;
  input: LoadReportDayInput;
  /** called with the kind, for the metrics */
  load: { kind?: ReportKind };
  report: (details: HeartbeatDetails) => void;
  signal: AbortSignal;
}

async function loadPiece({ deps, client, input, load, report, signal }: Load): Promise<LoadReportDayResult> {
  const piece = await lockPiece(client, input);
  load.kind = piece.report_kind;
  const { source_uuid, usage_day } = piece;
  addLogContext({ provider_uuid: source_uuid, start_date: usage_day, end_date: usage_day });
  const wanted = piece.state === 'registered' || piece.state === 'swept';
  if (!wanted || (piece.state === 'registered' && piece.staged_checksum === piece.checksum)) {
    if (wanted) await markStaged(client, piece);
    return { rowsLoaded: 0 };
  }
  if (piece.staged_checksum !== null) await deleteOwnRows(client, piece);
  const onRows = (rows: number) => {
    report({ file: piece.object_key, rows });
  };
  const labelSets = labelSetsOf(deps, input.schema, piece);
  const { rowsLoaded, sums } = await withPlainKernel((kernel) =>
    copyPiece({ deps, client, input, labelSets, piece, kernel, signal, onRows }),
  );
  await markStaged(client, piece, labelSets.leftOut);
  // In the transaction of the load: whatever is in staging has the control sums of what was sent.
  await keepControlSums(client, { pieceId: piece.piece_id, checksum: piece.checksum }, sums);
  warnOfLeftOut(piece.object_key, labelSets.leftOut);
  return { rowsLoaded };
}

/** The sweep dropped the month's partition after the run had ensured it; the next attempt creates it again. */
async function recreatePartition(deps: ActivityDependencies, input: LoadReportDayInput): Promise<void> {
  const { rows } = await inTenantTransaction(deps.pool, input.schema, (client) =>
    client.query<{ usage_day: UsageDay }>('select usage_day from ocp_piece where piece_id = $1', [
      input.pieceId,
    ]),
  );
  const day = rows[0]?.usage_day;
  if (day !== undefined) await ensurePartitionsOf(deps.pool, input.schema, [billingMonthOf(day)]);
}

async function lockPiece(client: PoolClient, { schema, pieceId }: LoadReportDayInput): Promise<Piece> {
  const { rows } = await client.query<Piece>(
    `select piece_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, row_count, checksum, state, staged_checksum
     from ocp_piece
     where piece_id = $1
     for update`,
    [pieceId],
  );
  const piece = rows[0];
  if (piece === undefined) throw ledgerVanished(`piece ${pieceId}`, schema);
  return piece;
}

/**
 * A swept piece has no rows there. One that is marked as swept but has a checksum was miscounted, and its rows may be
 * anywhere.
 */
async function deleteOwnRows(client: PoolClient, piece: Piece): Promise<void> {
  const usageDay = piece.state === 'swept' ? undefined : piece.usage_day;
  await deleteStagedRows(client, piece.report_kind, piece.piece_id, usageDay);
}

/** @param leftOut of the load just made; a piece that was already in staging keeps what its own load left out */
async function markStaged(client: PoolClient, piece: Piece, leftOut?: LeftOutLabels): Promise<void> {
  await client.query(
    `update ocp_piece
     set state = 'staged',
         staged_checksum = checksum,
         staged_at = now(),
         left_out_label_keys = coalesce($2, left_out_label_keys),
         reduced_label_sets = coalesce($3, reduced_label_sets)
     where piece_id = $1`,
    [piece.piece_id, leftOut?.keyCount, leftOut?.reducedSetCount],
  );
}

interface PieceCopy {
  deps: ActivityDependencies;
  client: PoolClient;
  input: LoadReportDayInput;
  labelSets: LabelSets;
  piece: Piece;
  kernel: PlainKernel;
  signal: AbortSignal;
  onRows: (rows: number) => void;
}

/** @returns rows copied, and what they add up to */
async function copyPiece(copy: PieceCopy): Promise<{ rowsLoaded: number; sums: ControlSums }> {
  const { deps, client, input, labelSets, piece, kernel, signal, onRows } = copy;
  const hash = createHash('sha256');
  const object = await openDailyCsv(
    deps,
    { schema: input.schema, pieceId: piece.piece_id, objectKey: piece.object_key },
    signal,
  );
  const csv = await readDailyCsv(Readable.from(hashed(object, hash), { objectMode: false }), { kernel });
  const writer = stagingRowWriter(piece.report_kind, csv.header, {
    pieceId: piece.piece_id,
    sourceUuid: piece.source_uuid,
    reportPeriodId: piece.report_period_id,
  });
  let rowCount = 0;
  async function* tuples(): AsyncGenerator<Buffer> {
    yield copyHeader;
    for await (const rows of csv.rows) {
      const prepared = writer.prepare(rows);
      await labelSets.store(prepared.newLabelTexts, signal);
      const chunk = prepared.tuples((text) => labelSets.id(text));
      rowCount += rows.form === 'plain' ? rows.recordCount : rows.records.length;
      onRows(rowCount);
      yield chunk;
    }
    yield copyTrailer;
  }
  const target = client.query(copyFrom(writer.copySql));
  // One chunk may wait behind the one that is being sent: the kernel's blocks are used in turn.
  const waiting = { objectMode: true, highWaterMark: kernel.blockCount - 2 };
  await pipeline(Readable.from(tuples(), waiting), target, { signal });
  // An object that was modified or mixed up would otherwise be charged without anybody noticing.
  if (hash.digest('hex') !== piece.checksum || rowCount !== piece.row_count)
    throw new PipelineError(
      'ObjectDamaged',
      `${piece.object_key}: expected ${piece.row_count} rows with checksum ${piece.checksum.slice(0, 12)}…, ` +
        `found ${rowCount} rows with different content; replay the manifest from its archive`,
    );
  // A trigger that drops rows does so silently.
  if (target.rowCount !== rowCount)
    throw await miscountedLoad(client, piece.report_kind, {
      where: `${piece.object_key} into ${input.schema}.${stagingTableOf(piece.report_kind)}`,
      expected: rowCount,
      found: target.rowCount,
      how: 'by the COPY that sent it',
    });
  return { rowsLoaded: rowCount, sums: writer.sums };
}

async function* hashed(source: Readable, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}
