import type { PoolClient } from 'pg';
import { openDailyCsv } from './daily-csv.ts';
import { labelSetsOf } from './ledger-piece.ts';
import type { LedgerPiece } from './ledger-piece.ts';
import { keepControlSums, warnOfLeftOut } from './load-outcome.ts';
import { engineOfMonth, engineOfTenant } from '../engines/engine-of-month.ts';
import { convertPiece } from '../engines/trino/convert-piece.ts';
import type { ConvertedPiece, PieceToConvert } from '../engines/trino/convert-piece.ts';
import { openLake } from '../engines/trino/lake.ts';
import { billingMonthOf } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { tenantSettings } from '../platform/tenants/tenant.ts';
import { ledgerVanished } from '../summary/require-source.ts';

const recordLakePieceSql = loadSql('intake/record_lake_piece.sql');

/** A piece, and whether the lake has its present content. */
export interface PieceOfLake extends LedgerPiece {
  is_in_lake: boolean;
}

/** The piece, if the engine of its month reads it from the lake. */
export async function pieceForLake(
  deps: ActivityDependencies,
  { schema, pieceId }: { schema: string; pieceId: number },
): Promise<PieceOfLake | undefined> {
  const { pool, config } = deps;
  const ofTenant = engineOfTenant(config, await tenantSettings(pool, schema));
  const piece = await ledgerPiece(deps, { schema, pieceId });
  const month = { schema, sourceUuid: piece.source_uuid, month: billingMonthOf(piece.usage_day) };
  return (await engineOfMonth(pool, month, ofTenant)) === 'trino' ? piece : undefined;
}

/**
 * A piece of the ledger.
 * @throws PipelineError `SourceVanished` (not retried) if it is no longer there
 */
export async function ledgerPiece(
  { pool }: ActivityDependencies,
  { schema, pieceId }: { schema: string; pieceId: number },
): Promise<PieceOfLake> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<PieceOfLake>(
      `select piece_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key,
           piece.row_count, piece.checksum, lake.checksum is not distinct from piece.checksum as is_in_lake
       from ocp_piece as piece
       left join ocp_lake_piece as lake using (piece_id)
       where piece_id = $1`,
      [pieceId],
    ),
  );
  const piece = rows[0];
  if (piece === undefined) throw ledgerVanished(`piece ${pieceId}`, schema);
  return piece;
}

/**
 * Convert one piece (file and day) from its daily CSV to a Parquet object of the lake. The ledger then has it as loaded
 * but not staged, with its control sums. Rerun, even concurrently: the object is a function of the content.
 *
 * @returns rows converted now; 0 if the lake had the piece
 * @throws PipelineError as {@link convertPiece} and {@link openDailyCsv}; `ConfigInvalid` (not retried) if this worker
 *   has no lake
 */
export async function convertReportDay(
  deps: ActivityDependencies,
  { schema, pieceId }: { schema: string; pieceId: number },
  piece: PieceOfLake,
  { report, signal }: { report: (rows: number) => void; signal: AbortSignal },
): Promise<number> {
  openLake(deps.config);
  const { pool, objectStore } = deps;
  const labelSets = labelSetsOf(deps, schema, piece);
  const converted = piece.is_in_lake
    ? undefined
    : await convertPiece(toConvert(schema, piece), {
        objectStore: {
          get: () => openDailyCsv(deps, { schema, pieceId, objectKey: piece.object_key }, signal),
          put: objectStore.put.bind(objectStore),
        },
        labelSets,
        onRows: report,
        signal,
      });
  await inTenantTransaction(
    pool,
    schema,
    async (client) => {
      const { rows } = await client.query(
        'select from ocp_piece where piece_id = $1 and checksum = $2 for update',
        [pieceId, piece.checksum],
      );
      // Newer content arrived meanwhile: its own load converts it.
      if (rows.length === 0) return;
      if (converted !== undefined) await record(client, { pieceId, checksum: piece.checksum }, converted);
      await client.query(
        `update ocp_piece
         set state = 'swept',
             staged_at = now(),
             left_out_label_keys = coalesce($2, left_out_label_keys),
             reduced_label_sets = coalesce($3, reduced_label_sets)
         where piece_id = $1
             and state = 'registered'`,
        [pieceId, converted && labelSets.leftOut.keyCount, converted && labelSets.leftOut.reducedSetCount],
      );
    },
    signal,
  );
  if (converted !== undefined) warnOfLeftOut(piece.object_key, labelSets.leftOut);
  return converted?.rowCount ?? 0;
}

/** A piece of the ledger as {@link convertPiece} takes it, for a schema of the lake's folders. */
export function toConvert(schema: string, piece: LedgerPiece): PieceToConvert {
  return {
    schema,
    pieceId: piece.piece_id,
    kind: piece.report_kind,
    sourceUuid: piece.source_uuid,
    reportPeriodId: piece.report_period_id,
    usageDay: piece.usage_day,
    objectKey: piece.object_key,
    rowCount: piece.row_count,
    checksum: piece.checksum,
  };
}

async function record(
  client: PoolClient,
  { pieceId, checksum }: { pieceId: number; checksum: string },
  { parquetKey, rowCount, byteCount, sums }: ConvertedPiece,
): Promise<void> {
  await client.query(recordLakePieceSql, [pieceId, checksum, parquetKey, rowCount, byteCount]);
  await keepControlSums(client, { pieceId, checksum }, sums);
}
