import { groupName } from '../request/report-request.ts';
import type { OrderKey, ReportRequest } from '../request/report-request.ts';
import { nestingOf } from './groups.ts';
import type { Parameters } from './parameters.ts';

/** Do ranked groups keep their rank order on every day? Otherwise each day is sorted (API §6.2). */
export function keepsRankOrder(request: ReportRequest): boolean {
  const key = request.order?.key;
  return (
    key === undefined || ('column' in key && ['cost_total', 'cost_total_distributed'].includes(key.column))
  );
}

/** What rows within a period are sorted by. `columns` are those that the statement has. */
export function orderTerms(
  parameters: Parameters,
  request: ReportRequest,
  columns: ReadonlySet<string>,
): string[] {
  return [...keyTerms(parameters, request, columns, request.order?.key), ...tieTerms(request, columns)];
}

/** What groups are ranked by, over the whole range. */
export function rankTerms(
  parameters: Parameters,
  request: ReportRequest,
  columns: ReadonlySet<string>,
): string[] {
  const { order, rank, delta } = request;
  const ties = tieTerms(request, columns, request.report.name === 'mig');
  const direction = order?.descending === false ? 'asc' : 'desc';
  if (order !== undefined && 'delta' in order.key && delta !== undefined) {
    if (delta.kind === 'previous') return [`"${delta.column}" ${direction}`, ...ties];
    const { numerator, denominator } = delta;
    if (columns.has(numerator) && columns.has(denominator))
      return [`"${numerator}" / nullif("${denominator}", 0) ${direction}`, ...ties];
    // Capacities belong to clusters and nodes, not to groups: the measure is what is left to rank by.
    const measure = columns.has(numerator) ? numerator : request.report.defaultOrder;
    return [...(measure === undefined ? [] : [`"${measure}" ${direction}`]), ...ties];
  }
  const byName = order !== undefined && 'group' in order.key && rank?.offset !== undefined;
  const byMeasure = order !== undefined && 'column' in order.key && order.key.isMeasure;
  return [...keyTerms(parameters, request, columns, byName || byMeasure ? order.key : undefined), ...ties];
}

function keyTerms(
  parameters: Parameters,
  request: ReportRequest,
  columns: ReadonlySet<string>,
  key: OrderKey | undefined,
): string[] {
  const direction = request.order?.descending === true ? 'desc' : 'asc';
  if (key !== undefined && 'group' in key) {
    const group = nestingOf(request)[key.group];
    if (group !== undefined) return textTerms(parameters, `g${key.group + 1}`, groupName(group), direction);
  }
  if (key !== undefined && 'column' in key && columns.has(key.column))
    return key.isMeasure
      ? [`"${key.column}" ${direction}`]
      : textTerms(parameters, `coalesce("${key.column}", '')`, key.column, direction);
  const { defaultOrder } = request.report;
  return defaultOrder === undefined ? [] : [`"${defaultOrder}" desc`];
}

/** Case is ignored, a missing name is its No-name, and names that begin with "othe" are the largest (match). */
function textTerms(
  parameters: Parameters,
  expression: string,
  name: string,
  direction: 'asc' | 'desc',
): string[] {
  const none = parameters.add(`no-${name.toLowerCase()}`, 'text');
  const label = `lower(coalesce(nullif(${expression}, ''), ${none}))`;
  return [`(${label} like 'othe%') ${direction}`, `${label} collate "C" ${direction}`];
}

/**
 * Equal values: by names in byte order, those without a name last.
 * @param ownFirst what a report is nested by anyway comes before the groups of the request
 */
function tieTerms(request: ReportRequest, columns: ReadonlySet<string>, ownFirst = false): string[] {
  const places = nestingOf(request).map((_, index) => index);
  const asked = request.groups.length;
  const order = ownFirst ? [...places.slice(asked), ...places.slice(0, asked)] : places;
  const groups = order.flatMap((place) => [`g${place + 1} = ''`, `g${place + 1} collate "C"`]);
  const splits = ['cost_group', 'split_name', 'split_node', 'split_model', 'split_vendor', 'split_mode']
    .filter((column) => columns.has(column))
    .map((column) => `"${column}" collate "C"`);
  return [...groups, ...splits];
}
