import { dailySummaryTable } from '../domain/reports/summary-tables.ts';
import type { SummaryTable } from '../domain/reports/summary-tables.ts';

/** The OpenShift reports, by the names used in code. */
export const reportNames = ['costs', 'compute', 'memory', 'volumes', 'network', 'vms', 'gpu', 'mig'] as const;
export type ReportName = (typeof reportNames)[number];

/** A field that can be filtered, excluded or grouped by. */
export type Field =
  | 'cluster'
  | 'project'
  | 'node'
  | 'persistentvolumeclaim'
  | 'storageclass'
  | 'category'
  | 'vm_name'
  | 'gpu_vendor'
  | 'gpu_model'
  | 'gpu_name'
  | 'gpu_mode'
  | 'mig_profile'
  | 'mig_id';

/** Columns that a field is looked for in; the group is the last of them. `t` is the answering table. */
export const fieldColumns: Readonly<Record<Field, readonly string[]>> = {
  cluster: ['t.cluster_alias', 't.cluster_id'],
  project: ['t.namespace'],
  node: ['t.node'],
  persistentvolumeclaim: ['t.persistentvolumeclaim'],
  storageclass: ['t.storageclass'],
  category: ['category.name'],
  vm_name: ['t.vm_name'],
  gpu_vendor: ['t.vendor_name'],
  gpu_model: ['t.model_name'],
  gpu_name: [`concat_ws('_', t.vendor_name, t.model_name, t.node)`],
  gpu_mode: ['t.gpu_mode'],
  mig_profile: ['t.mig_profile'],
  mig_id: ['t.mig_instance_id'],
};

/** The table that has all other columns, and answers where no smaller one has the keys of a request. */
export const dailySummary = dailySummaryTable;

/** A table with the key sets that it answers, each sorted and joined with commas. */
interface KeyedTable {
  name: SummaryTable;
  keySets: readonly string[];
}

/** What is fixed about a report (API §1 to §4). */
export interface Report {
  name: ReportName;
  /** below the prefix */
  path: string;
  title: string;
  /** in the order in which they are looked through; the last resort is `fallback` */
  tables: readonly KeyedTable[];
  fallback: SummaryTable;
  /** conditions of the fallback beyond the request's */
  fallbackCondition: string;
  labels: 'all_labels' | 'pod_labels' | 'volume_labels';
  filters: readonly Field[];
  excludes: readonly Field[];
  groups: readonly Field[];
  /** keys of order_by, beyond names of groups */
  orders: readonly string[];
  deltas: readonly string[];
  /** A and B of delta=A__B */
  ratios: readonly string[];
  tagKeys: 'used' | 'dropped';
  /** usage, request, limit and capacity: the unit, and that of the count */
  usageUnits?: string;
  countUnits?: string;
  /** column of the default order and ranking, descending; undefined: by the names of the groups */
  defaultOrder: string | undefined;
}

const common: readonly Field[] = ['cluster', 'project', 'node', 'persistentvolumeclaim', 'storageclass'];
const costOrders = ['cost', 'infrastructure', 'supplementary'];
const allOrders = [
  ...costOrders,
  'usage',
  'request',
  'limit',
  'usage_efficiency',
  'wasted_cost',
  'distributed_cost',
  'delta',
  'date',
];
const usageRatios = ['usage', 'request', 'limit', 'capacity', 'cost_total_distributed'];

const general = {
  fallback: dailySummary,
  filters: [...common, 'category'],
  excludes: ['project', 'cluster', 'node', 'persistentvolumeclaim', 'category'],
  groups: common,
  tagKeys: 'used',
} as const satisfies Partial<Report>;

/** Conditions under which rows of the daily summary belong to pods, as the tables of the user interface have them. */
const podRows = `t.data_source = 'Pod'
    and t.namespace is distinct from ocp_worker_unallocated()
    and t.namespace is distinct from ocp_platform_unallocated()
    and t.namespace is distinct from ocp_network_unattributed()`;

function podReport(name: 'compute' | 'memory', usageUnits: string, countUnits: string): Report {
  return {
    ...general,
    name,
    path: `reports/openshift/${name}/`,
    title: name === 'compute' ? 'CPU' : 'Memory',
    tables: [
      { name: 'reporting_ocp_pod_summary_p', keySets: ['', 'cluster'] },
      { name: 'reporting_ocp_pod_summary_by_node_p', keySets: ['node', 'cluster,node'] },
      { name: 'reporting_ocp_pod_summary_by_project_p', keySets: ['project', 'cluster,project'] },
    ],
    fallbackCondition: podRows,
    labels: 'pod_labels',
    orders: allOrders,
    deltas: ['cost', 'usage', 'request', 'distributed_cost'],
    ratios: usageRatios,
    usageUnits,
    countUnits,
    defaultOrder: 'usage',
  };
}

const gpuFields: readonly Field[] = [
  'cluster',
  'project',
  'node',
  'gpu_vendor',
  'gpu_model',
  'gpu_name',
  'gpu_mode',
  'mig_profile',
];

/** All reports. */
export const reports: Readonly<Record<ReportName, Report>> = {
  costs: {
    ...general,
    name: 'costs',
    path: 'reports/openshift/costs/',
    title: 'Costs',
    tables: [
      { name: 'reporting_ocp_cost_summary_p', keySets: ['', 'cluster'] },
      { name: 'reporting_ocp_cost_summary_by_node_p', keySets: ['node', 'cluster,node'] },
      // Only where the project is a group: see tableOf.
      { name: 'reporting_ocp_cost_summary_by_project_p', keySets: ['project', 'cluster,project'] },
    ],
    fallbackCondition: 'true',
    labels: 'all_labels',
    orders: [...costOrders, 'distributed_cost', 'delta', 'date'],
    deltas: ['cost', 'distributed_cost'],
    ratios: [],
    defaultOrder: 'cost_total',
  },
  compute: podReport('compute', 'Core-Hours', 'Core'),
  memory: podReport('memory', 'GiB-Hours', 'GiB'),
  volumes: {
    ...general,
    name: 'volumes',
    path: 'reports/openshift/volumes/',
    title: 'Persistent volumes',
    tables: [
      {
        name: 'reporting_ocp_volume_summary_p',
        keySets: ['', 'cluster', 'persistentvolumeclaim', 'cluster,persistentvolumeclaim'],
      },
      {
        name: 'reporting_ocp_volume_summary_by_project_p',
        keySets: [
          'project',
          'cluster,project',
          'persistentvolumeclaim,project',
          'cluster,persistentvolumeclaim,project',
        ],
      },
    ],
    fallbackCondition: `t.data_source = 'Storage'`,
    labels: 'volume_labels',
    orders: [...allOrders, 'storage_class'],
    deltas: ['cost', 'usage', 'request'],
    ratios: ['usage', 'request', 'capacity'],
    usageUnits: 'GiB-Mo',
    countUnits: 'GiB',
    defaultOrder: 'usage',
  },
  network: {
    ...general,
    name: 'network',
    path: 'reports/openshift/network/',
    title: 'Cloud data transfer',
    tables: [
      { name: 'reporting_ocp_network_summary_p', keySets: ['', 'cluster'] },
      { name: 'reporting_ocp_network_summary_by_node_p', keySets: ['node'] },
      { name: 'reporting_ocp_network_summary_by_project_p', keySets: ['project', 'cluster,project'] },
    ],
    fallbackCondition: `t.namespace = ocp_network_unattributed()`,
    labels: 'all_labels',
    orders: allOrders,
    deltas: ['cost', 'usage'],
    ratios: [],
    usageUnits: 'GB',
    defaultOrder: 'usage',
  },
  vms: {
    name: 'vms',
    path: 'reports/openshift/resources/virtual-machines/',
    title: 'Virtual machines',
    tables: [],
    fallback: 'reporting_ocp_vm_summary_p',
    fallbackCondition: 'true',
    labels: 'pod_labels',
    filters: ['project', 'cluster', 'node', 'vm_name'],
    excludes: ['project', 'cluster', 'node'],
    groups: [],
    orders: [
      'cost',
      'distributed_cost',
      'cluster',
      'node',
      'project',
      'vm_name',
      'request_cpu',
      'request_memory',
    ],
    deltas: [],
    ratios: [],
    tagKeys: 'used',
    defaultOrder: 'cost_total',
  },
  gpu: {
    name: 'gpu',
    path: 'reports/openshift/gpu/',
    title: 'GPUs',
    tables: [],
    fallback: 'reporting_ocp_gpu_summary_p',
    fallbackCondition: 'true',
    labels: 'pod_labels',
    filters: gpuFields,
    excludes: gpuFields,
    groups: gpuFields,
    orders: ['cost', 'gpu_memory', 'gpu_count'],
    deltas: [],
    ratios: [],
    tagKeys: 'dropped',
    defaultOrder: 'cost_total',
  },
  mig: {
    name: 'mig',
    path: 'reports/openshift/gpu/mig_profiles/',
    title: 'MIG instances',
    tables: [],
    fallback: 'reporting_ocp_gpu_summary_p',
    fallbackCondition: `t.mig_profile <> ''`,
    labels: 'pod_labels',
    filters: gpuFields,
    excludes: gpuFields,
    groups: ['cluster', 'node', 'project'],
    orders: [],
    deltas: [],
    ratios: [],
    tagKeys: 'dropped',
    defaultOrder: undefined,
  },
};
