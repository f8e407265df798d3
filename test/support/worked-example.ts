import type { Labels, StagedSource } from './staging-fixture.ts';

/*
 * October (31 days), day 1, two hours. Two nodes, w1 (worker) and m1 (master), 4 cores and 16 GiB each.
 * Node labels w1 {app: nodeapp, zone: a, secret: x}, m1 {zone: b}; namespace labels shop {tier: nsTier, team: blue}.
 * Enabled keys: app, tier, zone, team.
 *
 *                                      CPU core-seconds per hour       memory GiB per hour
 *   pod      namespace, node           usage; request                  usage; request
 *   web-1    shop, w1                  1800; 3600 then 7200; 3600      2; 1 then 1; 1
 *   db-0     shop, w1                   900; 1800 twice                1; 2 twice
 *   agent-1  shop, m1                   360; 0 twice                   0.5; 0 twice
 *   api-0    kube-apiserver, m1        3600; 1800 twice                2; 1 twice
 */
/** The day of the example. */
export const day = '2026-10-01';
const gib = 2 ** 30;
const hourOfGib = (count: number) => count * gib * 3600;

/** Hourly rows of a pod, one per element of `hours`: core-seconds and GiB. */
export function pod(
  name: string,
  namespace: string,
  node: string,
  labels: Labels,
  hours: [cpuUsage: number, cpuRequest: number, memoryUsage: number, memoryRequest: number][],
) {
  return hours.map(([cpuUsage, cpuRequest, memoryUsage, memoryRequest], hour) => ({
    hour,
    pod: name,
    namespace,
    node,
    resource_id: `i-${node}`,
    label_set_id: labels,
    pod_usage_cpu_core_seconds: cpuUsage,
    pod_request_cpu_core_seconds: cpuRequest,
    pod_limit_cpu_core_seconds: null,
    pod_usage_memory_byte_seconds: hourOfGib(memoryUsage),
    pod_request_memory_byte_seconds: hourOfGib(memoryRequest),
    pod_limit_memory_byte_seconds: null,
    node_capacity_cpu_cores: 4,
    node_capacity_cpu_core_seconds: 4 * 3600,
    node_capacity_memory_bytes: 16 * gib,
    node_capacity_memory_byte_seconds: hourOfGib(16),
  }));
}

function volume(
  pvc: string,
  pv: string,
  mountedBy: string,
  sizes: [number, number, number],
  pvLabels: Labels,
  pvcLabels: Labels,
) {
  const [capacity, request, usage] = sizes;
  return [0, 1].map((hour) => ({
    hour,
    namespace: 'shop',
    pod: mountedBy,
    persistentvolumeclaim: pvc,
    persistentvolume: pv,
    storageclass: 'fast',
    persistentvolume_label_set_id: pvLabels,
    persistentvolumeclaim_label_set_id: pvcLabels,
    persistentvolumeclaim_capacity_bytes: capacity * gib,
    persistentvolumeclaim_capacity_byte_seconds: hourOfGib(capacity),
    volume_request_storage_byte_seconds: hourOfGib(request),
    persistentvolumeclaim_usage_byte_seconds: hourOfGib(usage),
  }));
}

/** Stage the example; `w1Zone` is the label zone of w1 in each of the two hours. */
export async function stageExample(
  source: StagedSource,
  w1Zone: [string, string] = ['a', 'a'],
): Promise<void> {
  await source.enableKeys('app', 'tier', 'zone', 'team');
  await source.stage('pod_usage', day, [
    ...pod('web-1', 'shop', 'w1', { app: 'web', tier: 'front' }, [
      [1800, 3600, 2, 1],
      [7200, 3600, 1, 1],
    ]),
    ...pod('db-0', 'shop', 'w1', { app: 'db' }, [
      [900, 1800, 1, 2],
      [900, 1800, 1, 2],
    ]),
    ...pod('agent-1', 'shop', 'm1', { app: 'web', tier: 'front' }, [
      [360, 0, 0.5, 0],
      [360, 0, 0.5, 0],
    ]),
    ...pod('api-0', 'openshift-kube-apiserver', 'm1', {}, [
      [3600, 1800, 2, 1],
      [3600, 1800, 2, 1],
    ]),
  ]);
  await source.stage('storage_usage', day, [
    ...volume('data', 'pv1', 'db-0', [100, 50, 25], { app: 'pvlab' }, { app: 'db' }),
    ...volume('shared', 'pv2', 'web-1', [10, 10, 4], {}, {}),
    ...volume('shared', 'pv2', 'agent-1', [10, 10, 4], {}, {}),
    ...volume('orphan', 'pv3', '', [20, 20, 0], {}, {}),
  ]);
  await source.stage('node_labels', day, [
    ...w1Zone.map((zone, hour) => ({
      hour,
      node: 'w1',
      label_set_id: { app: 'nodeapp', zone, secret: 'x' },
    })),
    ...[0, 1].map((hour) => ({ hour, node: 'm1', label_set_id: { zone: 'b' } })),
  ]);
  await source.stage('namespace_labels', day, [
    ...[0, 1].map((hour) => ({ hour, namespace: 'shop', label_set_id: { tier: 'nsTier', team: 'blue' } })),
  ]);
}
