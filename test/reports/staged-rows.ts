import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { stagingTableOf } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { copyHeader, copyTrailer } from '../../platform/database/binary-copy.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { ParsedRecords, PlainRecords } from '../../reports/csv-records.ts';
import { readDailyCsv } from '../../reports/daily-csv.ts';
import { stagingRowWriter } from '../../reports/staging-rows.ts';
import { streamOf } from '../payload/archives.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { reportOf } from './reports.ts';

/** Rows as the load reads them from a daily CSV; each run is good until the next is read. */
export async function* recordsOf(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): AsyncGenerator<PlainRecords | ParsedRecords> {
  yield* (await readDailyCsv(streamOf(reportOf(header, rows)))).rows;
}

/** The first of them. */
export async function firstOf(
  header: readonly string[],
  row: readonly string[],
): Promise<PlainRecords | ParsedRecords> {
  for await (const some of recordsOf(header, [row])) return some;
  throw new Error('no records');
}

/** A row of a staging table, by column. */
export type StagedRow = Record<string, unknown>;

/**
 * Copy rows into the staging table of their kind as a piece of their own, and read them back in their order.
 * `labelSetId` gives the id of a text of labels, 7 for all when absent.
 */
export type CopyRows = (
  kind: ReportKind,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  labelSetId?: (text: string) => number | undefined,
) => Promise<StagedRow[]>;

/** How to copy rows for a source. */
export function rowCopier(source: StagedSource): CopyRows {
  let lastPieceId = 1_000_000;
  return async (kind, header, rows, labelSetId = () => 7) => {
    const { pool, schema } = source.database;
    const piece = {
      pieceId: (lastPieceId += 1),
      sourceUuid: source.sourceUuid,
      reportPeriodId: source.reportPeriodId,
    };
    const writer = stagingRowWriter(kind, header, piece);
    const lines: Buffer[] = [copyHeader];
    // The kernel's blocks take turns, and here all are kept.
    for await (const some of recordsOf(header, rows))
      lines.push(Buffer.from(writer.prepare(some).tuples(labelSetId)));
    lines.push(copyTrailer);
    return inTenantTransaction(pool, schema, async (client) => {
      // Into an empty table rows lie in the order they came; freed space of earlier rows would be filled first.
      await client.query(`truncate ${stagingTableOf(kind)}`);
      const into = copyFrom(writer.copySql);
      await pipeline(Readable.from(lines), client.query(into));
      const found = await client.query<StagedRow>(
        `select *, interval_start = '2026-10-01 05:00:00+00' as at_five from ${stagingTableOf(kind)} where piece_id = $1 order by ctid`,
        [piece.pieceId],
      );
      return found.rows;
    });
  };
}
