import { contradiction, invalidParameter } from '../errors.ts';
import type { Report } from '../reports.ts';
import type { RequestContext, Section, Sections } from './parse-report.ts';
import type { Parameter } from './query-string.ts';
import type { Delta, Group, OrderKey, ReportRequest } from './report-request.ts';
import { addDays, firstOfMonth } from './time-range.ts';

/** Columns of the statement for keys of order_by, and their names in `meta`. */
export const orderColumns: Readonly<Record<string, string>> = {
  cost: 'cost_total',
  infrastructure: 'infra_total',
  supplementary: 'sup_total',
  distributed_cost: 'cost_total_distributed',
  usage: 'usage',
  request: 'request',
  limit: 'limit',
  usage_efficiency: 'usage_efficiency',
  wasted_cost: 'wasted_cost',
  request_cpu: 'request_cpu',
  request_memory: 'request_memory',
  gpu_memory: 'gpu_memory',
  gpu_count: 'gpu_count',
};

/**
 * The order that a request asks for: the last of its keys.
 * @throws ApiError 400 for keys without their group or delta
 */
export function orderOf(
  report: Report,
  parameters: readonly Parameter[],
  sections: Sections,
  groups: readonly Group[],
): ReportRequest['order'] {
  const name = parameters.filter((parameter) => parameter.name === 'order_by').at(-1)?.key;
  if (name === undefined || name.startsWith('tag:')) return undefined;
  const value = sections.order_by[name] as string;
  const descending = value === 'desc';
  if (name === 'date') return { key: { day: value }, descending: true };
  if (name === 'delta') {
    if (sections.rest['delta'] === undefined)
      throw invalidParameter('order_by', name, 'Needs the parameter delta.');
    return { key: { delta: true }, descending };
  }
  if (name === 'distributed_cost' && report.name !== 'vms' && !has(groups, 'project'))
    throw invalidParameter('order_by', name, 'Needs group_by[project].');
  return { key: orderKey(report, name, groups), descending };
}

function orderKey(report: Report, name: string, groups: readonly Group[]): OrderKey {
  const column = orderColumns[name];
  if (column !== undefined) return { column, isMeasure: true };
  if (name === 'storage_class') {
    const group = groups.findIndex(({ field }) => field === 'storageclass');
    if (group >= 0) return { group };
    if (has(groups, 'persistentvolumeclaim')) return { column: 'first_class', isMeasure: false };
    throw invalidParameter(
      'order_by',
      name,
      'Needs group_by[persistentvolumeclaim] or group_by[storageclass].',
    );
  }
  if (report.name === 'vms') return { column: name, isMeasure: false };
  const group = groups.findIndex(({ field }) => field === name);
  // GPUs always have a name.
  if (group < 0 && report.name === 'gpu' && name === 'gpu_name')
    return { column: 'gpu_name', isMeasure: false };
  if (group < 0) throw invalidParameter('order_by', name, `Needs group_by[${name}].`);
  return { group };
}

function has(groups: readonly Group[], field: string): boolean {
  return groups.some((group) => group.field === field);
}

/** The comparison that a request asks for. @throws ApiError 400 for shared costs without the project */
export function deltaOf(
  report: Report,
  name: string | undefined,
  groups: readonly Group[],
): Delta | undefined {
  if (name === undefined) return undefined;
  const [numerator = '', denominator] = name.split('__');
  if (denominator !== undefined) return { kind: 'ratio', numerator, denominator };
  if (name === 'distributed_cost' && !has(groups, 'project'))
    throw invalidParameter('delta', undefined, `${report.title}: distributed_cost needs group_by[project].`);
  return { kind: 'previous', column: orderColumns[name] ?? name };
}

/** What only several parameters together make wrong. @throws ApiError 400 */
export function checkCombinations(request: ReportRequest, sections: Sections, context: RequestContext): void {
  const { report, groups, rank, order, scope } = request;
  if (request.delta !== undefined && scope.byDates)
    throw contradiction('The delta parameter cannot be used with start_date and end_date.');
  if (rank !== undefined && groups.length === 0 && report.name !== 'mig')
    throw invalidParameter('filter', 'limit', 'Needs a group_by.');
  if (order !== undefined && 'day' in order.key) checkDay(order.key.day, groups, context);
  if (request.categories !== undefined && !has(groups, 'project'))
    throw invalidParameter('category', undefined, 'Needs group_by[project].');
  if (report.name === 'mig')
    for (const field of ['gpu_vendor', 'gpu_model', 'node'])
      if (!isFiltered(sections.filter, field))
        throw invalidParameter('filter', field, 'This field is required.');
}

function isFiltered(filter: Section, field: string): boolean {
  return filter[field] !== undefined || filter[`exact:${field}`] !== undefined;
}

function checkDay(day: string, groups: readonly Group[], context: RequestContext): void {
  if (groups.length === 0) throw invalidParameter('order_by', 'date', 'Needs a group_by.');
  const [first, last] = [firstOfMonth(context.today, 1 - context.retentionMonths), addDays(context.today, 1)];
  if (day < first || day > last)
    throw invalidParameter('order_by', 'date', `Expected a day from ${first} to ${last}, found ${day}.`);
}
