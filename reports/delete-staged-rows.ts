import type { PoolClient } from 'pg';
import { stagingTableOf } from '../domain/reports/report-kind.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';

/**
 * Delete the rows of a piece from staging.
 *
 * @param usageDay the only day of which it has rows, so that one partition is searched; undefined: they may be anywhere
 */
export async function deleteStagedRows(
  client: PoolClient,
  reportKind: ReportKind,
  pieceId: number,
  usageDay: UsageDay | undefined,
): Promise<void> {
  const ofPiece = `delete from ${stagingTableOf(reportKind)} where piece_id = $1`;
  if (usageDay === undefined) await client.query(ofPiece, [pieceId]);
  else
    await client.query(
      `${ofPiece}
         and interval_start >= $2::date::timestamp at time zone 'UTC'
         and interval_start < ($2::date + 1)::timestamp at time zone 'UTC'`,
      [pieceId, usageDay],
    );
}
