import type { SummaryTable } from '../../domain/reports/summary-tables.ts';
import { restrictable } from '../access.ts';
import type { AccessLists } from '../access.ts';
import { dailySummary, fieldColumns } from '../reports.ts';
import type { Field } from '../reports.ts';
import { isGroupedBy } from '../request/report-request.ts';
import type { FieldValues, ReportRequest } from '../request/report-request.ts';
import type { DayRange } from '../request/time-range.ts';
import type { Parameters } from './parameters.ts';

/** Rates by source and by currency; an empty map where nothing is converted. */
export interface Rates {
  /** of the currency of a source's cost model to the requested one, as decimal text */
  bySource: ReadonlyMap<string, string>;
  /** of a row's raw currency to the requested one */
  byCurrency: ReadonlyMap<string, string>;
}

/** What every statement of an answer is about. */
export interface Asked {
  request: ReportRequest;
  access: AccessLists;
  rates: Rates;
}

/** Where the rows of a statement come from, and which of them count. */
export interface Scope {
  from: string;
  where: string;
  /** rates of cost-model costs and of raw costs, per row */
  x: string;
  y: string;
}

/** The table that answers (API §3): the smallest one that has all keys of the request, restricted access included. */
export function tableOf({ request, access }: Asked): SummaryTable {
  const { report } = request;
  const keys = keySet(request, access);
  const table = report.tables.find(
    ({ name, keySets }) =>
      keySets.includes(keys) &&
      // Costs of projects are only read there where they are shown by project (match).
      (name !== 'reporting_ocp_cost_summary_by_project_p' || isGroupedBy(request, 'project')),
  );
  return table?.name ?? report.fallback;
}

function keySet(request: ReportRequest, access: AccessLists): string {
  const keys = new Set<string>([
    ...request.groups.map(({ field, tag }) => field ?? `tag:${tag}`),
    ...request.filters.keys(),
    ...request.excludes.keys(),
    ...[...request.tagFilters.keys(), ...request.tagExcludes.keys()].map((key) => `tag:${key}`),
    ...restrictable.filter((kind) => access[kind] !== undefined),
  ]);
  if (request.infrastructures.length + request.excludedInfrastructures.length > 0)
    keys.add('infrastructures');
  return [...keys].sort().join(',');
}

/**
 * The one place where access, range, filters and exclusions become SQL. Every statement of an answer begins with it, so
 * that none can forget one.
 *
 * @param options.condition of the table itself, such as the data source
 */
export function scopeOf(
  parameters: Parameters,
  asked: Asked,
  options: { table: string; range: DayRange; condition: string; exclusions?: boolean; rates?: boolean },
): Scope {
  const { request, access } = asked;
  const conditions = [
    `t.usage_start between ${parameters.add(options.range.start, 'date')} and ${parameters.add(options.range.end, 'date')}`,
    options.condition,
    ...accessConditions(parameters, access),
    ...filterConditions(parameters, request),
    ...(options.exclusions === false ? [] : exclusionConditions(parameters, request)),
  ].filter((condition) => condition !== 'true');
  const { joins, x, y } = options.rates === false ? noRates : rateJoins(parameters, asked.rates);
  const needsCategory =
    request.categories !== undefined ||
    isGroupedBy(request, 'project') ||
    request.filters.has('category') ||
    request.excludes.has('category');
  return {
    from: [
      `${options.table} as t`,
      ...(needsCategory
        ? ['left join reporting_ocp_cost_category as category on category.id = t.cost_category_id']
        : []),
      ...joins,
    ].join('\n'),
    where: conditions.map((condition) => `(${condition})`).join('\n    and '),
    x,
    y,
  };
}

/** The condition under which rows of the answering table belong to the report. */
export function conditionOf(request: ReportRequest, table: string): string {
  return table === request.report.fallback ? request.report.fallbackCondition : 'true';
}

/** The condition of rows of the daily summary that capacities are read from. */
export function capacityCondition(request: ReportRequest): string {
  return request.report.name === 'volumes' ? `t.data_source = 'Storage'` : `t.data_source = 'Pod'`;
}

/** Where capacities come from, whatever table answers. */
export const capacityTable = dailySummary;

const noRates = { joins: [] as string[], x: '1', y: '1' };

function rateJoins(parameters: Parameters, rates: Rates): { joins: string[]; x: string; y: string } {
  const joins: string[] = [];
  let [x, y] = ['1', '1'];
  if (rates.bySource.size > 0) {
    const sources = parameters.add([...rates.bySource.keys()], 'uuid[]');
    const values = parameters.add([...rates.bySource.values()], 'numeric[]');
    joins.push(
      `left join unnest(${sources}, ${values}) as model (source_uuid, rate) on model.source_uuid = t.source_uuid`,
    );
    x = 'coalesce(model.rate, 1)';
  }
  if (rates.byCurrency.size > 0) {
    const currencies = parameters.add([...rates.byCurrency.keys()], 'text[]');
    const values = parameters.add([...rates.byCurrency.values()], 'numeric[]');
    joins.push(
      `left join unnest(${currencies}, ${values}) as raw (currency, rate) on raw.currency = t.raw_currency`,
    );
    y = 'coalesce(raw.rate, 1)';
  }
  return { joins, x, y };
}

/** Conditions of the access lists: by equality; a cluster by its id or its alias. */
export function accessConditions(parameters: Parameters, access: AccessLists): string[] {
  return restrictable.flatMap((kind) => {
    const list = access[kind];
    if (list === undefined) return [];
    const names = parameters.add(list, 'text[]');
    return [fieldColumns[kind].map((column) => `${column} = any(${names})`).join(' or ')];
  });
}

function filterConditions(parameters: Parameters, request: ReportRequest): string[] {
  return [
    ...[...request.filters].flatMap(([field, values]) =>
      fieldConditions(parameters, columnsOf(field), values),
    ),
    ...[...request.tagFilters].flatMap(([key, values]) => {
      const labels = `t.${request.report.labels}`;
      const name = parameters.add(key, 'text');
      const there = values.any ? [`${labels} ? ${name}`] : [];
      return [...there, ...fieldConditions(parameters, [`${labels} ->> ${name}`], values)];
    }),
    ...(request.infrastructures.length === 0 ? [] : [cloudCondition(parameters, request.infrastructures)]),
  ];
}

/** A row goes if it matches any of them; what is NULL matches nothing. */
function exclusionConditions(parameters: Parameters, request: ReportRequest): string[] {
  const matches = [
    ...[...request.excludes]
      .filter(([, values]) => namesValues(values))
      .map(([field, values]) => excluded(parameters, columnsOf(field), values)),
    ...[...request.tagExcludes]
      .filter(([, values]) => namesValues(values))
      .map(([key, values]) => {
        const labels = `t.${request.report.labels}`;
        return excluded(parameters, [`${labels} ->> ${parameters.add(key, 'text')}`], values);
      }),
    ...(request.excludedInfrastructures.length === 0
      ? []
      : [cloudCondition(parameters, request.excludedInfrastructures)]),
  ];
  return matches.map((match) => `not coalesce(${match}, false)`);
}

/** `*` alone excludes nothing (match). */
function namesValues({ plain, exact, and, or }: FieldValues): boolean {
  return plain.length + exact.length + and.length + or.length > 0;
}

function excluded(parameters: Parameters, columns: readonly string[], values: FieldValues): string {
  return fieldConditions(parameters, columns, { ...values, any: false })
    .map((condition) => `(${condition})`)
    .join(' or ');
}

function columnsOf(field: Field): readonly string[] {
  return fieldColumns[field];
}

/** Conditions that all have to hold: plain or exact, `and:`, `or:`. */
function fieldConditions(parameters: Parameters, columns: readonly string[], values: FieldValues): string[] {
  const conditions: string[] = [];
  const contains = (texts: readonly string[]) => {
    const patterns = parameters.add(texts.map(pattern), 'text[]');
    return columns.map((column) => `${column} ilike any(${patterns})`);
  };
  if (!values.any) {
    const either = values.plain.length > 0 ? contains(values.plain) : [];
    if (values.exact.length > 0) {
      const texts = parameters.add(values.exact, 'text[]');
      either.push(...columns.map((column) => `${column} = any(${texts})`));
    }
    if (either.length > 0) conditions.push(either.join(' or '));
  }
  if (values.and.length > 0) {
    const patterns = parameters.add(values.and.map(pattern), 'text[]');
    conditions.push(columns.map((column) => `${column} ilike all(${patterns})`).join(' or '));
  }
  if (values.or.length > 0) conditions.push(contains(values.or).join(' or '));
  return conditions;
}

/** A text as a pattern of LIKE that finds it anywhere. */
export function pattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

/** Condition of rows whose source runs on one of these clouds. */
export function cloudCondition(parameters: Parameters, clouds: readonly string[]): string {
  const types = parameters.add(
    clouds.flatMap((cloud) => [cloud.toUpperCase(), `${cloud.toUpperCase()}-local`]),
    'text[]',
  );
  return `t.source_uuid in (
        select provider.uuid
        from public.api_provider as provider
        join public.api_providerinfrastructuremap as cloud on cloud.id = provider.infrastructure_id
        where upper(cloud.infrastructure_type) = any(select upper(unnest(${types})))
    )`;
}
