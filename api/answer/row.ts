import { isInventedNamespace } from '../../domain/reports/invented-namespaces.ts';
import { groupName, hasOthers, hasScore, isGroupedBy } from '../request/report-request.ts';
import type { Group, ReportRequest } from '../request/report-request.ts';
import { distributedFields } from '../sql/measures.ts';

/** A row as the database gives it: decimals as texts. */
export type Columns = Readonly<Record<string, unknown>>;

/** Capacity of a row, from its clusters or its node. */
export interface Capacity {
  value: number;
  count: number;
}

/** How a row's values become an answer. */
export interface RowStyle {
  request: ReportRequest;
  /** printed as the unit of money */
  currency: string;
}

/** The number of a decimal; 0 for NULL. */
export function numberOf(value: unknown): number {
  return value === null || value === undefined ? 0 : Number(value);
}

/** The measures of a row or of the total, as objects of value and unit (API §4, §5.3). */
export function measuredRow(
  columns: Columns,
  capacity: Capacity | undefined,
  style: RowStyle,
  isTotal: boolean,
): Record<string, unknown> {
  const { request } = style;
  const { name } = request.report;
  if (name === 'mig') return isTotal ? {} : migObjects(columns);
  return {
    ...costObjects(columns, style, isTotal),
    ...(request.report.usageUnits === undefined ? {} : usageObjects(columns, capacity, style, isTotal)),
    ...(name === 'vms' ? { request: vmRequest(columns, isTotal) } : {}),
    ...(name === 'gpu' && !isTotal ? gpuObjects(columns) : {}),
  };
}

function costObjects(columns: Columns, { request, currency }: RowStyle, isTotal: boolean) {
  const money = (column: string) => ({ value: numberOf(columns[column]), units: currency });
  const zero = { value: 0, units: currency };
  const { sum, shares } = distributedFields(request);
  const isNetwork = request.report.name === 'network';
  return {
    cost: {
      raw: money('cost_raw'),
      markup: money('cost_markup'),
      usage: money('cost_usage'),
      // What Koku's clients see as totals of the network report has no cost-model costs in it.
      total: money(isNetwork && isTotal ? 'infra_total' : 'cost_total'),
      ...(sum ? { distributed: money('cost_total_distributed') } : {}),
      ...(shares
        ? {
            platform_distributed: money('cost_platform_distributed'),
            worker_unallocated_distributed: money('cost_worker_unallocated_distributed'),
            gpu_unallocated_distributed: money('cost_gpu_unallocated_distributed'),
            network_unattributed_distributed: money('cost_network_unattributed_distributed'),
            storage_unattributed_distributed: money('cost_storage_unattributed_distributed'),
          }
        : {}),
    },
    infrastructure: {
      raw: money('cost_raw'),
      markup: money('cost_markup'),
      usage: isNetwork && isTotal ? zero : money('infra_usage'),
      total: money('infra_total'),
    },
    supplementary: {
      raw: zero,
      markup: zero,
      usage: isNetwork ? zero : money('sup_usage'),
      total: money('sup_total'),
    },
  };
}

function usageObjects(columns: Columns, capacity: Capacity | undefined, style: RowStyle, isTotal: boolean) {
  const { request, currency } = style;
  const units = request.report.usageUnits ?? '';
  const measured = (column: string) => ({ value: numberOf(columns[column]), units });
  if (request.report.name === 'network')
    return {
      usage: measured('usage'),
      data_transfer_in: measured('data_transfer_in'),
      data_transfer_out: measured('data_transfer_out'),
    };
  const { unused, requestUnused, percent } = derivedOf(columns, capacity);
  const isVolumes = request.report.name === 'volumes';
  const lacksCountUnits = !isTotal && !isVolumes && isGroupedBy(request, 'node');
  return {
    usage: measured('usage'),
    request: { ...measured('request'), unused: requestUnused, unused_percent: percent(requestUnused) },
    capacity: {
      value: capacity?.value ?? 0,
      units,
      unused,
      unused_percent: percent(unused),
      count: capacity?.count ?? 0,
      ...(lacksCountUnits ? {} : { count_units: request.report.countUnits }),
    },
    ...(isVolumes
      ? {
          persistent_volume_claim: columns['persistent_volume_claim'],
          storage_class: columns['storage_class'],
        }
      : {
          limit: measured('limit'),
          [isTotal ? 'total_score' : 'score']: hasScore(request)
            ? {
                usage_efficiency_percent: numberOf(columns['usage_efficiency']),
                wasted_cost: { value: numberOf(columns['wasted_cost']), units: currency },
              }
            : {},
        }),
  };
}

/** What is left of a capacity, and of a request (API §4.4). */
export function derivedOf(columns: Columns, capacity: Capacity | undefined) {
  const [c, usage, asked] = [capacity?.value ?? 0, numberOf(columns['usage']), numberOf(columns['request'])];
  return {
    unused: Math.max(c - Math.max(usage, asked), 0),
    requestUnused: Math.max(asked - usage, 0),
    percent: (part: number) => (part / (c <= 0 ? 1 : c)) * 100,
  };
}

function vmRequest(columns: Columns, isTotal: boolean) {
  const count = numberOf(columns['vm_count']);
  const units = (name: string) => (isTotal && count === 0 ? 0 : name);
  return {
    cpu: { value: numberOf(columns['request_cpu']), units: units('Core') },
    memory: { value: numberOf(columns['request_memory']), units: units('GiB') },
  };
}

function gpuObjects(columns: Columns) {
  return {
    gpu_count: { value: numberOf(columns['gpu_count']), units: 'GPUs' },
    gpu_memory: { value: numberOf(columns['gpu_memory']), units: 'GB' },
    node: columns['split_node'] ?? null,
    gpu_model: columns['split_model'] ?? null,
    gpu_vendor: columns['split_vendor'] ?? null,
    gpu_mode: columns['split_mode'] ?? null,
    ...(columns['split_name'] === null ? {} : { gpu_name: columns['split_name'] }),
  };
}

function migObjects(columns: Columns) {
  return {
    ...migNames(columns),
    compute: { value: readNumber(columns['compute']), units: migUnits.compute },
    memory: { value: readNumber(columns['memory']), units: migUnits.memory },
    mig_slice_count: columns['mig_slice_count'] ?? null,
    gpu_max_slices: columns['gpu_max_slices'] ?? null,
  };
}

/** Units of the two numbers of a MIG profile, as they are written in it: `1g.10gb`. */
export const migUnits = { compute: 'g', memory: 'gb' } as const;

/** The GPU that a MIG instance is on. */
export function migNames(columns: Columns) {
  return {
    gpu_vendor: columns['split_vendor'] ?? null,
    gpu_model: columns['split_model'] ?? null,
    node: columns['split_node'] ?? null,
    gpu_name: columns['split_name'] ?? null,
  };
}

/** The number of a decimal; null where a profile could not be read. */
function readNumber(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

/** What rows of a namespace are called; null for the sum of others. */
function classificationOf(project: string, merged: boolean): string {
  if (merged) return `category_${project}`;
  if (project.startsWith('openshift-') || project.startsWith('kube-') || project === 'openshift')
    return 'default';
  if (isInventedNamespace(project)) return project.endsWith('unattributed') ? 'unattributed' : 'unallocated';
  return 'project';
}

/** What rows grouped by project have in addition. */
export function projectFields(
  row: { project: string; merged: boolean; costGroup: unknown; isOthers: boolean },
  request: ReportRequest,
): Record<string, unknown> {
  const { categories, report } = request;
  const ofOthers = categories === undefined ? null : 'category';
  return {
    classification: row.isOthers ? ofOthers : classificationOf(row.project, row.merged),
    ...(report.name === 'costs' ? { cost_group: row.isOthers ? null : (row.costGroup ?? null) } : {}),
    ...(hasOthers(request) && categories === undefined
      ? { default_project: row.isOthers ? 'False' : null }
      : {}),
  };
}

/**
 * Where a row's data are from. A virtual machine has its cluster instead, and MIG instances have it if ranked (match).
 */
export function originOf(columns: Columns, { report, rank }: ReportRequest): Record<string, unknown> {
  if (report.name === 'mig' && rank === undefined) return {};
  return {
    ...(report.name === 'vms' ? {} : { clusters: columns['clusters'] ?? [] }),
    source_uuid: columns['source_uuid'] ?? [],
  };
}

/** The names of a row's groups, as they are shown. */
export function shownNames(names: readonly string[], nesting: readonly Group[]): string[] {
  return nesting.map((group, index) => {
    const name = names[index] ?? '';
    return name === '' ? `No-${groupName(group)}` : name;
  });
}
