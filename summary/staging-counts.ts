import type { Pool } from 'pg';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** A live piece of which staging holds other rows than were loaded. */
export interface MiscountedPiece {
  pieceId: number;
  reportKind: ReportKind;
  usageDay: UsageDay;
  /** rows that were loaded, by the ledger */
  expected: number;
  /** rows found in staging; of rows whose labels are gone none is counted */
  found: number;
}

const markMiscountedSql = loadSql('summary/daily/mark_miscounted.sql');

/** The pieces of an error that a function of `017_counted_pieces.sql` raised; undefined for every other error. */
export function miscountedPieces(error: unknown): MiscountedPiece[] | undefined {
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  if (code !== 'OCP01' || typeof detail !== 'string') return undefined;
  return JSON.parse(detail) as MiscountedPiece[];
}

/** Note in the ledger that pieces are not in staging, whatever it said: their next load replaces what is there of them. */
export async function markMiscounted(
  pool: Pool,
  schema: string,
  pieceIds: readonly number[],
  signal?: AbortSignal,
): Promise<void> {
  await inTenantTransaction(pool, schema, (client) => client.query(markMiscountedSql, [pieceIds]), signal);
}
