import fc from 'fast-check';
import { hourStartMs } from './payload-builder.ts';
import type { ReportRow, ReportRows } from './payload-builder.ts';

type Labels = Readonly<Record<string, string>>;

/** Labels that change once within every day: `first` before the hour `changesAt`, `later` from it on. */
interface LabelHistory {
  first: Labels;
  later: Labels;
  changesAt: number;
}

interface NodePlan {
  /** what the pod report says, by hour, repeated; may be blank */
  roles: string[];
  /** whether the node label report mentions it */
  labelled: boolean;
  /** blank on bare metal */
  resourceId: string;
  cores: number;
  memoryGib: number;
  /** cores from the second day on */
  resizedCores: number;
  labels: LabelHistory;
  /** labels that say what the node is, by hour, repeated */
  kinds: Labels[];
}

interface NamespacePlan {
  name: string;
  labelled: boolean;
  labels: LabelHistory;
}

interface PodPlan {
  namespace: number;
  /**
   * names repeat: in another namespace it is another pod, in the same one a pod that has rows of two nodes in an hour
   */
  name: number;
  /** node by hour, repeated; -1 while it is not scheduled */
  placements: number[];
  /** usage, request and limit by hour, repeated; a request may be blank */
  cpuSeconds: number[];
  cpuRequestSeconds: (number | undefined)[];
  memoryMib: number[];
  memoryRequestMib: (number | undefined)[];
  labels: LabelHistory;
}

interface VolumePlan {
  namespace: number;
  /** whether its claim has a name */
  isClaimed: boolean;
  /** pods that mount it, of those in its namespace, by hour, repeated; none: a claim that no pod uses */
  mountedBy: number[][];
  /** its name by row, repeated: blank where it is not known, another one after it was made again */
  names: ('' | 'old' | 'new')[];
  /** rows that come twice, by row, repeated */
  isTwice: boolean[];
  /** by row, repeated; undefined is blank */
  capacityGib: (number | undefined)[];
  requestGib: (number | undefined)[];
  usageGib: (number | undefined)[];
  volumeLabels: LabelHistory;
  claimLabels: LabelHistory;
}

/** A small cluster over one to three days from 2026-10-01, each day from 00:00 on, as daily reports are. */
export interface GeneratedCluster {
  dayCount: number;
  hoursPerDay: number;
  nodes: NodePlan[];
  namespaces: NamespacePlan[];
  pods: PodPlan[];
  volumes: VolumePlan[];
}

/** Label keys that the property tests enable; the clusters also use `private`, which stays disabled. */
export const enabledLabelKeys = ['app', 'tier', 'env'];

/** Keys and values overlap between pods, nodes, namespaces and volumes, so that merging them matters. */
const labels = fc.dictionary(fc.constantFrom(...enabledLabelKeys, 'private'), fc.constantFrom('a', 'b', ''), {
  maxKeys: 3,
});
const labelHistory: fc.Arbitrary<LabelHistory> = fc.record({
  first: labels,
  later: labels,
  changesAt: fc.nat({ max: 4 }),
});

const hourly = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: 1, maxLength: 4 });
const blankOr = (value: fc.Arbitrary<number>) => fc.option(value, { nil: undefined });

const node = fc.record({
  roles: hourly(fc.constantFrom('worker', 'master', 'control-plane', 'infra', '', '')),
  labelled: fc.boolean(),
  resourceId: fc.constantFrom('', 'i-0a', 'i-0b'),
  cores: fc.integer({ min: 1, max: 16 }),
  memoryGib: fc.integer({ min: 1, max: 64 }),
  resizedCores: fc.integer({ min: 1, max: 16 }),
  labels: labelHistory,
  kinds: hourly(
    fc.record(
      {
        node_role_kubernetes_io: fc.constantFrom('infra', 'worker'),
        kubernetes_io_arch: fc.constantFrom('amd64', 'ARM64'),
      },
      { requiredKeys: [] },
    ),
  ),
});

const namespaceNames = ['shop', 'bank', 'kube-system', 'openshift-monitoring', 'openshift-kube-apiserver'];

const pod = fc.record({
  namespace: fc.nat({ max: 9 }),
  name: fc.nat({ max: 3 }),
  placements: hourly(fc.integer({ min: -1, max: 9 })),
  cpuSeconds: hourly(fc.nat({ max: 20_000 })),
  cpuRequestSeconds: hourly(blankOr(fc.nat({ max: 20_000 }))),
  memoryMib: hourly(fc.nat({ max: 8_192 })),
  memoryRequestMib: hourly(blankOr(fc.nat({ max: 8_192 }))),
  labels: labelHistory,
});

const volume = fc.record({
  namespace: fc.nat({ max: 9 }),
  isClaimed: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
  mountedBy: hourly(fc.uniqueArray(fc.nat({ max: 9 }), { maxLength: 3 })),
  names: hourly(fc.constantFrom('old', 'old', 'new', '')),
  isTwice: hourly(fc.integer({ min: 0, max: 3 }).map((n) => n === 0)),
  capacityGib: hourly(blankOr(fc.integer({ min: 1, max: 100 }))),
  requestGib: hourly(blankOr(fc.integer({ min: 1, max: 100 }))),
  usageGib: hourly(blankOr(fc.nat({ max: 100 }))),
  volumeLabels: labelHistory,
  claimLabels: labelHistory,
});

/** Small clusters; at least one pod is scheduled in some hour. */
export const generatedCluster: fc.Arbitrary<GeneratedCluster> = fc
  .record({
    dayCount: fc.integer({ min: 1, max: 3 }),
    hoursPerDay: fc.integer({ min: 1, max: 4 }),
    nodes: fc.array(node, { minLength: 1, maxLength: 3 }),
    namespaces: fc
      .uniqueArray(fc.constantFrom(...namespaceNames), { minLength: 1, maxLength: 3 })
      .chain((names) =>
        fc.tuple(
          ...names.map((name) =>
            fc.record({ name: fc.constant(name), labelled: fc.boolean(), labels: labelHistory }),
          ),
        ),
      ),
    pods: fc.array(pod, { minLength: 1, maxLength: 6 }),
    volumes: fc.array(volume, { maxLength: 4 }),
  })
  .filter((cluster) => cluster.pods.some((plan) => (plan.placements[0] ?? -1) >= 0));

/** The same cluster with labels that never change within a day. */
export function withoutLabelChanges(cluster: GeneratedCluster): GeneratedCluster {
  const still = (history: LabelHistory): LabelHistory => ({ ...history, later: history.first });
  const stillLabels = <T extends { labels: LabelHistory }>(plan: T): T => ({
    ...plan,
    labels: still(plan.labels),
  });
  return {
    ...cluster,
    nodes: cluster.nodes.map(stillLabels),
    namespaces: cluster.namespaces.map(stillLabels),
    pods: cluster.pods.map(stillLabels),
    volumes: cluster.volumes.map((plan) => ({
      ...plan,
      volumeLabels: still(plan.volumeLabels),
      claimLabels: still(plan.claimLabels),
    })),
  };
}

/** All hours of a cluster, as `ReportRow.hour`. */
export function hoursOf({ dayCount, hoursPerDay }: GeneratedCluster): string[] {
  return Array.from({ length: dayCount }, (_, day) =>
    Array.from(
      { length: hoursPerDay },
      (__, hour) => `2026-10-0${day + 1} ${String(hour).padStart(2, '0')}:00`,
    ),
  ).flat();
}

/** Every hour from one to another, the last one excluded, as `ReportRow.hour`. */
export function hoursBetween(from: string, until: string): string[] {
  const hours: string[] = [];
  for (let ms = hourStartMs(from); ms < hourStartMs(until); ms += 3_600_000)
    hours.push(new Date(ms).toISOString().slice(0, 16).replace('T', ' '));
  return hours;
}

const mib = 2 ** 20;
const gib = 2 ** 30;
const secondsPerHour = 3_600;

/** Two nodes, three pods, a shared volume and an unused one: enough for cases that are about days and payloads. */
export const steadyCluster: GeneratedCluster = {
  dayCount: 1,
  hoursPerDay: 24,
  nodes: [steadyNode('worker', 8), steadyNode('master', 4)],
  namespaces: [
    { name: 'shop', labelled: true, labels: steadyLabels({ tier: 'a' }) },
    { name: 'kube-system', labelled: false, labels: steadyLabels({}) },
  ],
  pods: [steadyPod(0, 0, 0, 5_400), steadyPod(1, 0, 1, 1_800), steadyPod(2, 1, 1, 900)],
  volumes: [steadyVolume([0, 1]), steadyVolume([])],
};

function steadyLabels(first: Labels): LabelHistory {
  return { first, later: first, changesAt: 0 };
}

function steadyNode(role: string, cores: number): NodePlan {
  const memoryGib = 4 * cores;
  const labels = steadyLabels({ env: role });
  return {
    roles: [role],
    labelled: true,
    resourceId: `i-${role}`,
    cores,
    memoryGib,
    resizedCores: cores,
    labels,
    kinds: [{}],
  };
}

function steadyPod(name: number, namespace: number, nodeIndex: number, seconds: number): PodPlan {
  return {
    namespace,
    name,
    placements: [nodeIndex],
    cpuSeconds: [seconds, seconds + 60, seconds + 120],
    cpuRequestSeconds: [seconds + 600],
    memoryMib: [512],
    memoryRequestMib: [256],
    labels: steadyLabels({ app: 'a' }),
  };
}

function steadyVolume(mountedBy: number[]): VolumePlan {
  const labels = steadyLabels({ app: 'b' });
  return {
    namespace: 0,
    isClaimed: true,
    mountedBy: [mountedBy],
    names: ['old'],
    isTwice: [false],
    capacityGib: [20],
    requestGib: [10],
    usageGib: [5],
    volumeLabels: labels,
    claimLabels: labels,
  };
}

/** The line items that the operator of such a cluster sends; `hours` other than its own move it in time. */
export function rowsOf(cluster: GeneratedCluster, hours: readonly string[] = hoursOf(cluster)): ReportRows {
  const perHour = (render: (hour: string, index: number) => ReportRow[]) =>
    hours.flatMap((hour) => render(hour, indexOf(hour)));
  const labelled = <T extends { labelled: boolean }>(plans: T[]) => plans.filter((plan) => plan.labelled);
  return {
    pod_usage: perHour((hour, index) => cluster.pods.map((_, i) => podRow(cluster, i, hour, index))),
    storage_usage: perHour((hour, index) =>
      cluster.volumes.flatMap((_, i) => volumeRows(cluster, i, hour, index)),
    ),
    node_labels: perHour((hour, index) =>
      cluster.nodes.flatMap((plan, i) =>
        plan.labelled
          ? [{ hour, node: `node-${i}`, node_labels: labelText(plan.labels, hour, at(plan.kinds, index)) }]
          : [],
      ),
    ),
    namespace_labels: perHour((hour) =>
      labelled(cluster.namespaces).map(({ name, labels: history }) => ({
        hour,
        namespace: name,
        namespace_labels: labelText(history, hour),
      })),
    ),
  };
}

/** Place of an hour in a plan's lists: the same whatever payload it comes in, and another one on the next day. */
function indexOf(hour: string): number {
  const hours = Math.round((hourStartMs(hour) - hourStartMs('2026-10-01 00:00')) / 3_600_000);
  return hours + Math.floor(hours / 24);
}

function podRow(cluster: GeneratedCluster, index: number, hour: string, hourIndex: number): ReportRow {
  const plan = at(cluster.pods, index);
  const place = at(plan.placements, hourIndex);
  const bytes = (mibs: number | undefined) => (mibs === undefined ? '' : mibs * mib * secondsPerHour);
  return {
    hour,
    pod: podName(plan),
    namespace: at(cluster.namespaces, plan.namespace).name,
    ...(place < 0
      ? { node: '', resource_id: '' }
      : nodeColumns(cluster, place % cluster.nodes.length, hour, hourIndex)),
    pod_usage_cpu_core_seconds: at(plan.cpuSeconds, hourIndex),
    pod_request_cpu_core_seconds: at(plan.cpuRequestSeconds, hourIndex) ?? '',
    pod_usage_memory_byte_seconds: bytes(at(plan.memoryMib, hourIndex)),
    pod_request_memory_byte_seconds: bytes(at(plan.memoryRequestMib, hourIndex)),
    pod_labels: labelText(plan.labels, hour),
  };
}

function nodeColumns(
  cluster: GeneratedCluster,
  index: number,
  hour: string,
  hourIndex: number,
): Record<string, string | number> {
  const plan = at(cluster.nodes, index);
  const cores = hour < '2026-10-02' ? plan.cores : plan.resizedCores;
  return {
    node: `node-${index}`,
    node_role: at(plan.roles, hourIndex),
    resource_id: plan.resourceId,
    node_capacity_cpu_cores: cores,
    node_capacity_cpu_core_seconds: cores * secondsPerHour,
    node_capacity_memory_bytes: plan.memoryGib * gib,
    node_capacity_memory_byte_seconds: plan.memoryGib * gib * secondsPerHour,
  };
}

const podName = (plan: PodPlan) => `pod-${plan.name}`;

/** One row per pod that mounts the volume, each with the whole volume's numbers; some rows come twice. */
function volumeRows(cluster: GeneratedCluster, index: number, hour: string, hourIndex: number): ReportRow[] {
  const plan = at(cluster.volumes, index);
  const namespace = at(cluster.namespaces, plan.namespace).name;
  const mounts = at(plan.mountedBy, hourIndex)
    .map((i) => at(cluster.pods, i))
    .filter((pod) => at(cluster.namespaces, pod.namespace).name === namespace);
  const pods = mounts.length === 0 ? [''] : [...new Set(mounts.map(podName))];
  return pods.flatMap((name, mount) => {
    const row = volumeRow(cluster, index, hour, hourIndex + mount);
    const copies = at(plan.isTwice, hourIndex + mount) ? 2 : 1;
    return Array.from({ length: copies }, () => ({ ...row, namespace, pod: name }));
  });
}

function volumeRow(cluster: GeneratedCluster, index: number, hour: string, rowIndex: number): ReportRow {
  const plan = at(cluster.volumes, index);
  const name = at(plan.names, rowIndex);
  const gibHours = (gibs: number | undefined) => (gibs === undefined ? '' : gibs * gib * secondsPerHour);
  const capacity = at(plan.capacityGib, rowIndex);
  return {
    hour,
    persistentvolumeclaim: plan.isClaimed ? `claim-${index}` : '',
    persistentvolume: name === '' ? '' : `${name}-volume-${index}`,
    storageclass: 'fast',
    persistentvolumeclaim_capacity_bytes: capacity === undefined ? '' : capacity * gib,
    persistentvolumeclaim_capacity_byte_seconds: gibHours(capacity),
    volume_request_storage_byte_seconds: gibHours(at(plan.requestGib, rowIndex)),
    persistentvolumeclaim_usage_byte_seconds: gibHours(at(plan.usageGib, rowIndex)),
    persistentvolume_labels: labelText(plan.volumeLabels, hour),
    persistentvolumeclaim_labels: labelText(plan.claimLabels, hour),
  };
}

function labelText(history: LabelHistory, hour: string, more: Labels = {}): string {
  const now = Number(hour.slice(11, 13)) < history.changesAt ? history.first : history.later;
  return Object.entries({ ...now, ...more })
    .map(([key, value]) => `label_${key}:${value}`)
    .join('|');
}

/** Plans are repeated when there are fewer than hours, pods or namespaces. */
function at<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}
