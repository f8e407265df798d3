import type { ClientBase } from 'pg';
import type { AnswerRow, Ranking } from './answer-rows.ts';
import type { Capacity, Columns } from './row.ts';
import { numberOf } from './row.ts';
import { isGroupedBy } from '../request/report-request.ts';
import type { ReportRequest } from '../request/report-request.ts';
import { nestingOf } from '../sql/groups.ts';
import type { Asked } from '../sql/scope.ts';
import { clusterCapacityStatement, nodeCapacityStatement } from '../sql/statements.ts';
import type { CapacityReport, Statement } from '../sql/statements.ts';

/** Capacities of an answer's rows and of its total; undefined for reports without. */
export interface Capacities {
  of(row: AnswerRow, ranking: Ranking | undefined): Capacity | undefined;
  total(columns: Columns): Capacity | undefined;
}

/** Capacities by period and by name of cluster or node. */
type ByName = ReadonlyMap<string, ReadonlyMap<string, Capacity>>;

const noCapacities: Capacities = { of: () => undefined, total: () => undefined };

function capacityReport({ report: { name } }: ReportRequest): CapacityReport | undefined {
  return name === 'compute' || name === 'memory' || name === 'volumes' ? name : undefined;
}

/** Read what an answer needs of capacities from the daily summary (API §4.3). */
export async function capacitiesOf(client: ClientBase, asked: Asked): Promise<Capacities> {
  const report = capacityReport(asked.request);
  if (report === undefined) return noCapacities;
  const whole = await read(client, clusterCapacityStatement(asked, report, true));
  const total = added([...whole.values()].flatMap((ofRange) => [...ofRange.values()]));
  if (report !== 'volumes' && isGroupedBy(asked.request, 'node')) {
    const nodes = await read(client, nodeCapacityStatement(asked, report));
    return nodeCapacities(asked.request, nodes, total.count);
  }
  const clusters = await read(client, clusterCapacityStatement(asked, report, false));
  const ofRow = (row: AnswerRow) => {
    const names = (row.columns['clusters'] ?? []) as string[];
    return added(names.flatMap((name) => clusters.get(row.date)?.get(name) ?? []));
  };
  if (report === 'volumes')
    return {
      of: (row) => ({ value: numberOf(row.columns['capacity']), count: ofRow(row).count }),
      total: (columns) => ({ value: numberOf(columns['capacity']), count: total.count }),
    };
  return { of: ofRow, total: () => total };
}

async function read(client: ClientBase, { text, values }: Statement): Promise<ByName> {
  const { rows } = await client.query<{ date: string; name: string; capacity: string; count: string }>(
    text,
    values,
  );
  const found = new Map<string, Map<string, Capacity>>();
  for (const { date, name, capacity, count } of rows) {
    const ofDate = found.get(date) ?? new Map<string, Capacity>();
    ofDate.set(name, { value: Number(capacity), count: Number(count) });
    found.set(date, ofDate);
  }
  return found;
}

function added(capacities: readonly Capacity[]): Capacity {
  return capacities.reduce(
    (sum, { value, count }) => ({ value: sum.value + value, count: sum.count + count }),
    { value: 0, count: 0 },
  );
}

/** Nodes are told apart by their names alone, so that equal names in two clusters are one row (match). */
function nodeCapacities(request: ReportRequest, nodes: ByName, totalCount: number): Capacities {
  const position = nestingOf(request).findIndex(({ field }) => field === 'node');
  const ofOthers = (date: string, ranking: Ranking | undefined) => {
    const kept = new Set(ranking?.kept.map((names) => names[position]));
    return added(
      [...(nodes.get(date) ?? [])].flatMap(([name, capacity]) => (kept.has(name) ? [] : [capacity])),
    );
  };
  return {
    of(row, ranking) {
      if (row.isOthers) return ofOthers(row.date, ranking);
      const capacity = nodes.get(row.date)?.get(row.names[position] ?? '');
      return { value: capacity?.value ?? 0, count: numberOf(row.columns['node_count']) };
    },
    total: () => ({
      value: added([...nodes.values()].flatMap((ofDate) => [...ofDate.values()])).value,
      count: totalCount,
    }),
  };
}
