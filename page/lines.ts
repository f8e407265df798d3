import { rowsOf } from './answers.ts';
import type { Cost, Measure, NamedRow, Report, Row } from './answers.ts';
import { decimalOf, minus, numberOf, plus, sumOf, zero } from './decimal.ts';
import type { Decimal } from './decimal.ts';

/** The parts that a project receives of shared costs, or that a pool gives. */
export const shareNames = {
  platform_distributed: 'Platform',
  worker_unallocated_distributed: 'Worker unallocated',
  storage_unattributed_distributed: 'Storage unattributed',
  network_unattributed_distributed: 'Network unattributed',
  gpu_unallocated_distributed: 'GPU unallocated',
} as const;
export type Share = keyof typeof shareNames;
export const shares = Object.keys(shareNames) as Share[];

/** A project over the whole range. A range of several months has a row for each; amounts are added exactly. */
export interface ProjectLine {
  name: string;
  classification: string | null;
  units: string;
  total: Decimal;
  distributed: Decimal;
  shares: Record<Share, Decimal>;
  clusters: string[];
  delta: Decimal | undefined;
  /** null: nothing to compare with */
  deltaPercent: number | null;
}

/** Projects of an answer of costs, the most expensive first. */
export function projectLines(report: Report, distributed: boolean): ProjectLine[] {
  const lines = [...grouped(report)].map(([name, rows]) => projectLine(name, rows));
  return lines.sort((a, b) => numberOf(shown(b, distributed)) - numberOf(shown(a, distributed)));
}

/** The amount that a view shows of a project. */
export function shown(line: Pick<ProjectLine, 'total' | 'distributed'>, distributed: boolean): Decimal {
  return distributed ? line.distributed : line.total;
}

/** The amount that a view shows of a row or total. */
export function shownCost(cost: Cost | undefined, distributed: boolean): Measure | undefined {
  return distributed ? (cost?.distributed ?? cost?.total) : cost?.total;
}

function grouped(report: Report): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const { names, row } of report.data.flatMap(rowsOf)) {
    const name = names.at(-1) ?? '';
    found.set(name, [...(found.get(name) ?? []), row]);
  }
  return found;
}

function projectLine(name: string, rows: readonly Row[]): ProjectLine {
  const sum = (pick: (cost: Cost | undefined) => Measure | undefined) =>
    sumOf(rows.map(({ cost }) => pick(cost)?.value ?? 0));
  const changes = rows.flatMap(({ delta_value: value }) => value ?? []);
  const delta = changes.length === 0 ? undefined : sumOf(changes);
  const [only] = rows.length === 1 ? rows : [];
  return {
    name,
    classification: rows[0]?.classification ?? null,
    units: rows[0]?.cost?.total.units ?? '',
    total: sum((cost) => cost?.total),
    distributed: sum((cost) => cost?.distributed ?? cost?.total),
    shares: Object.fromEntries(shares.map((share) => [share, sum((cost) => cost?.[share])])) as Record<
      Share,
      Decimal
    >,
    clusters: [...new Set(rows.flatMap(({ clusters }) => clusters ?? []))].sort(),
    delta,
    deltaPercent: only === undefined ? null : (only.delta_percent ?? null),
  };
}

/** CPU or memory of a project over the whole range. */
export interface UsageLine {
  name: string;
  usage: Decimal;
  request: Decimal;
  cost: Decimal;
  units: string;
  usageUnits: string;
  /** undefined: nothing was requested */
  efficiency: number | undefined;
  wasted: Measure | undefined;
}

/** Projects of an answer of compute or memory. */
export function usageLines(report: Report): UsageLine[] {
  return [...grouped(report)].map(([name, rows]) => usageLine(name, rows));
}

function usageLine(name: string, rows: readonly Row[]): UsageLine {
  const sum = (pick: (row: Row) => Measure | undefined) => sumOf(rows.map((row) => pick(row)?.value ?? 0));
  const usage = sum((row) => row.usage);
  const request = sum((row) => row.request);
  const cost = sum((row) => row.cost?.total);
  const units = rows[0]?.cost?.total.units ?? '';
  const [only] = rows.length === 1 ? rows : [];
  const none = numberOf(request) === 0;
  const ratio = none ? 0 : numberOf(usage) / numberOf(request);
  return {
    name,
    usage,
    request,
    cost,
    units,
    usageUnits: rows[0]?.usage?.units ?? '',
    efficiency: none ? undefined : (only?.score?.usage_efficiency_percent ?? Math.round(ratio * 100)),
    // By the API's formula, over the whole range.
    wasted: none
      ? undefined
      : (only?.score?.wasted_cost ?? { value: Math.max(numberOf(cost) * (1 - ratio), 0), units }),
  };
}

/** Any group over the whole range: name, cost, usage and request. */
export interface GroupLine {
  name: string;
  rows: Row[];
  cost: Decimal;
  usage: Decimal;
  request: Decimal;
  capacity: Decimal;
}

export function groupLines(report: Report): GroupLine[] {
  return [...grouped(report)].map(([name, rows]) => ({
    name,
    rows,
    cost: sumOf(rows.map(({ cost }) => cost?.total.value ?? 0)),
    usage: sumOf(rows.map(({ usage }) => usage?.value ?? 0)),
    request: sumOf(rows.map(({ request }) => request?.value ?? 0)),
    capacity: sumOf(rows.map(({ capacity }) => capacity?.value ?? 0)),
  }));
}

/** The cost of a pool that nobody owns. */
export function isPool({ classification }: Pick<ProjectLine, 'classification'>): boolean {
  return classification === 'unallocated' || classification === 'unattributed';
}

/** Pools, what they hold together, and what one pool gave away. */
export function poolsOf(lines: readonly ProjectLine[]) {
  const pools = lines.filter(isPool);
  return { pools, sum: pools.reduce((sum, { total }) => plus(sum, total), zero) };
}

export function given(line: ProjectLine): Decimal {
  return minus(line.distributed, line.total);
}

/** Daily sums of an answer: all rows of a day together, null for a day without data. */
export function dailyTotals(report: Report, distributed: boolean): { date: string; value: Decimal | null }[] {
  return report.data.map((element) => {
    const rows: NamedRow[] = rowsOf(element);
    return {
      date: element.date,
      value:
        rows.length === 0 ? null : sumOf(rows.map(({ row }) => shownCost(row.cost, distributed)?.value ?? 0)),
    };
  });
}

/** Are two sums the same, but for the rounding of the last digit that JSON numbers carry? */
export function agree(a: Decimal, b: number): boolean {
  const difference = Math.abs(numberOf(minus(a, decimalOf(b))));
  return difference <= Math.max(1e-9 * Math.abs(b), 1e-9);
}
