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
