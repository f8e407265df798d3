import { groupedBy } from './grouped.ts';
import type { ClientBase } from 'pg';
import { capacitiesOf } from './capacities.ts';
import type { Capacity, Columns } from './row.ts';
import { hasOthers } from '../request/report-request.ts';
import type { ReportRequest } from '../request/report-request.ts';
import { nestingOf } from '../sql/groups.ts';
import type { Asked } from '../sql/scope.ts';
import { ranksStatement, rowsStatement } from '../sql/statements.ts';
import type { Kept, Statement } from '../sql/statements.ts';

/** One row of an answer before it is written. */
export interface AnswerRow {
  /** day or month */
  date: string;
  /** values of the nesting's groups; blank where the row has none */
  names: string[];
  /** the sum of the groups that were not kept */
  isOthers: boolean;
  /** rank among the kept groups, from 0 */
  rank: number | undefined;
  columns: Columns;
  capacity: Capacity | undefined;
  delta?: { value: number; percent: number | null };
}

/** The groups that a ranked answer shows. */
export interface Ranking {
  kept: Kept;
  groupCount: number;
  /** what a group has where it has no row */
  groups: readonly Columns[];
}

/** Run a statement. */
export async function ask(client: ClientBase, { text, values }: Statement): Promise<Columns[]> {
  return (await client.query<Record<string, unknown>>(text, values)).rows;
}

/** Rank the groups of a request over its whole range; undefined if it does not ask for that. */
export async function rankGroups(client: ClientBase, asked: Asked): Promise<Ranking | undefined> {
  const { rank } = asked.request;
  if (rank === undefined || nestingOf(asked.request).length === 0) return undefined;
  const first = (rank.offset ?? 0) + 1;
  const last = first - 1 + rank.limit;
  const found = await ask(client, ranksStatement(asked, { first, last }));
  const groups = found.filter((row) => Number(row['rank']) >= first && Number(row['rank']) <= last);
  return {
    kept: groups.map((row) => namesOf(row, asked.request)),
    groupCount: Number(found[0]?.['group_count'] ?? 0),
    groups,
  };
}

/** The names of a row's groups, as the statement gives them. */
export function namesOf(columns: Columns, request: ReportRequest): string[] {
  return nestingOf(request).map((_, index) => columns[`g${index + 1}`] as string);
}

/**
 * The rows of an answer in their order, with their capacities; ranked groups on every day that has a row. The total is
 * undefined where it has to be asked for.
 */
export async function answerRows(client: ClientBase, asked: Asked, ranking: Ranking | undefined) {
  const { request } = asked;
  const others = hasOthers(request);
  const found = await ask(
    client,
    rowsStatement(asked, ranking === undefined ? {} : { kept: ranking.kept, others }),
  );
  const capacities = await capacitiesOf(client, asked);
  const total = found.find((columns) => columns['is_total'] === true);
  const shown = found.filter((columns) => columns !== total).map((columns) => toRow(columns, request));
  // An instance of a GPU is there on a day or is not: it has no measure that could be zero.
  const isFilled = ranking !== undefined && request.report.name !== 'mig';
  const withZeroes = isFilled ? zeroFilled(shown, ranking, request) : shown;
  const rows = withZeroes.map((row) => ({ ...row, capacity: capacities.of(row, ranking) }));
  return { rows, capacities, total };
}

function toRow(columns: Columns, request: ReportRequest): AnswerRow {
  const isOthers = columns['rank'] === null;
  const rank = Number(columns['rank']);
  return {
    date: columns['date'] as string,
    names: namesOf(columns, request),
    isOthers,
    rank: isOthers || rank === 0 ? undefined : rank - 1,
    columns,
    capacity: undefined,
  };
}

/**
 * Every kept group, and the sum of the others if there are any, on every day that has a row: with zeroes where it has
 * none, in the place that a zero has.
 */
function zeroFilled(rows: readonly AnswerRow[], ranking: Ranking, request: ReportRequest): AnswerRow[] {
  const others = rows.filter(({ isOthers }) => isOthers);
  const zeroes = ranking.groups.map((group, rank) => zeroRow(group, namesOf(group, request), rank, request));
  return [...groupedBy(rows, ({ date }) => date)].flatMap(([date, ofDate]) => {
    const present = new Set(ofDate.map(({ rank }) => rank));
    const missing = zeroes.filter(({ rank }) => !present.has(rank)).map((row) => ({ ...row, date }));
    const own = ofDate.filter(({ isOthers }) => isOthers);
    const last = own.length > 0 || others.length === 0 ? own : [{ ...zeroOthers(others, request), date }];
    const groups = ofDate.filter(({ isOthers }) => !isOthers);
    if (missing.length === 0) return [...groups, ...last];
    return [...[...groups, ...missing].sort(zeroPlace(request)), ...last];
  });
}

/** The sum of others on a day without any: it has the clusters that it has on other days. */
function zeroOthers(others: readonly AnswerRow[], request: ReportRequest): AnswerRow {
  const united = (name: string) =>
    [...new Set(others.flatMap(({ columns }) => columns[name] as string[]))].sort();
  const known = { clusters: united('clusters'), source_uuid: united('source_uuid') };
  return { ...zeroRow(known, [], undefined, request), isOthers: true };
}

function zeroRow(
  group: Columns,
  names: string[],
  rank: number | undefined,
  request: ReportRequest,
): AnswerRow {
  const { clusters, source_uuid, merged, cost_group } = group;
  const lists = request.report.name === 'volumes' ? { persistent_volume_claim: [], storage_class: [] } : {};
  const columns = { clusters, source_uuid, merged, cost_group, ...lists };
  return { date: '', names, isOthers: false, rank, columns, capacity: undefined };
}

function zeroPlace(request: ReportRequest): (a: AnswerRow, b: AnswerRow) => number {
  const { order } = request;
  const key = order?.key;
  if (key !== undefined && 'column' in key && key.isMeasure && !isCost(key.column)) {
    const sign = order?.descending === true ? -1 : 1;
    return (a, b) =>
      sign * (Number(a.columns[key.column] ?? 0) - Number(b.columns[key.column] ?? 0)) ||
      (a.rank ?? 0) - (b.rank ?? 0);
  }
  if (key !== undefined && 'group' in key) {
    const sign = order?.descending === true ? -1 : 1;
    return (a, b) =>
      sign * compareNames(a.names[key.group] ?? '', b.names[key.group] ?? '', request, key.group);
  }
  return (a, b) => (a.rank ?? 0) - (b.rank ?? 0);
}

function isCost(column: string): boolean {
  return column === 'cost_total' || column === 'cost_total_distributed';
}

/** As the statement sorts names: see sql/order.ts. */
function compareNames(a: string, b: string, request: ReportRequest, group: number): number {
  const { field, tag } = nestingOf(request)[group] ?? { field: undefined, tag: '' };
  const label = (name: string) => (name === '' ? `no-${field ?? tag}` : name).toLowerCase();
  const [left, right] = [label(a), label(b)];
  const last = (name: string) => Number(name.startsWith('othe'));
  return last(left) - last(right) || Buffer.compare(Buffer.from(left), Buffer.from(right));
}
