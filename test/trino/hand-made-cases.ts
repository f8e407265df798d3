import type { ReportRow, ReportRows } from '../support/payload-builder.ts';

/** An hour of the last two days of October: the month ends in the middle of the cases. */
const at = (day: number, hour: number) => `2026-10-${day} ${String(hour).padStart(2, '0')}:00`;

const pod = (hour: string, name: string, more: Record<string, string | number> = {}): ReportRow => ({
  hour,
  pod: name,
  namespace: 'shop',
  node: 'node-a',
  resource_id: 'i-a',
  pod_usage_cpu_core_seconds: 900.25,
  pod_request_cpu_core_seconds: 1800,
  pod_limit_cpu_core_seconds: 3600,
  pod_usage_memory_byte_seconds: 3.5e12,
  pod_request_memory_byte_seconds: 3e12,
  pod_limit_memory_byte_seconds: 4e12,
  node_capacity_cpu_cores: 8,
  node_capacity_cpu_core_seconds: 28_800,
  node_capacity_memory_bytes: 34_359_738_368,
  node_capacity_memory_byte_seconds: 123_695_058_124_800,
  pod_labels: 'label_app:web|label_tier:front',
  ...more,
});

const volume = (hour: string, podName: string, more: Record<string, string | number> = {}): ReportRow => ({
  hour,
  namespace: 'shop',
  pod: podName,
  persistentvolumeclaim: 'claim-1',
  persistentvolume: 'pv-1',
  storageclass: 'fast',
  persistentvolumeclaim_capacity_bytes: 10_737_418_240,
  persistentvolumeclaim_capacity_byte_seconds: 38_654_705_664_000,
  volume_request_storage_byte_seconds: 36_000_000_000_000,
  persistentvolumeclaim_usage_byte_seconds: 7_200_000_000_000,
  persistentvolume_labels: 'label_disk:ssd',
  persistentvolumeclaim_labels: '',
  ...more,
});

const nodes = (name: 'node-a' | 'node-b' | 'node-c') => ({ node: name, resource_id: `i-${name.slice(-1)}` });

const pods: ReportRow[] = [
  pod(at(30, 0), 'blank-request', { pod_request_cpu_core_seconds: '', pod_request_memory_byte_seconds: '' }),
  pod(at(30, 1), 'blank-request', { pod_usage_cpu_core_seconds: '', pod_usage_memory_byte_seconds: '' }),
  pod(at(30, 2), 'blank-request', { pod_usage_cpu_core_seconds: '', pod_request_cpu_core_seconds: '' }),
  pod(at(30, 0), 'unscheduled', { node: '', resource_id: '' }),
  ...[10, 11, 12, 13].map((hour) =>
    pod(at(30, hour), 'relabelled', { pod_labels: hour < 12 ? 'label_app:old' : 'label_app:new|label_x:' }),
  ),
  // One set, written in two ways.
  pod(at(30, 14), 'relabelled', { pod_labels: 'label_x:|label_app:new' }),
  pod(at(30, 0), 'great', { pod_usage_cpu_core_seconds: 1e18, pod_usage_memory_byte_seconds: '1E18' }),
  pod(at(30, 1), 'forms', { pod_usage_cpu_core_seconds: '+5.', pod_request_cpu_core_seconds: '.5e1' }),
  pod(at(30, 2), 'forms', { pod_usage_cpu_core_seconds: '-0.125', pod_limit_cpu_core_seconds: '1e-400' }),
  pod(at(30, 3), 'forms', { pod_usage_cpu_core_seconds: 'NaN', pod_limit_cpu_core_seconds: ' 12 ' }),
  pod(at(30, 4), 'forms', { pod_usage_cpu_core_seconds: 0.1, pod_request_cpu_core_seconds: 0.2 }),
  pod(at(30, 4), 'roles', { node_role: 'worker', ...nodes('node-c') }),
  pod(at(30, 5), 'roles', { node_role: 'control-plane', ...nodes('node-c') }),
  pod(at(30, 6), 'roles', { node_role: '', ...nodes('node-c') }),
  // Capacity differs within an hour, and between hours.
  pod(at(30, 6), 'resized', { node_capacity_cpu_core_seconds: 57_600, node_capacity_cpu_cores: 16 }),
  // Names that a text format could spoil.
  pod(at(30, 7), '"quoted"', { namespace: '"a,b"', pod_labels: '"label_q:""x"", y|label_p:\\t\\\\"' }),
  pod(at(30, 7), 'überall', { namespace: 'größe', pod_labels: 'label_ü:ß|label_n:\\N' }),
  pod(at(30, 7), 'json-labels', { pod_labels: '"{""a"": ""b""}"' }),
  // A pod that moves while it mounts a claim, is on two nodes in one hour, and is not seen in others.
  pod(at(31, 2), 'mover', nodes('node-b')),
  pod(at(31, 5), 'mover', nodes('node-a')),
  pod(at(31, 5), 'mover', nodes('node-c')),
  pod(at(31, 6), 'mover', nodes('node-a')),
  pod(at(31, 6), 'mover', nodes('node-b')),
  pod(at(31, 7), 'mover', nodes('node-b')),
  pod(at(31, 20), 'mover', { ...nodes('node-b'), resource_id: 'i-b-2' }),
  // On two nodes for two hours: the node of the hour after them counts, not the greatest.
  ...[10, 11, 12].map((hour) => pod(at(31, hour), 'mover-2')),
  ...[9, 10, 11].map((hour) => pod(at(31, hour), 'mover-2', nodes('node-b'))),
  ...Array.from({ length: 24 }, (_, hour) => pod(at(31, hour), 'mounts-1')),
  ...Array.from({ length: 24 }, (_, hour) => pod(at(31, hour), 'mounts-2', nodes('node-b'))),
];

const volumes: ReportRow[] = [
  // Two pods on one claim; one of them sends no usage, and in one hour no volume.
  ...Array.from({ length: 24 }, (_, hour) => volume(at(31, hour), 'mounts-1')),
  ...Array.from({ length: 12 }, (_, hour) =>
    volume(at(31, hour), 'mounts-2', {
      persistentvolumeclaim_usage_byte_seconds: '',
      persistentvolume: hour === 3 ? '' : 'pv-1',
    }),
  ),
  ...Array.from({ length: 24 }, (_, hour) =>
    volume(at(31, hour), 'mover', { persistentvolumeclaim: 'claim-2', persistentvolume: 'pv-2' }),
  ),
  ...Array.from({ length: 24 }, (_, hour) =>
    volume(at(31, hour), 'mover-2', { persistentvolumeclaim: 'claim-4', persistentvolume: 'pv-5' }),
  ),
  // Without a claim, without a volume, without either.
  volume(at(31, 1), 'mounts-1', { persistentvolumeclaim: '', persistentvolume: 'pv-3' }),
  volume(at(31, 1), 'mounts-2', { persistentvolumeclaim: '', persistentvolume: 'pv-3' }),
  volume(at(31, 2), 'mounts-1', { persistentvolumeclaim: '', persistentvolume: '' }),
  volume(at(31, 2), 'mounts-2', { persistentvolumeclaim: '', persistentvolume: '' }),
  volume(at(31, 3), '', { persistentvolumeclaim: 'claim-3', persistentvolume: '' }),
  volume(at(31, 4), 'unknown', { persistentvolumeclaim: 'claim-3', persistentvolume: 'pv-4' }),
];

const vm = (hour: string, more: Record<string, string | number> = {}): ReportRow => ({
  hour,
  node: 'node-a',
  namespace: 'shop',
  vm_name: 'database',
  resource_id: 'i-a',
  vm_instance_type: 'u1.large',
  vm_uptime_total_seconds: 3600,
  vm_cpu_request_cores: 2,
  vm_cpu_request_core_seconds: 7200,
  vm_cpu_usage_total_seconds: 1234.5,
  vm_cpu_limit_core_seconds: '',
  vm_memory_request_bytes: 4_294_967_296,
  vm_memory_request_byte_seconds: 15_461_882_265_600,
  vm_memory_usage_byte_seconds: 9e12,
  vm_persistentvolumeclaim_name: 'disk-1',
  vm_disk_allocated_size_byte_seconds: 1e14,
  vm_labels: 'label_vm:db',
  ...more,
});

const machines: ReportRow[] = [
  ...[0, 1, 2].flatMap((hour) => [
    vm(at(30, hour)),
    vm(at(30, hour), { vm_persistentvolumeclaim_name: 'disk-2', vm_disk_allocated_size_byte_seconds: 2e14 }),
    vm(at(30, hour), { vm_persistentvolumeclaim_name: '', vm_disk_allocated_size_byte_seconds: '' }),
  ]),
  vm(at(30, 3), { vm_cpu_request_cores: 4, vm_uptime_total_seconds: 1800 }),
  vm(at(30, 3), {
    ...nodes('node-b'),
    vm_uptime_total_seconds: 600,
    vm_labels: 'label_vm:db|label_moved:yes',
  }),
];

const gpu = (hour: string, more: Record<string, string | number> = {}): ReportRow => ({
  hour,
  ...nodes('node-a'),
  namespace: 'shop',
  pod: 'trainer',
  gpu_uuid: 'GPU-1',
  gpu_model_name: 'NVIDIA A100-SXM4-40GB',
  gpu_vendor_name: 'nvidia_com_gpu',
  gpu_memory_capacity_mib: 40_960,
  gpu_pod_uptime: 3600,
  mig_instance_id: '',
  mig_profile: '',
  mig_strategy: '',
  ...more,
});

const gpus: ReportRow[] = [
  gpu(at(30, 0)),
  gpu(at(30, 1), { gpu_vendor_name: 'nvidia0', gpu_pod_uptime: 1800.5 }),
  gpu(at(30, 1), { gpu_uuid: 'GPU-2', mig_instance_id: '3', mig_profile: '3g.20gb', mig_strategy: 'mixed' }),
  gpu(at(30, 2), {
    gpu_uuid: 'GPU-2',
    mig_instance_id: '4',
    mig_profile: '1g.5gb+me',
    mig_strategy: 'mixed',
  }),
];

/** What the two engines could understand in two ways, on two days. */
export const handMadeCases: ReportRows = {
  pod_usage: pods,
  storage_usage: volumes,
  node_labels: [
    ...[0, 1, 5].map((hour) => ({ hour: at(30, hour), node: 'node-a', node_labels: 'label_zone:a' })),
    ...[3, 6].map((hour) => ({ hour: at(30, hour), node: 'node-a', node_labels: 'label_zone:b' })),
  ],
  namespace_labels: [{ hour: at(31, 23), namespace: 'shop', namespace_labels: 'label_team:x' }],
  vm_usage: machines,
  gpu_usage: gpus,
};
