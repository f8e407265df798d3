import { fieldColumns } from '../reports.ts';
import { isGroupedBy } from '../request/report-request.ts';
import type { Group, ReportRequest } from '../request/report-request.ts';
import { firstOfMonth } from '../request/time-range.ts';
import type { DayRange, Resolution, Shift } from '../request/time-range.ts';
import type { Parameters } from './parameters.ts';

/**
 * What rows are nested by: the groups of the request, and the names of GPUs unless they are ranked, or the MIG profiles
 * and their instances.
 */
export function nestingOf(request: ReportRequest): readonly Group[] {
  const { groups, report, rank } = request;
  if (report.name === 'vms') return [{ field: 'vm_name' }];
  if (report.name === 'mig') return [...groups, { field: 'mig_profile' }, { field: 'mig_id' }];
  if (report.name !== 'gpu' || groups.some(({ field }) => field === 'gpu_name')) return groups;
  return groups.length > 0 && rank !== undefined ? groups : [...groups, { field: 'gpu_name' }];
}

/** Fields that split the rows of a group further. */
export function splitsOf(request: ReportRequest): Readonly<Record<string, string>> {
  const { name } = request.report;
  if (name === 'gpu' || name === 'mig')
    return {
      split_name: fieldColumns.gpu_name[0] ?? '',
      split_node: 't.node',
      split_model: 't.model_name',
      split_vendor: 't.vendor_name',
      ...(name === 'gpu' ? { split_mode: 't.gpu_mode' } : {}),
    };
  return name === 'costs' && isGroupedBy(request, 'project') ? { cost_group: 'category.name' } : {};
}

/** SQL of the groups: texts, never NULL; blank where a row has none. */
export function groupExpressions(parameters: Parameters, request: ReportRequest): string[] {
  return nestingOf(request).map(({ field, tag }) => {
    if (tag !== undefined)
      return `coalesce(t.${request.report.labels} ->> ${parameters.add(tag, 'text')}, '')`;
    const column = fieldColumns[field].at(-1) ?? '';
    if (field !== 'project' || request.categories === undefined) return `coalesce(${column}, '')`;
    return `coalesce(case when ${mergedCondition(parameters, request.categories)} then category.name else ${column} end, '')`;
  });
}

/** Is the row's namespace merged into its category? */
export function mergedCondition(parameters: Parameters, categories: readonly string[]): string {
  if (categories.includes('*')) return 'category.name is not null';
  return `coalesce(category.name = any(${parameters.add(categories, 'text[]')}), false)`;
}

/** SQL of the period that a row belongs to; with a shift, of the one that it is compared with. */
export function periodExpression(parameters: Parameters, resolution: Resolution, shift?: Shift): string {
  let day = 't.usage_start';
  if (shift !== undefined)
    day =
      shift.units === 'month'
        ? `(t.usage_start + interval '1 month')::date`
        : `(t.usage_start + ${parameters.add(shift.count, 'integer')})`;
  return resolution === 'daily' ? day : `date_trunc('month', ${day})::date`;
}

/** The same for rows of a period, whose month is often one and then need not be computed for each of them. */
export function periodOf(parameters: Parameters, { range, resolution, shift }: Period): string {
  const month = firstOfMonth(range.start);
  const isOneMonth = resolution === 'monthly' && month === firstOfMonth(range.end);
  if (!isOneMonth || shift?.units === 'day') return periodExpression(parameters, resolution, shift);
  return parameters.add(firstOfMonth(month, shift?.count ?? 0), 'date');
}

/** SQL of a period's name, from the period. */
export function periodName(resolution: Resolution): string {
  return `to_char(period, '${resolution === 'daily' ? 'YYYY-MM-DD' : 'YYYY-MM'}')`;
}

/** A range of days, which is all that a statement of another period differs in. */
export interface Period {
  range: DayRange;
  resolution: Resolution;
  shift?: Shift;
}
