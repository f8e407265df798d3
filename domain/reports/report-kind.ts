/** The six kinds of report. The order is the one in which a header is tried. */
export const reportKinds = [
  'storage_usage',
  'pod_usage',
  'node_labels',
  'namespace_labels',
  'vm_usage',
  'gpu_usage',
] as const;

/** One of the six kinds of report, by the name that keys and tables use. */
export type ReportKind = (typeof reportKinds)[number];

/** The format of a column's values: see `parseTimestamp` and `parseLabels`. */
export type ColumnType = 'text' | 'number' | 'timestamp' | 'labels';

/** One known column of a report kind, by the operator's name. */
export interface ReportColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** a header without it is not of this kind; the other columns are sent by newer operators only */
  readonly required: boolean;
  /** only for a number: its magnitude must stay below this, because a column that it is written to cannot hold more */
  readonly below?: number;
  /** only for a number that control sums add up: its unit */
  readonly sum?: SummedUnit;
}

/** What control sums add up, besides rows. */
export type SummedUnit = 'core-seconds' | 'byte-seconds';

/** A report kind: its columns and the table in which its hourly rows are staged (in the tenant schema). */
export interface ReportKindDefinition {
  readonly kind: ReportKind;
  readonly stagingTable: string;
  readonly columns: readonly ReportColumn[];
}

/**
 * Largest plausible magnitude of a number, in any column: larger ones are measuring errors, and their row is rejected.
 */
export const MAX_BELIEVED_VALUE = 1e18;

/**
 * Numbers that reach a summary column undivided, and the magnitude that no longer fits there. All other numbers are
 * divided before they are stored, and plausible values fit: core-seconds by 3600, even for 24 hours of one node (24 ·
 * 10^18 / 3600 < 10^16), bytes and byte-seconds by 2^30, MiB of a GPU by about 954; slices of a GPU have their own
 * limit (`gpu.ts`). The tables' columns are numeric(33,15), which holds less than 10^18.
 *
 * PostgreSQL converts a double to numeric by rounding it to 15 digits, so a number must stay below the column's limit
 * by more than half a unit of its 15th digit. Values that fit individually may not fit as a sum: rebuilds then fail and
 * name the file.
 */
const BELOW: Readonly<Record<string, number>> = {
  // reporting_ocp_nodes.node_capacity_cpu_cores is numeric(18,2), which is written with all digits
  node_capacity_cpu_cores: 1e16,
  // reporting_ocp_vm_summary_p.pod_request_cpu_core_hours holds 24 times the cores: below 24 · 4·10^16 = 9.6·10^17
  vm_cpu_request_cores: 4e16,
};

/**
 * Numbers of which the daily relations hold plain sums. Capacity of a node is not among them: it repeats on every pod,
 * and the relations hold its maximum.
 */
const SUMMED: Readonly<Record<string, SummedUnit>> = {
  pod_usage_cpu_core_seconds: 'core-seconds',
  pod_request_cpu_core_seconds: 'core-seconds',
  pod_limit_cpu_core_seconds: 'core-seconds',
  pod_usage_memory_byte_seconds: 'byte-seconds',
  pod_request_memory_byte_seconds: 'byte-seconds',
  pod_limit_memory_byte_seconds: 'byte-seconds',
  persistentvolumeclaim_capacity_byte_seconds: 'byte-seconds',
  volume_request_storage_byte_seconds: 'byte-seconds',
  persistentvolumeclaim_usage_byte_seconds: 'byte-seconds',
  vm_cpu_usage_total_seconds: 'core-seconds',
  vm_cpu_request_core_seconds: 'core-seconds',
  vm_cpu_limit_core_seconds: 'core-seconds',
  vm_memory_usage_byte_seconds: 'byte-seconds',
  vm_memory_request_byte_seconds: 'byte-seconds',
  vm_memory_limit_byte_seconds: 'byte-seconds',
  vm_disk_allocated_size_byte_seconds: 'byte-seconds',
};

const INTERVAL = ['report_period_start', 'report_period_end', 'interval_start', 'interval_end'];

interface Columns {
  readonly text: string;
  readonly number?: string;
  readonly labels?: string;
  readonly optionalText?: string;
  readonly optionalNumber?: string;
}

function words(list: string | undefined): string[] {
  return list === undefined ? [] : list.trim().split(/\s+/);
}

function define(kind: ReportKind, stagingTable: string, columns: Columns): ReportKindDefinition {
  const column = (type: ColumnType, required: boolean) => (name: string) => ({
    name,
    type,
    required,
    ...(BELOW[name] === undefined ? {} : { below: BELOW[name] }),
    ...(SUMMED[name] === undefined ? {} : { sum: SUMMED[name] }),
  });
  return {
    kind,
    stagingTable,
    columns: [
      ...INTERVAL.map(column('timestamp', true)),
      ...words(columns.text).map(column('text', true)),
      ...words(columns.number).map(column('number', true)),
      ...words(columns.labels).map(column('labels', true)),
      ...words(columns.optionalText).map(column('text', false)),
      ...words(columns.optionalNumber).map(column('number', false)),
    ],
  };
}

const definitions: Readonly<Record<ReportKind, ReportKindDefinition>> = {
  storage_usage: define('storage_usage', 'reporting_ocpusagelineitem_storage_staging', {
    text: 'namespace pod persistentvolumeclaim persistentvolume storageclass',
    number: `persistentvolumeclaim_capacity_bytes persistentvolumeclaim_capacity_byte_seconds
      volume_request_storage_byte_seconds persistentvolumeclaim_usage_byte_seconds`,
    labels: 'persistentvolume_labels persistentvolumeclaim_labels',
    optionalText: 'node csi_driver csi_volume_handle',
  }),
  pod_usage: define('pod_usage', 'reporting_ocpusagelineitem_pod_staging', {
    text: 'pod namespace node resource_id',
    number: `pod_usage_cpu_core_seconds pod_request_cpu_core_seconds pod_limit_cpu_core_seconds
      pod_usage_memory_byte_seconds pod_request_memory_byte_seconds pod_limit_memory_byte_seconds
      node_capacity_cpu_cores node_capacity_cpu_core_seconds node_capacity_memory_bytes
      node_capacity_memory_byte_seconds`,
    labels: 'pod_labels',
    optionalText: 'node_role',
  }),
  node_labels: define('node_labels', 'reporting_ocpusagelineitem_node_labels_staging', {
    text: 'node',
    labels: 'node_labels',
  }),
  namespace_labels: define('namespace_labels', 'reporting_ocpusagelineitem_namespace_labels_staging', {
    text: 'namespace',
    labels: 'namespace_labels',
  }),
  vm_usage: define('vm_usage', 'reporting_ocpusagelineitem_vm_staging', {
    text: `node namespace vm_name resource_id vm_instance_type vm_os vm_guest_os_arch vm_guest_os_name
      vm_guest_os_version vm_device vm_volume_mode vm_persistentvolumeclaim_name`,
    number: `vm_uptime_total_seconds vm_cpu_limit_cores vm_cpu_limit_core_seconds vm_cpu_request_cores
      vm_cpu_request_core_seconds vm_cpu_request_sockets vm_cpu_request_socket_seconds vm_cpu_request_threads
      vm_cpu_request_thread_seconds vm_cpu_usage_total_seconds vm_memory_limit_bytes vm_memory_limit_byte_seconds
      vm_memory_request_bytes vm_memory_request_byte_seconds vm_memory_usage_byte_seconds
      vm_disk_allocated_size_byte_seconds`,
    labels: 'vm_labels',
  }),
  gpu_usage: define('gpu_usage', 'reporting_ocpusagelineitem_gpu_staging', {
    text: 'node namespace pod gpu_uuid gpu_model_name gpu_vendor_name',
    number: 'gpu_memory_capacity_mib gpu_pod_uptime',
    optionalText: 'mig_instance_id mig_profile mig_strategy',
    optionalNumber: 'gpu_max_slices',
  }),
};

/** Columns and staging table of a kind. */
export function reportKindDefinition(kind: ReportKind): ReportKindDefinition {
  return definitions[kind];
}

/** Staging table of a kind, without schema. */
export function stagingTableOf(kind: ReportKind): string {
  return definitions[kind].stagingTable;
}

/** The staging tables of all kinds. */
export const stagingTables: readonly string[] = reportKinds.map(stagingTableOf);

/** The kind whose line items a staging table holds; undefined for any other table. */
export function kindOfStagingTable(table: string): ReportKind | undefined {
  return reportKinds.find((kind) => stagingTableOf(kind) === table);
}

/**
 * Columns that a header contains several times: it is then unclear which of the values a row means.
 * @returns those of the kind, and others, which are not read; each once
 */
export function repeatedColumns(
  kind: ReportKind,
  header: readonly string[],
): { known: string[]; unknown: string[] } {
  const names = new Set(definitions[kind].columns.map((column) => column.name));
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of header) (seen.has(name) ? repeated : seen).add(name);
  return {
    known: [...repeated].filter((name) => names.has(name)),
    unknown: [...repeated].filter((name) => !names.has(name)),
  };
}

/** The kind of a header, or the kind that it resembles most and the columns missing for it. */
export type ReportKindDetection =
  { readonly kind: ReportKind } | { readonly nearest: ReportKind; readonly missingColumns: string[] };

/**
 * Find the kind of a report by its column names alone (file names carry no meaning): the first kind whose required
 * columns are all present. Names are case-sensitive; order and additional columns do not matter.
 */
export function detectReportKind(header: readonly string[]): ReportKindDetection {
  const present = new Set(header);
  let nearest: { kind: ReportKind; missingColumns: string[]; share: number } | undefined;
  for (const kind of reportKinds) {
    const required = definitions[kind].columns.filter((column) => column.required);
    const missing = required.filter((column) => !present.has(column.name)).map((column) => column.name);
    if (missing.length === 0) return { kind };
    // The interval columns say nothing about the kind, so they are excluded from the resemblance.
    const own = required.length - INTERVAL.length;
    const share = (own - missing.filter((name) => !INTERVAL.includes(name)).length) / own;
    if (nearest === undefined || share > nearest.share) nearest = { kind, missingColumns: missing, share };
  }
  if (nearest === undefined) throw new Error('No report kinds are defined');
  return { nearest: nearest.kind, missingColumns: nearest.missingColumns };
}
