import { groupedBy } from './grouped.ts';
import type { ClientBase } from 'pg';
import { ask, namesOf } from './answer-rows.ts';
import type { AnswerRow, Ranking } from './answer-rows.ts';
import type { Capacity, Columns } from './row.ts';
import type { Totalled } from './without-rate.ts';
import { numberOf } from './row.ts';
import type { Delta } from '../request/report-request.ts';
import { previousScope } from '../request/time-range.ts';
import type { Period } from '../sql/groups.ts';
import type { Asked } from '../sql/scope.ts';
import { rowsStatement, totalStatement } from '../sql/statements.ts';

/** How two values compare: `delta_value`, `delta_percent`. */
export interface Compared {
  value: number;
  percent: number | null;
}

function comparedWith(now: number, before: number): Compared {
  const value = now - before;
  // What is not worth a cent is no base of a percentage.
  return { value, percent: Math.abs(before) < 0.005 ? null : (value / before) * 100 };
}

function ratioOf(
  delta: Extract<Delta, { kind: 'ratio' }>,
  columns: Columns,
  capacity: Capacity | undefined,
): Compared {
  const value = (name: string) => (name === 'capacity' ? (capacity?.value ?? 0) : numberOf(columns[name]));
  const [a, b] = [value(delta.numerator), value(delta.denominator)];
  return { value: a - b, percent: b === 0 ? null : (a / b) * 100 };
}

/** The rows and the total, compared with the period before or one measure with another (API §6.6). */
export async function compare(
  client: ClientBase,
  asked: Asked,
  answer: {
    rows: readonly AnswerRow[];
    ranking: Ranking | undefined;
    total: Columns;
    capacity: Capacity | undefined;
  },
): Promise<{ rows: AnswerRow[]; delta: Compared | undefined; before?: Totalled }> {
  const { delta } = asked.request;
  if (delta === undefined) return { rows: [...answer.rows], delta: undefined };
  if (delta.kind === 'ratio')
    return {
      rows: answer.rows.map((row) => ({ ...row, delta: ratioOf(delta, row.columns, row.capacity) })),
      delta: ratioOf(delta, answer.total, answer.capacity),
    };
  const { scope, shift } = previousScope(asked.request.scope);
  const period: Period = { range: scope.range, resolution: scope.resolution, shift };
  const before = await previousValues(client, asked, period, delta.column, answer.ranking);
  const rows = answer.rows.map((row) => {
    const key = keyOf(row.date, row.names);
    const value = row.isOthers ? 0 : (before.get(key) ?? 0);
    // A namespace with two categories has two rows and one past.
    before.delete(key);
    return { ...row, delta: comparedWith(numberOf(row.columns[delta.column]), value) };
  });
  const days = scope.resolution === 'daily' ? { days: [...new Set(rows.map(({ date }) => date))] } : {};
  const [total = {}] = await ask(client, totalStatement(asked, { period, ...days }));
  const now = numberOf(answer.total[delta.column]);
  return {
    rows,
    delta: comparedWith(now, numberOf(total[delta.column])),
    before: { range: period.range, total },
  };
}

async function previousValues(
  client: ClientBase,
  asked: Asked,
  period: Period,
  column: string,
  ranking: Ranking | undefined,
): Promise<Map<string, number>> {
  const found = await ask(client, rowsStatement(asked, { period, ...keptOf(ranking) }));
  const values = new Map<string, number>();
  for (const row of found.filter((columns) => columns['is_total'] !== true)) {
    const key = keyOf(row['date'] as string, namesOf(row, asked.request));
    values.set(key, (values.get(key) ?? 0) + numberOf(row[column]));
  }
  return values;
}

/** The groups of another period that an answer needs: those that it shows. */
function keptOf(ranking: Ranking | undefined) {
  return ranking === undefined ? {} : { kept: ranking.kept, others: false };
}

function keyOf(date: string, names: readonly string[]): string {
  return JSON.stringify([date, ...names]);
}

/** Rows in the orders that SQL cannot give: by a comparison, or by the values of one day. */
export async function reordered(
  client: ClientBase,
  asked: Asked,
  rows: readonly AnswerRow[],
  ranking: Ranking | undefined,
): Promise<AnswerRow[]> {
  const { order } = asked.request;
  const key = order?.key;
  if (key === undefined || !('delta' in key || 'day' in key)) return [...rows];
  const compareRows =
    'delta' in key
      ? byDelta(order?.descending === true)
      : byPlace(await namesOfDay(client, asked, { day: key.day, rows, ranking }));
  return [...groupedBy(rows, ({ date }) => date).values()].flatMap((ofDate) => [
    ...ofDate.filter(({ isOthers }) => !isOthers).sort(compareRows),
    ...ofDate.filter(({ isOthers }) => isOthers),
  ]);
}

function byDelta(descending: boolean): (a: AnswerRow, b: AnswerRow) => number {
  const sign = descending ? -1 : 1;
  const percent = ({ delta }: AnswerRow) => delta?.percent ?? Number.POSITIVE_INFINITY;
  return (a, b) =>
    sign *
    (percent(a) === percent(b) ? (a.delta?.value ?? 0) - (b.delta?.value ?? 0) : percent(a) - percent(b));
}

/** The names of the groups that have data on a day of the range, in the usual order of their values on it. */
async function namesOfDay(
  client: ClientBase,
  asked: Asked,
  { day, rows, ranking }: { day: string; rows: readonly AnswerRow[]; ranking: Ranking | undefined },
): Promise<string[][]> {
  const { range, resolution } = asked.request.scope;
  if (resolution === 'daily')
    return rows.filter(({ date, isOthers }) => date === day && !isOthers).map(({ names }) => names);
  if (day < range.start || day > range.end) return [];
  const period: Period = { range: { start: day, end: day }, resolution: 'daily' };
  const found = await ask(client, rowsStatement(asked, { period, ...keptOf(ranking) }));
  return found
    .filter((columns) => columns['is_total'] !== true)
    .map((columns) => namesOf(columns, asked.request));
}

/** Groups without a value on that day follow in their own order; without data on it, all do. */
function byPlace(namesInOrder: readonly string[][]): (a: AnswerRow, b: AnswerRow) => number {
  const places = new Map<string, number>();
  for (const names of namesInOrder)
    if (!places.has(keyOf('', names))) places.set(keyOf('', names), places.size);
  const place = ({ names }: AnswerRow) => places.get(keyOf('', names)) ?? places.size;
  return (a, b) => place(a) - place(b);
}
