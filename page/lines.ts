import { rowsOf } from './answers.ts';
import type { Cost, Measure, NamedRow, Report, Row } from './answers.ts';
import { decimalOf, minus, numberOf, plus, sumOf, zero } from './decimal.ts';
import type { Decimal } from './decimal.ts';

/** The parts that a project receives of shared costs, or that a pool gives; those of pools are called like these. */
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
  /** ids of the sources of its clusters */
  sources: string[];
  /** what it was added up from: one for each month, and category of the project, that has costs */
  rows: readonly Row[];
}

/** Projects of an answer of costs, the most expensive first. */
export function projectLines(report: Report, distributed: boolean): ProjectLine[] {
  const lines = [...grouped(report.data.flatMap(rowsOf)).values()].map(projectLine);
  return lines.sort(byShown(distributed));
}

/** The same of rows that were taken apart by cluster: a line for each name and cluster. */
export function apartLines(rows: readonly NamedRow[], distributed: boolean): ProjectLine[] {
  const lines = [...grouped(rows, ({ row }) => row.source_uuid ?? []).values()].map(projectLine);
  return lines.sort(byShown(distributed));
}

function byShown(distributed: boolean) {
  return (a: ProjectLine, b: ProjectLine) =>
    numberOf(shown(b, distributed)) - numberOf(shown(a, distributed));
}

/** The amount that a view shows of a project. */
export function shown(line: Pick<ProjectLine, 'total' | 'distributed'>, distributed: boolean): Decimal {
  return distributed ? line.distributed : line.total;
}

/** The amount that a view shows of a row or total. */
export function shownCost(cost: Cost | undefined, distributed: boolean): Measure | undefined {
  return distributed ? (cost?.distributed ?? cost?.total) : cost?.total;
}

/** Rows of each group, over all months; what else they differ in may be named. */
function grouped(
  all: readonly NamedRow[],
  moreOf: (row: NamedRow) => readonly string[] = () => [],
): Map<string, Group> {
  const found = new Map<string, Group>();
  for (const each of all) {
    const key = JSON.stringify([...each.names, ...moreOf(each)]);
    const group = found.get(key) ?? { key, name: each.names.at(-1) ?? '', rows: [] };
    group.rows.push(each.row);
    found.set(key, group);
  }
  return found;
}

interface Group {
  /** no other group of the answer has it: a name may occur in several clusters */
  key: string;
  /** of the innermost group */
  name: string;
  rows: Row[];
}

function sourcesOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap(({ source_uuid: sources }) => sources ?? []))].sort();
}

function projectLine({ name, rows }: Group): ProjectLine {
  const sum = (pick: (cost: Cost | undefined) => Measure | undefined) =>
    sumOf(rows.map(({ cost }) => pick(cost)?.value ?? 0));
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
    sources: sourcesOf(rows),
    rows,
  };
}

/** CPU or memory of a project over the whole range. */
export interface UsageLine {
  name: string;
  classification: string | null;
  sources: string[];
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
  return [...grouped(report.data.flatMap(rowsOf)).values()].map(usageLine);
}

function usageLine({ name, rows }: Group): UsageLine {
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
    classification: rows[0]?.classification ?? null,
    sources: sourcesOf(rows),
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
export interface GroupLine extends Group {
  sources: string[];
  cost: Decimal;
  usage: Decimal;
  request: Decimal;
  capacity: Decimal;
}

export function groupLines(report: Report): GroupLine[] {
  return [...grouped(report.data.flatMap(rowsOf)).values()].map(({ key, name, rows }) => ({
    key,
    name,
    rows,
    sources: sourcesOf(rows),
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

/**
 * Are two sums the same, but for the rounding of the last digit that JSON numbers carry?
 * @param size of what they were computed from: the rounding is as large as that allows
 */
export function agree(a: Decimal, b: number, size = Math.abs(b)): boolean {
  const difference = Math.abs(numberOf(minus(a, decimalOf(b))));
  return difference <= Math.max(1e-9 * size, 1e-9);
}
