import { distinct, distributedFields, greatest, measuresOf, parted, rawShareTypes } from './measures.ts';
import type { Measures } from './measures.ts';
import {
  groupExpressions,
  mergedCondition,
  periodExpression,
  periodName,
  periodOf,
  splitsOf,
} from './groups.ts';
import type { Period } from './groups.ts';
import { keepsRankOrder, orderTerms, rankTerms } from './order.ts';
import { Parameters } from './parameters.ts';
import { capacityCondition, capacityTable, conditionOf, scopeOf, tableOf } from './scope.ts';
import type { Asked, Scope } from './scope.ts';
import { dailySummary } from '../reports.ts';
import { isGroupedBy } from '../request/report-request.ts';
import type { DayRange } from '../request/time-range.ts';

/** A statement and its values. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** Groups that were kept by a ranking, in rank order: the values of each group of the nesting. */
export type Kept = readonly (readonly string[])[];

const clusterName = 'coalesce(t.cluster_alias, t.cluster_id)';

interface Begun {
  parameters: Parameters;
  scope: Scope;
  measures: Measures;
}

/** Scope and columns of a statement over the answering table. */
function begin(asked: Asked, period: Period, options?: { exclusions?: boolean; total?: boolean }): Begun {
  const { request } = asked;
  const table = tableOf(asked);
  const parameters = new Parameters();
  const scope = scopeOf(parameters, asked, {
    table,
    range: period.range,
    condition: conditionOf(request, table),
    exclusions: options?.exclusions ?? true,
  });
  const nodeCount = options?.total !== true && isGroupedBy(request, 'node');
  const measures = measuresOf(request, { x: scope.x, y: scope.y, nodeCount });
  return { parameters, scope, measures };
}

function columnList(columns: Readonly<Record<string, string>>): string[] {
  return Object.entries(columns).map(([name, expression]) => `${expression} as "${name}"`);
}

function statement(parameters: Parameters, ...lines: string[]): Statement {
  return { text: lines.join('\n'), values: parameters.values };
}

/**
 * The rows of an answer: one per period and group, in order. Where the sums can be told from parts, and every row
 * counts, the first row is the total of all, with `is_total`; its other columns but the sums mean nothing.
 * @param options.kept groups of a ranking; all others are added up, or left out with `others: false`
 * @param options.period another period than the request's
 */
export function rowsStatement(
  asked: Asked,
  options: { kept?: Kept; others?: boolean; period?: Period } = {},
): Statement {
  const { request } = asked;
  const period: Period = options.period ?? request.scope;
  const { parameters, scope, measures } = begin(asked, period);
  const expressions = groupExpressions(parameters, request);
  const ranked = options.kept === undefined ? undefined : rankedJoin(parameters, expressions, options);
  const shown = (expression: string) =>
    ranked === undefined ? expression : `case when kept.rank is not null then ${expression} end`;
  const splits = Object.fromEntries(
    Object.entries(splitsOf(request)).map(([name, expression]) => [name, shown(expression)]),
  );
  const keys = {
    period: periodOf(parameters, period),
    rank: ranked === undefined ? '0' : 'kept.rank',
    ...named(expressions.map((expression) => `coalesce(${shown(expression)}, '')`)),
    ...splits,
  };
  const columns = new Set(Object.keys({ ...measures.sums, ...measures.derived, ...splits }));
  const order =
    ranked !== undefined && keepsRankOrder(request)
      ? ['rank', ...orderTerms(parameters, request, columns)]
      : ['rank is null', ...orderTerms(parameters, request, columns)];
  return statement(
    parameters,
    `select ${periodName(period.resolution)} as date, sums.*, ${columnList(measures.derived).join(',\n    ')}`,
    'from (',
    ...groupedRows({
      keys,
      merged: merged(parameters, asked),
      sums: measures.sums,
      byType: tableOf(asked) === dailySummary,
      withTotal: options.others !== false,
      rows: [`from ${scope.from}`, ranked ?? '', `where ${scope.where}`],
    }),
    ') as sums',
    `order by is_total desc, period, ${order.join(', ')}`,
  );
}

/** Groups by the names of their columns. */
function named(expressions: readonly string[]): Record<string, string> {
  return Object.fromEntries(expressions.map((expression, index) => [`g${index + 1}`, expression]));
}

/** What {@link groupedRows} selects. */
interface GroupedRows {
  keys: Readonly<Record<string, string>>;
  merged: string;
  sums: Measures['sums'];
  /** from and where */
  rows: readonly string[];
  /** the table has many rows for each group and rate type */
  byType: boolean;
  withTotal: boolean;
}

/**
 * The select of one row per group, with the names of its clusters and its sources, and of their total. Lists of
 * distinct names sort what they are made from. Where the sums allow it, rows are added up by cluster first, which needs
 * no order and reads them once for everything; the few rows of that are sorted.
 */
function groupedRows({ keys, merged, sums, rows, byType, withTotal }: GroupedRows): string[] {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join(', ');
  const names = Object.keys(keys);
  const lists = (cluster: string, source: string) => ({
    clusters: distinct(cluster),
    source_uuid: distinct(source),
  });
  const select = (columns: Readonly<Record<string, string>>) =>
    `select ${columnList(columns).join(',\n    ')}`;
  const parts = parted(sums, byType);
  if (parts === undefined) {
    const ofRows = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum.rows]));
    return [
      select({ ...keys, merged, ...ofRows, ...lists(clusterName, 't.source_uuid'), is_total: 'false' }),
      ...rows,
      `group by ${numbers(names.length)}`,
    ];
  }
  const part = { part_cluster: clusterName, part_source: 't.source_uuid', ...parts.keys };
  const without = (columns: readonly string[]) => Object.fromEntries(columns.map((name) => [name, 'null']));
  const total = {
    ...without([...names, 'merged']),
    ...parts.sums,
    ...without(['clusters', 'source_uuid']),
    is_total: 'true',
  };
  return [
    'with parts as materialized (',
    select({ ...keys, ...part, merged, ...parts.columns }),
    ...rows,
    `group by ${numbers(names.length + Object.keys(part).length)}`,
    ')',
    select({
      ...Object.fromEntries(names.map((name) => [name, `"${name}"`])),
      merged: 'bool_or(merged)',
      ...parts.sums,
      ...lists('part_cluster', 'part_source'),
      is_total: 'false',
    }),
    'from parts',
    `group by ${numbers(names.length)}`,
    ...(withTotal ? ['union all', select(total), 'from parts'] : []),
  ];
}

function rankedJoin(
  parameters: Parameters,
  expressions: readonly string[],
  options: { kept?: Kept; others?: boolean },
): string {
  const kept = options.kept ?? [];
  const lists = expressions.map((_, index) =>
    parameters.add(
      kept.map((names) => names[index]),
      'text[]',
    ),
  );
  const names = expressions.map((_, index) => `g${index + 1}`);
  const conditions = expressions.map((expression, index) => `kept.g${index + 1} = ${expression}`);
  return `${options.others === false ? 'join' : 'left join'} unnest(${lists.join(', ')}) with ordinality as kept (${names.join(', ')}, rank)
    on ${conditions.join(' and ')}`;
}

/** Is a namespace of the group merged into its category? */
function merged(parameters: Parameters, { request }: Asked): string {
  if (request.categories === undefined) return 'false';
  return `bool_or(${mergedCondition(parameters, request.categories)})`;
}

/** The groups of an answer ranked over its whole range: those between two ranks, the first, and how many there are. */
export function ranksStatement(asked: Asked, ranks: { first: number; last: number }): Statement {
  const { request } = asked;
  const { parameters, scope, measures } = begin(asked, request.scope);
  const expressions = groupExpressions(parameters, request);
  const columns = new Set(Object.keys({ ...measures.sums, ...measures.derived }));
  const groups = expressions.map((_, index) => `g${index + 1}`);
  const costGroup = request.report.name === 'costs' && isGroupedBy(request, 'project');
  return statement(
    parameters,
    `select * from (`,
    `select ${groups.join(', ')}, merged, clusters, source_uuid, cost_group,`,
    `    row_number() over (order by ${rankTerms(parameters, request, columns).join(', ')}) as rank,`,
    '    count(*) over () as group_count',
    'from (',
    `select sums.*, ${columnList(measures.derived).join(',\n    ')}`,
    'from (',
    ...groupedRows({
      keys: named(expressions),
      merged: merged(parameters, asked),
      sums: {
        ...measures.sums,
        cost_group: greatest(costGroup ? 'max(category.name)' : 'null::text'),
      },
      byType: tableOf(asked) === dailySummary,
      withTotal: false,
      rows: [`from ${scope.from}`, `where ${scope.where}`],
    }),
    ') as sums',
    ') as ranked',
    ') as numbered',
    `where rank between ${parameters.add(ranks.first, 'integer')} and ${parameters.add(ranks.last, 'integer')} or rank = 1`,
    'order by rank',
  );
}

const ofOneMachine = new Set(['cluster', 'node', 'project', 'storage', 'labels']);

/**
 * All rows at once.
 * @param options.days of the previous period, only those that are compared with one of these days
 */
export function totalStatement(
  asked: Asked,
  options: { period?: Period; days?: readonly string[] } = {},
): Statement {
  const period: Period = options.period ?? asked.request.scope;
  const { parameters, scope, measures } = begin(asked, period, { total: true });
  const compared =
    options.days === undefined
      ? ''
      : ` and to_char(${periodExpression(parameters, 'daily', period.shift)}, 'YYYY-MM-DD') = any(${parameters.add(options.days, 'text[]')})`;
  // What virtual machines have beyond numbers is of one machine.
  const sums = Object.fromEntries(
    Object.entries(measures.sums)
      .filter(([name]) => !ofOneMachine.has(name))
      .map(([name, sum]) => [name, sum.rows]),
  );
  return statement(
    parameters,
    `select sums.*, ${columnList(measures.derived).join(',\n    ')}`,
    'from (',
    `select ${columnList(sums).join(',\n    ')}`,
    `from ${scope.from}`,
    `where ${scope.where}${compared}`,
    ') as sums',
  );
}

/** Do the rows, exclusions aside, hold costs of pools that were distributed? */
export function overheadStatement(asked: Asked): Statement {
  const { parameters, scope } = begin(asked, asked.request.scope, { exclusions: false });
  return statement(
    parameters,
    'select exists (',
    `select from ${scope.from}`,
    `where ${scope.where}`,
    `    and t.cost_model_rate_type in ('platform_distributed', 'worker_distributed')`,
    ') as found',
  );
}

/** Which of some sources have rows. */
export function sourcesStatement(asked: Asked, range: DayRange, sources: readonly string[]): Statement {
  const table = tableOf(asked);
  const parameters = new Parameters();
  const condition = conditionOf(asked.request, table);
  const scope = scopeOf(parameters, asked, { table, range, condition, rates: false });
  return statement(
    parameters,
    `select t.source_uuid as source from ${scope.from}`,
    `where ${scope.where} and t.source_uuid = any(${parameters.add(sources, 'uuid[]')})`,
    'group by 1',
  );
}

/** Currencies of raw costs in the rows, and of shares of pools that are in them, beyond those that are converted. */
export function rawCurrenciesStatement(
  asked: Asked,
  range: DayRange,
  converted: Iterable<string>,
): Statement {
  const { request } = asked;
  const table = tableOf(asked);
  const parameters = new Parameters();
  const condition = conditionOf(request, table);
  const scope = scopeOf(parameters, asked, { table, range, condition, rates: false });
  const shares = distributedFields(request).sum
    ? `or t.cost_model_rate_type = any(${parameters.add(rawShareTypes, 'text[]')}) and t.distributed_cost <> 0`
    : '';
  return statement(
    parameters,
    `select t.raw_currency as currency from ${scope.from}`,
    `where ${scope.where}`,
    `    and t.raw_currency <> all(${parameters.add([...converted, ''], 'text[]')})`,
    `    and (t.infrastructure_raw_cost <> 0 or t.infrastructure_markup_cost <> 0 ${shares})`,
    'group by 1',
  );
}

const capacityColumns = {
  compute: {
    cluster: 't.cluster_capacity_cpu_core_hours',
    hours: 't.node_capacity_cpu_core_hours',
    count: 't.node_capacity_cpu_cores',
  },
  memory: {
    cluster: 't.cluster_capacity_memory_gigabyte_hours',
    hours: 't.node_capacity_memory_gigabyte_hours',
    count: 't.node_capacity_memory_gigabytes',
  },
  volumes: {
    cluster: 'null::numeric',
    hours: 'null::numeric',
    count: 't.persistentvolumeclaim_capacity_gigabyte',
  },
} as const;

/** Reports with a capacity. */
export type CapacityReport = keyof typeof capacityColumns;

/**
 * Capacities of clusters (API §4.3): per period and cluster name the sum over its days and cluster ids of their largest
 * capacity, and the sum over its nodes of their largest count. With `whole`, one period for the whole range.
 */
export function clusterCapacityStatement(asked: Asked, report: CapacityReport, whole: boolean): Statement {
  const { parameters, scope, period } = beginCapacity(asked, whole);
  const { cluster, count } = capacityColumns[report];
  return statement(
    parameters,
    // Once through the table, which is the daily summary: the rest is of as many rows as clusters have nodes and days.
    'with node_days as materialized (',
    `    select ${period} as period, t.usage_start, t.cluster_id, ${clusterName} as name, t.node,`,
    `        max(${cluster}) as capacity, max(${count}) as count`,
    `    from ${scope.from} where ${scope.where} group by 1, 2, 3, 4, 5`,
    '), cluster_days as (',
    '    select period, usage_start, cluster_id, max(name) as name, max(capacity) as capacity',
    '    from node_days group by 1, 2, 3',
    '), nodes as (',
    '    select period, name, node, max(count) as count from node_days where node is not null group by 1, 2, 3',
    '), counts as (select period, name, sum(count) as count from nodes group by 1, 2)',
    ', capacities as (select period, name, sum(capacity) as capacity from cluster_days group by 1, 2)',
    `select ${periodName(asked.request.scope.resolution)} as date, name, coalesce(capacity, 0) as capacity, coalesce(count, 0) as count`,
    'from capacities left join counts using (period, name)',
  );
}

/** Capacities of nodes: per period and node name the sum over its days of the largest, and the largest count. */
export function nodeCapacityStatement(asked: Asked, report: CapacityReport): Statement {
  const { parameters, scope, period } = beginCapacity(asked, false);
  const { hours, count } = capacityColumns[report];
  return statement(
    parameters,
    'with node_days as (',
    `    select ${period} as period, t.usage_start, t.node, max(${hours}) as capacity, max(${count}) as count`,
    `    from ${scope.from} where ${scope.where} and t.node is not null group by 1, 2, 3`,
    ')',
    `select ${periodName(asked.request.scope.resolution)} as date, node as name,`,
    '    coalesce(sum(capacity), 0) as capacity, coalesce(max(count), 0) as count',
    'from node_days group by period, node',
  );
}

function beginCapacity(asked: Asked, whole: boolean) {
  const { request } = asked;
  const parameters = new Parameters();
  const scope = scopeOf(parameters, asked, {
    table: capacityTable,
    range: request.scope.range,
    condition: capacityCondition(request),
    rates: false,
  });
  const period = whole ? `date '1970-01-01'` : periodExpression(parameters, request.scope.resolution);
  return { parameters, scope, period };
}
