import { loadSql } from '../../platform/database/sql-files.ts';
import type { HourlyRow, Labels, StagedSource } from '../support/staging-fixture.ts';
import { addCostRow } from './cost-row.ts';

/*
 * October (31 days), two hours of each day staged. Namespace shop, node w1, profile koku: effective = max(usage,
 * request).
 *
 *            CPU core-hours per day    memory GiB-hours per day
 *   VM db    2                         6
 *   pod web  6                         2
 *
 * So the machine's share of (day, shop, w1) is 2 / 8 = 1/4 by CPU and 6 / 8 = 3/4 by memory.
 */
const month = '2026-10-01';
/** The first days of the month. */
export const day1 = '2026-10-01';
export const day2 = '2026-10-02';
export const day3 = '2026-10-03';
const gib = 2 ** 30;

/** What a pod differs in from the launcher of db. */
export interface PodOptions {
  pod?: string;
  namespace?: string;
  node?: string;
  cores?: number;
  memory?: number;
}

/** Two hours of a pod that requests `cores` and `memory` GiB and uses less. */
export function podHours(
  labels: Labels,
  { pod = 'launcher', namespace = 'shop', node = 'w1', cores = 1, memory = 3 }: PodOptions = {},
) {
  return [0, 1].map((hour) => ({
    hour,
    pod,
    namespace,
    node,
    resource_id: `i-${node}`,
    label_set_id: labels,
    pod_usage_cpu_core_seconds: 0,
    pod_request_cpu_core_seconds: cores * 3600,
    pod_usage_memory_byte_seconds: 0,
    pod_request_memory_byte_seconds: memory * gib * 3600,
    node_capacity_cpu_cores: 16,
    node_capacity_cpu_core_seconds: 16 * 3600,
    node_capacity_memory_bytes: 64 * gib,
    node_capacity_memory_byte_seconds: 64 * gib * 3600,
  }));
}

/** One hour of a VM report; a machine has one line per disk. */
export function vmHour(
  hour: number,
  size: { cores: number; memory: number; claim?: string; node?: string; uptime?: number },
): HourlyRow {
  return {
    hour,
    namespace: 'shop',
    vm_name: 'db',
    node: size.node ?? 'w1',
    label_set_id: {},
    vm_cpu_request_cores: size.cores,
    vm_memory_request_bytes: size.memory * gib,
    vm_uptime_total_seconds: size.uptime ?? 3600,
    vm_persistentvolumeclaim_name: size.claim ?? '',
  };
}

/** Two hours of a claim of 100 GiB that a pod mounts; app is not an enabled key. */
export function volumeHours(claim: string, usage: number, pod = 'launcher', namespace = 'shop') {
  return [0, 1].map((hour) => ({
    hour,
    namespace,
    pod,
    persistentvolumeclaim: claim,
    persistentvolume: `pv-${claim}`,
    storageclass: 'fast',
    persistentvolume_label_set_id: {},
    persistentvolumeclaim_label_set_id: { tier: `of-${claim}`, app: 'hidden' },
    persistentvolumeclaim_capacity_bytes: 100 * gib,
    persistentvolumeclaim_capacity_byte_seconds: 100 * gib * 3600,
    volume_request_storage_byte_seconds: 100 * gib * 3600,
    persistentvolumeclaim_usage_byte_seconds: usage * gib * 3600,
  }));
}

/** Stage db and web on days 1 to 3 with labels tier a, b, c, and summarise. */
export async function stageUsage(source: StagedSource): Promise<void> {
  for (const [day, tier] of [
    [day1, 'a'],
    [day2, 'b'],
    [day3, 'c'],
  ] as const)
    await source.stage('pod_usage', day, [
      ...podHours({ vm_kubevirt_io_name: 'db', tier, other: 'dropped' }),
      ...podHours({}, { pod: 'web', cores: 3, memory: 1 }),
    ]);
}

/** Labels of the launcher pod on its cost rows. */
export const db = { vm_kubevirt_io_name: 'db', tier: 'a' };

/** Add a cost row of namespace shop on node w1. */
export async function addShopCost(
  source: StagedSource,
  day: string,
  columns: Record<string, unknown>,
): Promise<void> {
  await addCostRow(source, day, {
    data_source: 'Pod',
    namespace: 'shop',
    node: 'w1',
    resource_id: 'i-w1',
    ...columns,
  });
}

/** Rebuild the virtual machine table of the month. */
export async function refreshVms(source: StagedSource): Promise<void> {
  await source.query(loadSql('summary/report-tables/vm_summary.sql'), [source.sourceUuid, month]);
}

/** A row of the virtual machine table. */
export interface VmRow {
  vm: string;
  node: string;
  rateType: string | null;
  claim: string | null;
  days: string[];
  cpu: number | null;
  memory: number | null;
  volume: number | null;
  distributed: number | null;
  request: [number | null, number | null];
  labels: Labels | null;
  resources: (string | null)[];
  capacity: number | null;
  usage: number | null;
  namespace: string;
}

/** All rows, in the order compute, distributed, storage. */
export async function vmRows(source: StagedSource): Promise<VmRow[]> {
  return source.query<VmRow>(
    `select namespace, vm_name as vm, node, cost_model_rate_type as "rateType", persistentvolumeclaim as claim,
         array[usage_start, usage_end]::text[] as days, cost_model_cpu_cost::float8 as cpu, cost_model_memory_cost::float8 as memory,
         cost_model_volume_cost::float8 as volume, distributed_cost::float8 as distributed,
         array[pod_request_cpu_core_hours, pod_request_memory_gigabyte_hours]::float8[] as request,
         pod_labels as labels, resource_ids as resources,
         persistentvolumeclaim_capacity_gigabyte_months::float8 as capacity,
         persistentvolumeclaim_usage_gigabyte_months::float8 as usage
     from reporting_ocp_vm_summary_p where source_uuid = $1
     order by persistentvolumeclaim nulls first, distributed_cost is not null, vm_name, namespace, cost_model_rate_type nulls first, usage_start`,
    [source.sourceUuid],
  );
}

/** Columns that most rows leave NULL. */
export const nothing = {
  memory: null,
  volume: null,
  distributed: null,
  claim: null,
  capacity: null,
  usage: null,
  namespace: 'shop',
};
