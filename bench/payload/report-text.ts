import type { ReportKind } from '../../domain/reports/report-kind.ts';
import type { ClusterPlan, NodePlan, VolumePlan, WorkloadPlan } from './cluster.ts';
import { Random } from './random.ts';

/** Kinds that a generated payload has, in the order of its files. */
export const generatedKinds = ['pod_usage', 'storage_usage', 'node_labels', 'namespace_labels'] as const;
export type GeneratedKind = Extract<ReportKind, (typeof generatedKinds)[number]>;

const interval = 'report_period_start,report_period_end,interval_start,interval_end';

/** Columns in the order in which the operator writes them. */
export const reportHeaders: Readonly<Record<GeneratedKind, string>> = {
  pod_usage: `${interval},node,namespace,pod,pod_usage_cpu_core_seconds,pod_request_cpu_core_seconds,pod_limit_cpu_core_seconds,pod_usage_memory_byte_seconds,pod_request_memory_byte_seconds,pod_limit_memory_byte_seconds,node_capacity_cpu_cores,node_capacity_cpu_core_seconds,node_capacity_memory_bytes,node_capacity_memory_byte_seconds,node_role,resource_id,pod_labels`,
  storage_usage: `${interval},namespace,pod,node,persistentvolumeclaim,persistentvolume,storageclass,csi_driver,csi_volume_handle,persistentvolumeclaim_capacity_bytes,persistentvolumeclaim_capacity_byte_seconds,volume_request_storage_byte_seconds,persistentvolumeclaim_usage_byte_seconds,persistentvolume_labels,persistentvolumeclaim_labels`,
  node_labels: `${interval},node,node_labels`,
  namespace_labels: `${interval},namespace,namespace_labels`,
};

/** A line without its hour: what stays the same for a day, and the two places for numbers that differ by hour. */
export interface LineItem {
  /** text before the first number that varies; the whole rest of the line when none does */
  head: string;
  between: string;
  tail: string;
  /** the values around which the hours vary: micro-units of the first, whole units of the second; 0 for none */
  meanMicros: number;
  meanUnits: number;
}

const secondsPerHour = 3_600;
const mib = 2 ** 20;
const gib = 2 ** 30;
const podSuffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** The line items of one kind on one day; each comes once an hour. Pods are in no order, as the operator's. */
export function lineItemsOfDay(cluster: ClusterPlan, kind: GeneratedKind, dayIndex: number): LineItem[] {
  switch (kind) {
    case 'pod_usage':
      return new Random(cluster.seed, 7, dayIndex).shuffle(
        cluster.workloads.flatMap((workload) => podItems(cluster, workload, dayIndex)),
      );
    case 'storage_usage':
      return cluster.volumes.map(volumeItem);
    case 'node_labels':
      return cluster.nodes.map(({ name, labels }) => constantItem(`${name},${labels}\n`));
    case 'namespace_labels':
      return cluster.namespaces.map(({ name, labels }) => constantItem(`${name},${labels}\n`));
  }
}

function volumeItem(volume: VolumePlan): LineItem {
  const { workload, podIndex } = volume;
  const bytes = volume.capacityGib * gib;
  return {
    head: [
      workload.namespace.name,
      statefulPodName(workload, podIndex),
      workload.placements[podIndex]?.name ?? '',
      volume.claim,
      volume.volume,
      volume.storageClass,
      volume.driver,
      volume.handle,
      fixed(bytes),
      fixed(bytes * secondsPerHour),
      fixed(bytes * secondsPerHour),
      '',
    ].join(','),
    between: '',
    tail: `,${volume.volumeLabels},${volume.claimLabels}\n`,
    meanMicros: 0,
    meanUnits: bytes * secondsPerHour * 0.4,
  };
}

function constantItem(head: string): LineItem {
  return { head, between: '', tail: '', meanMicros: 0, meanUnits: 0 };
}

/** Name of a pod of a StatefulSet, which outlives its rollouts. */
function statefulPodName(workload: WorkloadPlan, podIndex: number): string {
  return `${workload.name}-${podIndex}`;
}

/** The pods of a workload, under the names that its last rollout gave them. */
function podItems(cluster: ClusterPlan, workload: WorkloadPlan, dayIndex: number): LineItem[] {
  const { kind, name, placements, rolloutDays, index } = workload;
  const rollout = rolloutDays === 0 ? 0 : Math.floor((dayIndex + index) / rolloutDays);
  const random = new Random(cluster.seed, 11, index, rollout);
  const hash = kind === 'Deployment' ? random.text(9, podSuffixAlphabet) : '';
  const prefix = hash === '' ? name : `${name}-${hash}`;
  return placements.map((node, podIndex) => {
    const podName =
      kind === 'StatefulSet'
        ? statefulPodName(workload, podIndex)
        : `${prefix}-${random.text(5, podSuffixAlphabet)}`;
    // Usage stays below the request with most pods and goes beyond it with some.
    const load = (10 + random.below(130)) / 100;
    const labels = ownLabels(cluster, workload.firstPod + podIndex, rollout);
    return podItem(workload, node, { podName, hash, load, labels });
  });
}

/** Keys that pods of every shape have, and the run's: app, team, version, pod_template_hash, run_id. */
const commonKeyCount = 5;
const stepsOfPod = 4;

/**
 * Labels that no other pod has, as of tools that put what they run into keys: the run's id as a value, and some of the
 * many steps as keys, in turn, so that every key comes as often as the others. Empty when the shape wants none.
 */
function ownLabels({ seed, podLabelKeyCount }: ClusterPlan, pod: number, rollout: number): string {
  if (podLabelKeyCount === undefined) return '';
  const keyCount = podLabelKeyCount - commonKeyCount;
  const steps = Array.from({ length: stepsOfPod }, (_, index) => (pod * stepsOfPod + index) % keyCount);
  const runId = new Random(seed, 13, pod, rollout).hex(12);
  return `|label_run_id:${runId}${steps.map((step) => `|label_ci_example_com_step_${step}:done`).join('')}`;
}

function podItem(
  workload: WorkloadPlan,
  node: NodePlan,
  pod: { podName: string; hash: string; load: number; labels: string },
): LineItem {
  const { cpuRequestMillis, memoryRequestMib, limitFactor, labels } = workload;
  const cpuSeconds = (cpuRequestMillis * secondsPerHour) / 1_000;
  const memoryByteSeconds = memoryRequestMib * mib * secondsPerHour;
  const limit = (request: number) => (limitFactor === undefined ? '' : fixed(request * limitFactor));
  const capacity = [
    fixed(node.cores),
    fixed(node.cores * secondsPerHour),
    fixed(node.memoryBytes),
    fixed(node.memoryBytes * secondsPerHour),
  ].join(',');
  const labelText = (pod.hash === '' ? labels : `${labels}|label_pod_template_hash:${pod.hash}`) + pod.labels;
  return {
    head: `${node.name},${workload.namespace.name},${pod.podName},`,
    between: `,${fixed(cpuSeconds)},${limit(cpuSeconds)},`,
    tail:
      `,${fixed(memoryByteSeconds)},${limit(memoryByteSeconds)},${capacity},` +
      `${node.role},${node.resourceId},${labelText}\n`,
    meanMicros: Math.round(cpuSeconds * pod.load * 1e6),
    meanUnits: Math.round(memoryByteSeconds * pod.load),
  };
}

/** A whole number as Go's %f prints it. */
function fixed(value: number): string {
  return `${value}.000000`;
}

const digitGroups = Array.from({ length: 1_000 }, (_, value) => String(value).padStart(3, '0'));

/**
 * The line of an item in one hour.
 * @param prefix the four times and their commas
 * @param loadPercent how busy the hour is
 * @param random numbers of this day and kind, in the order of its lines
 */
export function lineOf(item: LineItem, prefix: string, loadPercent: number, random: Random): string {
  const { head, meanMicros, meanUnits } = item;
  if (meanUnits === 0) return prefix + head;
  const noise = random.next();
  let cpu = '';
  if (meanMicros !== 0) {
    const micros = Math.floor(((meanMicros * loadPercent) / 100) * (0.75 + (noise & 0xffff) / 0x20000));
    const whole = Math.floor(micros / 1e6);
    const rest = micros - whole * 1e6;
    const thousands = Math.floor(rest / 1_000);
    cpu = `${whole}.${digitGroups[thousands] ?? ''}${digitGroups[rest - thousands * 1_000] ?? ''}`;
  }
  const units = Math.floor(meanUnits * (0.9 + (noise >>> 16) / 0x50000));
  return `${prefix}${head}${cpu}${item.between}${units}.000000${item.tail}`;
}
