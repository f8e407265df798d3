import type { ReportRequest } from '../request/report-request.ts';
import { isGroupedBy } from '../request/report-request.ts';
import { nestingOf } from './groups.ts';

/** A column of a group that is computed over its rows. */
export interface Sum {
  /** over the rows */
  rows: string;
  /** how it follows from its values of the group's parts; undefined: it does not */
  ofParts?: 'sum' | 'max' | 'min';
  /**
   * another way, for parts of one rate type each: a column of theirs, which several sums share, and the type that
   * counts
   */
  typed?: { part: string; rows: string; type?: string };
}

/** Output columns: `sums` are computed over the rows of a group, `derived` from the sums. */
export interface Measures {
  sums: Readonly<Record<string, Sum>>;
  derived: Readonly<Record<string, string>>;
}

/** A number that is added up, which is exact for NUMERIC in any order. */
function added(expression: string): Sum {
  return { rows: sum(expression), ofParts: 'sum' };
}

/** The greatest value of an expression. */
export function greatest(expression: string): Sum {
  return { rows: expression, ofParts: 'max' };
}

/** The column of a part that its rate type is in. */
const partType = 'part_type';

/** How groups are added up from their parts, one per cluster. */
export interface Parted {
  /** further keys of a part */
  keys: Readonly<Record<string, string>>;
  /** its columns, over its rows */
  columns: Readonly<Record<string, string>>;
  /** the columns of the group, over its parts */
  sums: Readonly<Record<string, string>>;
}

/**
 * How the columns of groups follow from those of parts.
 * @param byType one part per rate type too: fewer sums over the rows, but more parts
 * @returns undefined if one does not
 */
export function parted(sums: Measures['sums'], byType: boolean): Parted | undefined {
  const columns: Record<string, string> = {};
  const ofGroups: Record<string, string> = {};
  for (const [name, { rows, ofParts, typed }] of Object.entries(sums)) {
    if (ofParts === undefined) return undefined;
    const part = byType && typed !== undefined ? typed.part : `part_${name}`;
    columns[part] = byType && typed !== undefined ? typed.rows : rows;
    const filter = byType && typed?.type !== undefined ? `${partType} = '${typed.type}'` : undefined;
    ofGroups[name] = ofParts === 'sum' ? sum(`"${part}"`, filter) : `${ofParts}("${part}")`;
  }
  return { keys: byType ? { [partType]: 't.cost_model_rate_type' } : {}, columns, sums: ofGroups };
}

const distributions = {
  cost_platform_distributed: { type: 'platform_distributed', rate: 'x' },
  cost_worker_unallocated_distributed: { type: 'worker_distributed', rate: 'x' },
  cost_gpu_unallocated_distributed: { type: 'gpu_distributed', rate: 'x' },
  cost_network_unattributed_distributed: { type: 'unattributed_network', rate: 'y' },
  cost_storage_unattributed_distributed: { type: 'unattributed_storage', rate: 'y' },
} as const;

/** The five shares of pools' costs, by the names of their columns. */
export const distributionNames = Object.keys(distributions);

/** The rate types of shares that are in the currency of raw costs. */
export const rawShareTypes = Object.values(distributions).flatMap(({ type, rate }) =>
  rate === 'y' ? type : [],
);

const allCosts = ['cpu', 'memory', 'volume', 'gpu'];
const costColumns: Readonly<Record<string, readonly string[]>> = {
  costs: allCosts,
  vms: allCosts,
  network: allCosts,
  compute: ['cpu'],
  memory: ['memory'],
  volumes: ['volume'],
  gpu: ['gpu'],
};

/** Does a row have `cost.distributed`, and does it have the five shares? */
export function distributedFields(request: ReportRequest): { sum: boolean; shares: boolean } {
  const shares =
    request.report.name === 'vms' || (request.report.name === 'costs' && isGroupedBy(request, 'project'));
  return { sum: shares || request.report.name === 'compute' || request.report.name === 'memory', shares };
}

function sum(expression: string, filter?: string): string {
  return `coalesce(sum(${expression})${filter === undefined ? '' : ` filter (where ${filter})`}, 0)`;
}

/** The columns of cost (API §4.1). `x` and `y` convert cost-model costs and raw costs. */
function costMeasures(request: ReportRequest, x: string, y: string): Measures {
  const { name } = request.report;
  const times = (expression: string, rate: string) =>
    rate === '1' ? expression : `(${expression}) * ${rate}`;
  // Column by column: most are NULL in most rows, and cost nothing.
  const cost = (filter?: string) =>
    `(${(costColumns[name] ?? allCosts).map((column) => sum(times(`t.cost_model_${column}_cost`, x), filter)).join(' + ')})`;
  const ofType = (type: string) => `t.cost_model_rate_type = '${type}'`;
  const costOf = (type?: string): Sum => ({
    rows: cost(type === undefined ? undefined : ofType(type)),
    ofParts: 'sum',
    typed: { part: 'part_cost', rows: cost(), ...(type === undefined ? {} : { type }) },
  });
  const hasRaw = name !== 'gpu';
  const raw = (column: string) => (hasRaw ? times(`t.infrastructure_${column}`, y) : '0::numeric');
  const sums: Record<string, Sum> = {
    cost_raw: added(raw('raw_cost')),
    cost_markup: added(raw('markup_cost')),
    cost_usage: costOf(),
    infra_usage: costOf('Infrastructure'),
    sup_usage: costOf('Supplementary'),
    base_currency: greatest('max(t.raw_currency)'),
    // With the other end it tells whether there is only one, without a sort.
    least_currency: { rows: 'min(t.raw_currency)', ofParts: 'min' },
    exchange_rate: greatest(`max(${y})`),
  };
  const derived: Record<string, string> = {
    infra_raw: 'cost_raw',
    infra_markup: 'cost_markup',
    cost_total: 'cost_raw + cost_markup + cost_usage',
    infra_total: name === 'network' ? 'cost_raw + cost_markup' : 'cost_raw + cost_markup + infra_usage',
    sup_raw: '0::numeric',
    sup_markup: '0::numeric',
    sup_total: 'sup_usage',
  };
  if (distributedFields(request).sum) {
    for (const [column, { type, rate }] of Object.entries(distributions)) {
      const share = times('t.distributed_cost', rate === 'x' ? x : y);
      const part = rate === 'x' || x === y ? 'part_shared' : 'part_shared_raw';
      sums[column] = {
        rows: sum(share, ofType(type)),
        ofParts: 'sum',
        typed: { part, rows: sum(share), type },
      };
    }
    derived['cost_total_distributed'] = ['cost_raw + cost_markup + cost_usage', ...distributionNames].join(
      ' + ',
    );
  }
  return { sums, derived };
}

const usageColumns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  compute: {
    usage: 't.pod_usage_cpu_core_hours',
    request: 't.pod_request_cpu_core_hours',
    limit: 't.pod_limit_cpu_core_hours',
  },
  memory: {
    usage: 't.pod_usage_memory_gigabyte_hours',
    request: 't.pod_request_memory_gigabyte_hours',
    limit: 't.pod_limit_memory_gigabyte_hours',
  },
  volumes: {
    usage: 't.persistentvolumeclaim_usage_gigabyte_months',
    request: 't.volume_request_storage_gigabyte_months',
    capacity: 't.persistentvolumeclaim_capacity_gigabyte_months',
  },
  network: {
    data_transfer_in: 't.infrastructure_data_in_gigabytes',
    data_transfer_out: 't.infrastructure_data_out_gigabytes',
  },
};

/** Sorted distinct values of a column, without NULL. */
export function distinct(expression: string): string {
  return `coalesce(array_agg(distinct (${expression})::text collate "C" order by (${expression})::text collate "C")
            filter (where ${expression} is not null), '{}')`;
}

/** The columns of usage (API §4.2), and what can be derived without a capacity (§4.4). */
function usageMeasures(request: ReportRequest, hasNodeCount: boolean): Measures {
  const { name } = request.report;
  const sums = Object.fromEntries(
    Object.entries(usageColumns[name] ?? {}).map(([column, expression]) => [column, added(expression)]),
  );
  if (name === 'network') return { sums, derived: { usage: 'data_transfer_in + data_transfer_out' } };
  if (name === 'volumes')
    return {
      sums: {
        ...sums,
        persistent_volume_claim: { rows: distinct('t.persistentvolumeclaim') },
        storage_class: { rows: distinct('t.storageclass') },
      },
      derived: { first_class: 'storage_class[1]' },
    };
  if (name !== 'compute' && name !== 'memory') return { sums, derived: {} };
  const cores = name === 'compute' ? 't.node_capacity_cpu_cores' : 't.node_capacity_memory_gigabytes';
  return {
    sums: {
      ...sums,
      ...(hasNodeCount ? { node_count: greatest(`coalesce(max(${cores}), 0)`) } : {}),
    },
    derived: {
      usage_efficiency: 'case when request = 0 then 0 else round(usage / request * 100) end',
      wasted_cost: `case when request = 0 then 0
            else greatest((cost_raw + cost_markup + cost_usage) * (1 - usage / request), 0) end`,
    },
  };
}

/** The columns of GPUs (API §4.6). */
function gpuMeasures(): Measures {
  return {
    sums: rowsOnly({
      gpu_count: 'count(distinct t.gpu_uuid)',
      gpu_memory: 'coalesce(max(t.memory_capacity_gb), 0)',
    }),
    derived: {},
  };
}

/** The columns of MIG instances, which have no costs: their slices, and the two numbers of their profile. */
function migMeasures(request: ReportRequest): Measures {
  const profile = `g${nestingOf(request).findIndex(({ field }) => field === 'mig_profile') + 1}`;
  const form = String.raw`(\d+)g\.(\d+)gb`;
  return {
    sums: {
      mig_slice_count: greatest('max(t.mig_slice_count)'),
      gpu_max_slices: greatest('max(t.gpu_max_slices)'),
    },
    derived: {
      compute: `(regexp_match(${profile}, '${form}'))[1]::numeric`,
      memory: `(regexp_match(${profile}, '${form}'))[2]::numeric`,
    },
  };
}

/** The columns of virtual machines beyond their costs (API §4.5). */
function vmMeasures(): Measures {
  return {
    sums: rowsOnly({
      request_cpu: `${sum('t.pod_request_cpu_core_hours')} / 24`,
      request_memory: `${sum('t.pod_request_memory_gigabyte_hours')} / 24`,
      cluster: 'max(coalesce(t.cluster_alias, t.cluster_id) collate "C")',
      node: 'max(t.node collate "C")',
      project: 'max(t.namespace collate "C")',
      storage: `coalesce(jsonb_agg(distinct jsonb_build_object(
                'pvc_name', t.persistentvolumeclaim,
                'storage_class', t.storageclass,
                'usage', t.persistentvolumeclaim_usage_gigabyte_months,
                'capacity', t.persistentvolumeclaim_capacity_gigabyte_months,
                'usage_units', 'GiB-Mo'
            )) filter (where t.persistentvolumeclaim_usage_gigabyte_months is not null), '[]')`,
      labels: "coalesce(jsonb_agg(distinct t.pod_labels) filter (where t.pod_labels is not null), '[]')",
    }),
    derived: {},
  };
}

/** Columns that parts of a group tell nothing of. */
function rowsOnly(columns: Readonly<Record<string, string>>): Record<string, Sum> {
  return Object.fromEntries(Object.entries(columns).map(([name, rows]) => [name, { rows }]));
}

/** All columns of a report's rows. */
export function measuresOf(
  request: ReportRequest,
  options: { x: string; y: string; nodeCount: boolean },
): Measures {
  const { name } = request.report;
  if (name === 'mig') return migMeasures(request);
  const parts = [costMeasures(request, options.x, options.y)];
  if (name === 'gpu') parts.push(gpuMeasures());
  else if (name === 'vms') parts.push(vmMeasures());
  else parts.push(usageMeasures(request, options.nodeCount));
  return {
    sums: Object.assign({}, ...parts.map(({ sums }) => sums)) as Record<string, Sum>,
    derived: Object.assign({}, ...parts.map(({ derived }) => derived)) as Record<string, string>,
  };
}
