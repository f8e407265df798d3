import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { literal } from './client.ts';
import { lakeColumns } from './lake-columns.ts';
import type { VisibleRows } from './lake-tables.ts';

/** A live piece of a plan, as its file in the lake is named. */
export interface LivePiece {
  pieceId: number;
  kind: ReportKind;
  generation: string;
  /** UTC hours of it that do not count; nearly always none */
  deadHours: readonly number[];
}

/** What a statement reads: pieces of one source and month. */
export interface LivePieces {
  /** of the tenant */
  schema: string;
  pieces: readonly LivePiece[];
  /** where the rows of the source and month are, of each kind that the pieces have */
  visible: ReadonlyMap<ReportKind, VisibleRows>;
}

/**
 * A statement over the live rows of some kinds. It reads them from `live_<kind>`, which have the lake's columns and
 * `usage_day`.
 *
 * @param statement text of a file of sql/engines/trino
 */
export function overLiveLines(kinds: readonly ReportKind[], live: LivePieces, statement: string): string {
  const lines = kinds.map((kind) => `live_${kind} as (${liveLines(kind, live)})`);
  return `with ${lines.join(',\n')}\nselect * from (\n${statement}\n)`;
}

/** The partition first, so that no other month is opened; then exactly the generations and hours of the plan. */
function liveLines(kind: ReportKind, { pieces, visible }: LivePieces): string {
  const own = pieces.filter((piece) => piece.kind === kind);
  const rows = visible.get(kind);
  if (own.length === 0 || rows === undefined) return noLines(kind);
  const dead = own.flatMap(({ pieceId, deadHours }) => deadHours.map((hour) => 24 * pieceId + hour));
  const conditions = [
    ...rows.conditions,
    `piece_id in (${own.map(({ pieceId }) => pieceId).join(', ')})`,
    `generation in (${own.map(({ generation }) => literal(generation)).join(', ')})`,
    ...(dead.length === 0 ? [] : [`piece_id * 24 + hour(interval_start) not in (${dead.join(', ')})`]),
  ];
  return `select *, date(interval_start) as usage_day from ${rows.table} where ${conditions.join(' and ')}`;
}

/** Of a kind that never arrived there may be no table. */
function noLines(kind: ReportKind): string {
  const columns = [...lakeColumns(kind), { name: 'usage_day', type: 'date' }];
  return `select ${columns.map(({ name, type }) => `cast(null as ${type}) as ${name}`).join(', ')} where false`;
}
