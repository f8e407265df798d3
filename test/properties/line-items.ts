import { dayOf } from '../support/payload-builder.ts';
import type { ReportRow, ReportRows } from '../support/payload-builder.ts';

/** Sums by name of a group such as `2026-10-01 shop node-0`. */
export type Sums = Map<string, Record<string, number>>;

const secondsPerHour = 3_600;
const gib = 2 ** 30;

/** Effective usage of one hourly row: DESIGN of both profiles, written down a second time. */
const effective = {
  design: (usage: number, request: number | undefined) =>
    request === undefined ? usage : Math.min(usage, request),
  koku: (usage: number, request: number | undefined) => Math.max(usage, request ?? 0),
};

/** Add numbers to a group. */
export function add(sums: Sums, group: string, numbers: Record<string, number>): void {
  const known = sums.get(group) ?? {};
  for (const [name, value] of Object.entries(numbers)) known[name] = (known[name] ?? 0) + value;
  sums.set(group, known);
}

const scheduled = (rows: ReportRows): ReportRow[] =>
  (rows.pod_usage ?? []).filter((row) => row['node'] !== '');

/** Usage of scheduled pods by day, namespace and node, in core-hours and GiB-hours. */
export function podUsage(rows: ReportRows, rules: 'design' | 'koku'): Sums {
  const sums: Sums = new Map();
  for (const row of scheduled(rows)) {
    const cpu = usageOf(row, 'pod_usage_cpu_core_seconds', 'pod_request_cpu_core_seconds', rules);
    const memory = usageOf(row, 'pod_usage_memory_byte_seconds', 'pod_request_memory_byte_seconds', rules);
    add(sums, `${dayOf(row.hour)} ${String(row['namespace'])} ${String(row['node'])}`, {
      usageCpu: cpu.usage / secondsPerHour,
      requestCpu: cpu.request / secondsPerHour,
      effectiveCpu: cpu.effective / secondsPerHour,
      usageMemory: memory.usage / secondsPerHour / gib,
      requestMemory: memory.request / secondsPerHour / gib,
      effectiveMemory: memory.effective / secondsPerHour / gib,
    });
  }
  return sums;
}

function usageOf(row: ReportRow, usageColumn: string, requestColumn: string, rules: 'design' | 'koku') {
  const usage = Number(row[usageColumn]);
  const request = row[requestColumn] === '' ? undefined : Number(row[requestColumn]);
  return { usage, request: request ?? 0, effective: effective[rules](usage, request) };
}

/** Capacity by day and node: the greatest value of each hour, summed over the hours in which a pod runs there. */
export function nodeCapacity(rows: ReportRows): Sums {
  const hours = new Map<string, { group: string; cpu: number; memory: number }>();
  for (const row of scheduled(rows)) {
    const group = `${dayOf(row.hour)} ${String(row['node'])}`;
    const hour = hours.get(`${group} ${row.hour}`) ?? { group, cpu: 0, memory: 0 };
    hour.cpu = Math.max(hour.cpu, Number(row['node_capacity_cpu_core_seconds']));
    hour.memory = Math.max(hour.memory, Number(row['node_capacity_memory_byte_seconds']));
    hours.set(`${group} ${row.hour}`, hour);
  }
  const sums: Sums = new Map();
  for (const { group, cpu, memory } of hours.values())
    add(sums, group, { cpu: cpu / secondsPerHour, memory: memory / secondsPerHour / gib });
  return sums;
}

/**
 * Volumes by day, namespace and claim, GiB-hours. `nodes`: the nodes on which pods that mount the volume ran that day.
 * A row is repeated on each node of its pod; usage and request are divided by the volume's nodes, capacity is not.
 */
export function volumeUsage(rows: ReportRows): Sums {
  const nodesOfPod = new Map<string, Set<string>>();
  for (const row of scheduled(rows)) {
    const pod = podKey(row);
    nodesOfPod.set(pod, (nodesOfPod.get(pod) ?? new Set()).add(String(row['node'])));
  }
  const nodesOfVolume = new Map<string, Set<string>>();
  for (const row of rows.storage_usage ?? []) {
    const nodes = nodesOfVolume.get(volumeKey(row)) ?? new Set();
    for (const node of nodesOfPod.get(podKey(row)) ?? []) nodes.add(node);
    nodesOfVolume.set(volumeKey(row), nodes);
  }
  const sums: Sums = new Map();
  for (const row of rows.storage_usage ?? []) {
    const copies = Math.max(1, nodesOfPod.get(podKey(row))?.size ?? 0);
    const shares = Math.max(1, nodesOfVolume.get(volumeKey(row))?.size ?? 0);
    const hours = (column: string) => Number(row[column]) / secondsPerHour / gib;
    add(sums, `${dayOf(row.hour)} ${String(row['namespace'])} ${String(row['persistentvolumeclaim'])}`, {
      capacity: copies * hours('persistentvolumeclaim_capacity_byte_seconds'),
      request: (copies / shares) * hours('volume_request_storage_byte_seconds'),
      usage: (copies / shares) * hours('persistentvolumeclaim_usage_byte_seconds'),
    });
  }
  return sums;
}

const podKey = (row: ReportRow) => [dayOf(row.hour), row['namespace'], row['pod']].join(' ');
const volumeKey = (row: ReportRow) => [dayOf(row.hour), row['persistentvolume']].join(' ');

/** Line items of volumes that one pod mounts, or none: there nothing is counted twice or shared. */
export function ofSinglePods(rows: ReportRows): ReportRows {
  const podsOf = new Map<string, Set<string>>();
  for (const row of rows.storage_usage ?? []) {
    const volume = String(row['persistentvolume']);
    podsOf.set(volume, (podsOf.get(volume) ?? new Set()).add(podKey(row).slice('2026-10-01 '.length)));
  }
  const single = (row: ReportRow) => podsOf.get(String(row['persistentvolume']))?.size === 1;
  return { ...rows, storage_usage: (rows.storage_usage ?? []).filter(single) };
}
