import type { ReportKind, SummedUnit } from '../domain/reports/report-kind.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { stagingTableOf } from '../domain/reports/report-kind.ts';

/** A live piece whose rows in staging are not those that were loaded. */
export interface MiscountedPiece {
  pieceId: number;
  reportKind: ReportKind;
  usageDay: UsageDay;
  /** rows that were loaded, according to the ledger; or what the control sums of the day's live pieces come to */
  expected: number;
  /** rows found in staging; or what the daily relation adds up to, or how many of its rows have their labels */
  found: number;
  /** of daily relations only */
  measure?: Measure;
}

/** What daily relations are measured by. */
type Measure = 'rows' | 'rows with labels' | SummedUnit;

const markMiscountedSql = loadSql('summary/daily/mark_miscounted.sql');

/**
 * The pieces in an error raised by a function of `017_counted_pieces.sql` or `019_control_sums.sql`; undefined for
 * every other error.
 */
export function miscountedPieces(error: unknown): MiscountedPiece[] | undefined {
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  if (code !== 'OCP01' || typeof detail !== 'string') return undefined;
  return JSON.parse(detail) as MiscountedPiece[];
}

/**
 * Record in the ledger that pieces are not in staging: their next load replaces whatever is left of them. Of a day that
 * staging does not hold anyway, or that lacks labels, the relations are rebuilt from all its pieces.
 */
export async function markMiscounted(
  pool: Pool,
  schema: string,
  pieces: readonly MiscountedPiece[],
  signal?: AbortSignal,
): Promise<void> {
  const withoutLabels = pieces.filter(({ measure }) => measure === 'rows with labels');
  const idsOf = (some: readonly MiscountedPiece[]) => some.map(({ pieceId }) => pieceId);
  await inTenantTransaction(
    pool,
    schema,
    (client) => client.query(markMiscountedSql, [idsOf(pieces), idsOf(withoutLabels)]),
    signal,
  );
}

/**
 * The error for pieces whose rows staging does not keep however often they are loaded: somebody removes or adds rows.
 * Triggers, the usual cause, are named.
 */
export async function stagingNotKept(
  pool: Pool,
  schema: string,
  pieces: readonly MiscountedPiece[],
): Promise<PipelineError> {
  const [first] = pieces;
  if (first === undefined) throw new Error('no piece is miscounted');
  const { reportKind, expected, found, measure } = first;
  const where = `${describePieces(first, pieces.length)}, in ${schema}.${stagingTableOf(reportKind)}`;
  const how = `reloaded in vain${measure === undefined ? '' : `; ${describeDifference(measure)}`}`;
  return inTenantTransaction(pool, schema, (client) =>
    miscountedLoad(client, reportKind, { where, expected, found, how, ...(measure && { measure }) }),
  );
}

/** Which pieces are miscounted, for a message: the first one, and how many there are. */
export function describePieces({ pieceId, reportKind, usageDay }: MiscountedPiece, count: number): string {
  const more = count > 1 ? ` (and of ${count - 1} more pieces)` : '';
  return `piece ${pieceId}, ${reportKind} of ${usageDay}${more}`;
}

/** What is wrong with the daily relation of pieces, for a message. */
export function describeDifference(measure: Measure): string {
  return measure === 'rows with labels'
    ? 'label sets of the daily relation are gone'
    : 'the daily relation differs from the control sums of the pieces';
}

/** As {@link stagingNotKept}, for one load: what it sent, and what arrived. */
export async function miscountedLoad(
  client: PoolClient,
  reportKind: ReportKind,
  {
    where,
    expected,
    found,
    how,
    measure = 'rows',
  }: { where: string; expected: number; found: number; how: string; measure?: Measure },
): Promise<PipelineError> {
  const table = stagingTableOf(reportKind);
  const { rows } = await client.query<{ name: string }>(
    `select distinct trigger.tgname::text as name
     from pg_partition_tree($1::regclass) as partition
     join pg_trigger as trigger on trigger.tgrelid = partition.relid
     where not trigger.tgisinternal
     order by 1`,
    [table],
  );
  const names = rows.map(({ name }) => name);
  const cause =
    names.length === 0
      ? `Something else writes to ${table} (another program, a rule, a job)`
      : `Triggers on ${table} change the loaded rows: ${names.join(', ')}`;
  return new PipelineError(
    'StagingMiscounted',
    `staging does not keep the loaded rows (${how}): ${where}: expected ${expected} ${measure}, found ${found}. ` +
      `${cause}; remove the cause, then decide "retry", or run the payload or the rebuild again`,
    { details: { reportKind, expected, found, triggers: names } },
  );
}
