import { Random } from './random.ts';
import type { Shape } from './shapes.ts';

/** A node as its reports show it. */
export interface NodePlan {
  name: string;
  role: string;
  resourceId: string;
  cores: number;
  memoryBytes: number;
  /** label text of the node report */
  labels: string;
}

export interface NamespacePlan {
  name: string;
  labels: string;
}

/** What is deployed: pods that share a namespace, a label set and their requests. */
export interface WorkloadPlan {
  index: number;
  name: string;
  namespace: NamespacePlan;
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job';
  labels: string;
  /** days between two rollouts, after which its pods have other names; 0 for never */
  rolloutDays: number;
  /** node of each pod */
  placements: NodePlan[];
  /** number of its first pod among all pods of the cluster */
  firstPod: number;
  cpuRequestMillis: number;
  memoryRequestMib: number;
  /** undefined: no limits, as with two of three workloads */
  limitFactor: number | undefined;
}

/** A claim with its volume, mounted by one pod of a StatefulSet. */
export interface VolumePlan {
  workload: WorkloadPlan;
  podIndex: number;
  claim: string;
  volume: string;
  storageClass: string;
  driver: string;
  handle: string;
  capacityGib: number;
  volumeLabels: string;
  claimLabels: string;
}

export interface ClusterPlan {
  seed: number;
  nodes: NodePlan[];
  namespaces: NamespacePlan[];
  workloads: WorkloadPlan[];
  volumes: VolumePlan[];
  /** see {@link Shape} */
  podLabelKeyCount: number | undefined;
}

const podsPerNamespace = 40;
const maxNamespaces = 600;
/** share of a node's pods that are there once per node */
const daemonShare = 0.14;
const teams =
  'payments search checkout identity catalog billing risk mobile data platform media support'.split(' ');
const services = 'api web worker gateway cache consumer indexer scheduler exporter proxy sync notifier'.split(
  ' ',
);
const stages = ['prod', 'staging', 'dev'];
const platformNamespaces =
  'openshift-monitoring openshift-ingress openshift-dns openshift-sdn openshift-etcd'.split(' ');
const gib = 2 ** 30;

/** Lay out a cluster: who runs where, under which names and labels. The same seed and shape give the same cluster. */
export function planCluster(shape: Shape, seed: number): ClusterPlan {
  const random = new Random(seed, shape.nodeCount, shape.podCount);
  const nodes = Array.from({ length: shape.nodeCount }, (_, index) => planNode(random, index));
  const namespaces = planNamespaces(random, shape);
  const workloads = planWorkloads(random, shape, nodes, namespaces);
  return {
    seed,
    nodes,
    namespaces,
    workloads,
    volumes: planVolumes(random, workloads),
    podLabelKeyCount: shape.podLabelKeyCount,
  };
}

function planNode(random: Random, index: number): NodePlan {
  const role = index < 3 ? 'master' : index < 5 ? 'infra' : 'worker';
  const [type, cores, memoryGib] = random.pick([
    ['m5.2xlarge', 8, 32],
    ['m5.4xlarge', 16, 64],
    ['r5.4xlarge', 16, 128],
  ] as const);
  const name = `ip-10-0-${index >> 8}-${index & 255}`;
  const zone = `us-east-1${'abc'.charAt(index % 3)}`;
  const labels = [
    'label_beta_kubernetes_io_arch:amd64',
    `label_beta_kubernetes_io_instance_type:${type}`,
    'label_beta_kubernetes_io_os:linux',
    'label_failure_domain_beta_kubernetes_io_region:us-east-1',
    `label_failure_domain_beta_kubernetes_io_zone:${zone}`,
    'label_kubernetes_io_arch:amd64',
    `label_kubernetes_io_hostname:${name}`,
    'label_kubernetes_io_os:linux',
    `label_node_kubernetes_io_instance_type:${type}`,
    'label_node_openshift_io_os_id:rhcos',
    `label_node_role_kubernetes_io:${role}`,
    'label_topology_kubernetes_io_region:us-east-1',
    `label_topology_kubernetes_io_zone:${zone}`,
  ].join('|');
  return { name, role, resourceId: `i-0${random.hex(16)}`, cores, memoryBytes: memoryGib * gib, labels };
}

function planNamespaces(random: Random, shape: Shape): NamespacePlan[] {
  const count = Math.min(maxNamespaces, Math.max(5, Math.ceil(shape.podCount / podsPerNamespace)));
  return Array.from({ length: count }, (_, index) => {
    const platform = platformNamespaces[index - 1];
    if (index % 7 === 1 && platform !== undefined)
      return {
        name: platform,
        labels: `label_kubernetes_io_metadata_name:${platform}|label_openshift_io_cluster_monitoring:true`,
      };
    const team = random.pick(teams);
    const stage = random.pick(stages);
    const name = `${team}-${stage}-${index}`;
    const labels = [
      `label_cost_center:cc-${1_000 + random.below(60)}`,
      `label_environment:${stage}`,
      `label_kubernetes_io_metadata_name:${name}`,
      `label_team:${team}`,
    ].join('|');
    return { name, labels };
  });
}

function planWorkloads(
  random: Random,
  { nodeCount, podCount }: Shape,
  nodes: readonly NodePlan[],
  namespaces: readonly NamespacePlan[],
): WorkloadPlan[] {
  const workloads: WorkloadPlan[] = [];
  const add = (kind: WorkloadPlan['kind'], placements: NodePlan[]) => {
    const last = workloads.at(-1);
    const firstPod = last === undefined ? 0 : last.firstPod + last.placements.length;
    workloads.push({ ...planWorkload(random, workloads.length, kind, namespaces, placements), firstPod });
  };
  const daemonSetCount = Math.max(1, Math.round((podCount / nodeCount) * daemonShare));
  for (let i = 0; i < daemonSetCount; i += 1) add('DaemonSet', [...nodes]);
  const workers = nodes.filter(({ role }) => role !== 'master');
  for (let left = podCount - daemonSetCount * nodeCount; left > 0;) {
    const dice = random.below(100);
    const kind = dice < 70 ? 'Deployment' : dice < 85 ? 'StatefulSet' : 'Job';
    const replicas = Math.min(left, kind === 'Job' ? 4 + random.below(12) : 1 + random.below(6));
    // A job's pods are packed where there is room; the replicas of a service are spread.
    const room = kind === 'Job' ? [random.pick(workers), random.pick(workers)] : workers;
    add(
      kind,
      Array.from({ length: replicas }, () => random.pick(room)),
    );
    left -= replicas;
  }
  return workloads;
}

function planWorkload(
  random: Random,
  index: number,
  kind: WorkloadPlan['kind'],
  namespaces: readonly NamespacePlan[],
  placements: NodePlan[],
): Omit<WorkloadPlan, 'firstPod'> {
  const namespace = (kind === 'DaemonSet' ? namespaces[1] : undefined) ?? random.pick(namespaces);
  const service = random.pick(services);
  const name = `${service}-${index}`;
  const labels = [
    `label_app:${name}`,
    `label_team:${random.pick(teams)}`,
    ...(random.below(3) === 0
      ? [`label_version:v${1 + random.below(4)}_${random.below(20)}_${random.below(9)}`]
      : []),
  ].join('|');
  return {
    index,
    name,
    namespace,
    kind,
    labels,
    rolloutDays:
      kind === 'Deployment' && random.below(3) === 0 ? 5 + random.below(20) : kind === 'Job' ? 1 : 0,
    placements,
    cpuRequestMillis: random.pick([10, 50, 100, 250, 500, 1_000]),
    memoryRequestMib: random.pick([64, 128, 256, 512, 1_024, 2_048]),
    limitFactor: random.below(3) > 0 ? undefined : random.pick([1, 2, 4]),
  };
}

function planVolumes(random: Random, workloads: readonly WorkloadPlan[]): VolumePlan[] {
  return workloads
    .filter(({ kind }) => kind === 'StatefulSet')
    .flatMap((workload) =>
      workload.placements.map((_, podIndex) => {
        const storageClass = random.pick(['gp3-csi', 'gp2-csi', 'io2-fast']);
        return {
          workload,
          podIndex,
          claim: `data-${workload.name}-${podIndex}`,
          volume: `pvc-${random.uuid()}`,
          storageClass,
          driver: 'ebs.csi.aws.com',
          handle: `vol-0${random.hex(16)}`,
          capacityGib: random.pick([5, 10, 20, 50, 100, 500]),
          volumeLabels: `label_topology_kubernetes_io_zone:us-east-1${'abc'.charAt(random.below(3))}|label_storageclass:${storageClass}`,
          claimLabels: workload.labels,
        };
      }),
    );
}
