import { groupedBy } from './grouped.ts';
import type { ClientBase } from 'pg';
import { ask } from './answer-rows.ts';
import type { AnswerRow, Ranking } from './answer-rows.ts';
import type { Capacity, Columns } from './row.ts';
import { numberOf } from './row.ts';
import type { Delta, ReportRequest } from '../request/report-request.ts';
import { previousScope } from '../request/time-range.ts';
import { nestingOf } from '../sql/groups.ts';
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
): Promise<{ rows: AnswerRow[]; delta: Compared | undefined }> {
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
  const [total] = await ask(client, totalStatement(asked, { period, ...days }));
  const now = numberOf(answer.total[delta.column]);
  return { rows, delta: comparedWith(now, numberOf(total?.[delta.column])) };
}

async function previousValues(
  client: ClientBase,
  asked: Asked,
  period: Period,
  column: string,
  ranking: Ranking | undefined,
): Promise<Map<string, number>> {
  const found = await ask(
    client,
    rowsStatement(asked, { period, ...(ranking === undefined ? {} : { kept: ranking.kept, others: false }) }),
  );
  const values = new Map<string, number>();
  for (const row of found.filter((columns) => columns['is_total'] !== true)) {
    const names = nestingOf(asked.request).map((_, index) => row[`g${index + 1}`] as string);
    const key = keyOf(row['date'] as string, names);
    values.set(key, (values.get(key) ?? 0) + numberOf(row[column]));
  }
  return values;
}

function keyOf(date: string, names: readonly string[]): string {
  return JSON.stringify([date, ...names]);
}

/** Rows in the orders that SQL cannot give: by a comparison, or by the values of one day. */
export function reordered(rows: readonly AnswerRow[], request: ReportRequest): AnswerRow[] {
  const key = request.order?.key;
  if (key === undefined || !('delta' in key || 'day' in key)) return [...rows];
  const compareRows = 'delta' in key ? byDelta(request.order?.descending === true) : byDay(rows, key.day);
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

/** Groups without a value on that day follow in their own order; without data on it, all do. */
function byDay(rows: readonly AnswerRow[], day: string): (a: AnswerRow, b: AnswerRow) => number {
  const date = rows.some((row) => row.date === day) ? day : day.slice(0, 7);
  const places = new Map<string, number>();
  for (const row of rows)
    if (row.date === date && !places.has(keyOf('', row.names))) places.set(keyOf('', row.names), places.size);
  const place = ({ names }: AnswerRow) => places.get(keyOf('', names)) ?? places.size;
  return (a, b) => place(a) - place(b);
}
