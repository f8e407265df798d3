import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import { generationOf } from './lake-columns.ts';
import type { LivePiece } from './live-lines.ts';

const livePiecesSql = loadSql('engines/live_pieces.sql');

/** A file of the lake as the ledger knows it. */
export interface LakeFile {
  pieceId: number;
  parquetKey: string;
  byteCount: number;
}

/** The pieces that days of a source are rebuilt from, and a hash of everything that the result depends on. */
export async function livePiecesOf(
  client: PoolClient,
  { sourceUuid, days }: { sourceUuid: string; days: readonly UsageDay[] },
): Promise<{ pieces: LivePiece[]; files: LakeFile[]; planHash: string }> {
  const { rows } = await client.query<{
    piece_id: number;
    report_kind: ReportKind;
    checksum: string;
    dead_hours: number[];
    parquet_key: string | null;
    byte_count: number | null;
  }>(livePiecesSql, [sourceUuid, days]);
  const pieces = rows.map((row) => ({
    pieceId: row.piece_id,
    kind: row.report_kind,
    generation: generationOf({ pieceId: row.piece_id, checksum: row.checksum }),
    deadHours: row.dead_hours,
  }));
  const files = rows.flatMap(({ piece_id: pieceId, parquet_key: parquetKey, byte_count: byteCount }) =>
    parquetKey === null || byteCount === null ? [] : [{ pieceId, parquetKey, byteCount }],
  );
  const planHash = createHash('sha256')
    .update(JSON.stringify([sourceUuid, days, pieces]))
    .digest('hex');
  return { pieces, files, planHash };
}
