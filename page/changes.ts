import type { Report, Row } from './answers.ts';
import { decimalOf, minus, numberOf, plus, sumOf, zero } from './decimal.ts';
import type { Decimal } from './decimal.ts';
import { agree, projectLines, shown, shownCost } from './lines.ts';
import type { ProjectLine } from './lines.ts';

/** What a project costs now less what it cost in the period before, both over the whole range. */
export interface Change {
  value: Decimal;
  /** null: it cost nothing before */
  percent: number | null;
}

/** A project with its change. */
export interface ChangedLine extends ProjectLine {
  /** undefined: not known, or not yet */
  change: Change | undefined;
  /** it cost something before, and has nothing now */
  isGone: boolean;
}

/** Changes of an answer. */
export interface Changes {
  /** projects of now, the most expensive first */
  lines: ChangedLine[];
  /** projects of the period before that are not there any more; known from its costs alone */
  gone: ChangedLine[];
  /** are the costs of the period before needed, for the changes of these, and for those that are gone? */
  needs: { lines: boolean; gone: boolean };
}

/**
 * The changes of projects, by which the cost of all has changed.
 *
 * A row of an answer has the change of its project in its month (API §6.6). So what a project cost in the period before
 * is missing where it has no row in that month now: of a range of several months such projects are compared with the
 * costs of the period before themselves.
 *
 * @param before costs of the period before, by project, if they are there
 */
export function changesOf(
  costs: Report,
  before: Report | undefined,
  { distributed }: { distributed: boolean },
): Changes {
  const now = projectLines(costs, distributed);
  const then = before === undefined ? undefined : new Map(linesBefore(before, distributed));
  const lines = now.map((line) => {
    const value = hasAllMonths(line, costs)
      ? changeOfRows(line.rows)
      : then && minus(shown(line, distributed), then.get(line.name) ?? zero);
    return { ...line, isGone: false, change: value && changeOf(line, value, distributed) };
  });
  const names = new Set(now.map(({ name }) => name));
  const gone = (before === undefined ? [] : projectLines(before, distributed))
    .filter(({ name }) => !names.has(name))
    .map((line) => ({
      ...line,
      isGone: true,
      change: { value: minus(zero, shown(line, distributed)), percent: -100 },
    }));
  const isUnknown = now.some((line) => !hasAllMonths(line, costs));
  const isMissing = isUnknown || unlisted(costs, lines, distributed) !== undefined;
  const canCompare = costs.meta.delta !== undefined;
  return { lines, gone, needs: { lines: canCompare && isUnknown, gone: canCompare && isMissing } };
}

/** What the changes of these projects miss of that of the total; undefined: nothing. */
export function unlisted(
  costs: Report,
  lines: readonly ChangedLine[],
  distributed: boolean,
): Decimal | undefined {
  const delta = costs.meta.delta?.value;
  if (delta === undefined) return undefined;
  const known = lines.reduce((sum, { change }) => plus(sum, change?.value ?? zero), zero);
  const total = shownCost(costs.meta.total?.cost, distributed)?.value ?? 0;
  const isAll = agree(known, delta, Math.abs(total) + Math.abs(delta));
  return isAll ? undefined : minus(decimalOf(delta), known);
}

function linesBefore(before: Report, distributed: boolean): [string, Decimal][] {
  return projectLines(before, distributed).map((line) => [line.name, shown(line, distributed)]);
}

/** Has the project a row in each month of the range? Its rows then hold all that it cost before. */
function hasAllMonths({ rows }: ProjectLine, { data }: Report): boolean {
  const months = new Set(rows.map(({ date }) => date));
  return data.every(({ date }) => months.has(date));
}

function changeOfRows(rows: readonly Row[]): Decimal | undefined {
  const values = rows.flatMap(({ delta_value: value }) => value ?? []);
  return values.length === 0 ? undefined : sumOf(values);
}

/** What is not worth a cent is no base of a percentage, as in the API. */
const minBase = 0.005;

function changeOf(line: ProjectLine, value: Decimal, distributed: boolean): Change {
  const before = numberOf(minus(shown(line, distributed), value));
  return { value, percent: Math.abs(before) < minBase ? null : (numberOf(value) / before) * 100 };
}
