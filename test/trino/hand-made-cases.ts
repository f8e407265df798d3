import type { ReportRow, ReportRows } from '../support/payload-builder.ts';

/** An hour of the last two days of October, or of the first of November. */
const at = (day: number, hour: number) =>
  `2026-${day === 1 ? '11-01' : `10-${day}`} ${String(hour).padStart(2, '0')}:00`;

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
  // Two intervals of one hour, and a row that comes twice: all add up.
  pod('2026-10-30 08:30', 'forms', { pod_usage_cpu_core_seconds: 7 }),
  ...[0, 1].map(() => pod(at(30, 8), 'forms', { pod_usage_cpu_core_seconds: '0.12345678901234567' })),
  pod(at(30, 9), 'forms', {
    pod_usage_cpu_core_seconds: '999999999999999999',
    pod_limit_cpu_core_seconds: '5e-324',
  }),
  // Blank names, and a node that sends no capacity.
  pod(at(30, 9), '', { namespace: '' }),
  pod(at(30, 9), 'bare', {
    node: 'node-d',
    resource_id: '',
    node_capacity_cpu_cores: '',
    node_capacity_cpu_core_seconds: '',
    node_capacity_memory_bytes: '',
    node_capacity_memory_byte_seconds: '',
    pod_limit_cpu_core_seconds: '',
    pod_limit_memory_byte_seconds: '',
  }),
  // Memory and CPU capacity are the greatest of an hour each for itself.
  pod(at(30, 10), 'resized', {
    node_capacity_cpu_core_seconds: 1,
    node_capacity_memory_byte_seconds: 223_695_058_124_800,
    node_capacity_memory_bytes: 68_719_476_736,
  }),
  // Sums of nothing are 0, and so is a usage that nobody sent: alone in their groups.
  ...['silent', 'no-usage', 'owed'].map((name) =>
    pod(at(30, 10), name, {
      pod_usage_cpu_core_seconds: '',
      pod_usage_memory_byte_seconds: '',
      pod_limit_cpu_core_seconds: '',
      pod_limit_memory_byte_seconds: '',
      ...(name === 'silent' ? { pod_request_cpu_core_seconds: '', pod_request_memory_byte_seconds: '' } : {}),
      ...(name === 'owed' ? { pod_request_cpu_core_seconds: -5, pod_request_memory_byte_seconds: -7 } : {}),
    }),
  ),
  // More usage than request.
  pod(at(30, 11), 'over', { pod_usage_cpu_core_seconds: 5400, pod_usage_memory_byte_seconds: 1e12 }),
  // Texts with characters that end a field, a line or a row of COPY.
  pod(at(30, 12), '"two\nlines"', { resource_id: '"i\r1"', pod_labels: '"label_t:a\tb|label_l:c\nd"' }),
  // What moves at midnight moved within no day; what moves on the new instance of a node did.
  ...[22, 23].map((hour) => pod(at(31, hour), 'night')),
  ...[0, 1].map((hour) => pod(at(1, hour), 'night', nodes('node-b'))),
  ...[0, 2].map((hour) => pod(at(1, hour), 'reborn', { resource_id: `i-a-${hour}` })),
  // A name that is blank is no pod, and an hour without a node is no place.
  pod(at(31, 3), ''),
  ...[8, 9].map((hour) => pod(at(31, hour), 'mover', { node: '', resource_id: '' })),
  pod(at(31, 9), 'unscheduled', { node: '', resource_id: '' }),
  // Another node on another day of the month, which moves nothing within a day.
  pod(at(30, 23), 'daily'),
  pod(at(31, 0), 'daily', nodes('node-b')),
  // Moved on bare metal, where nodes have no resource.
  ...(['node-a', 'node-b'] as const).map((node, hour) =>
    pod(at(31, hour), 'metal', { node, resource_id: '' }),
  ),
  // Of three nodes two are those of the next hour, which decides for a third one: the greater of the two.
  ...['a b c', 'a b d', 'd'].flatMap((names, hour) =>
    names
      .split(' ')
      .map((name) => pod(at(31, hour), 'mover-3', { node: `node-${name}`, resource_id: `i-${name}` })),
  ),
  // Greatest by bytes, which is not the order of UTF-16 nor of a dictionary.
  pod(at(1, 3), 'order', { node: 'node-\u{1F600}', resource_id: 'i-a' }),
  pod(at(1, 3), 'order', { node: 'node-\uFFEE', resource_id: 'i-a' }),
  ...['i-B', 'i-a', 'i-Z'].map((resource_id) => pod(at(1, 4), 'order', { resource_id })),
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
  // Each measure is shared by those that sent it; what nobody sent is 0.
  ...['persistentvolumeclaim_capacity_byte_seconds', 'volume_request_storage_byte_seconds'].flatMap(
    (measure, index) =>
      ['mounts-1', 'mounts-2', 'mounts-2'].map((name, row) =>
        volume(at(31, 6 + index), name, {
          persistentvolumeclaim: 'claim-5',
          persistentvolume: 'pv-6',
          csi_volume_handle: 'vol-6',
          ...(row === 0 ? { [measure]: '', persistentvolumeclaim_capacity_bytes: '' } : {}),
        }),
      ),
  ),
  volume(at(31, 8), 'mounts-1', {
    persistentvolumeclaim: 'claim-5',
    persistentvolume: 'pv-6',
    persistentvolumeclaim_capacity_byte_seconds: '',
    volume_request_storage_byte_seconds: '',
    persistentvolumeclaim_usage_byte_seconds: '',
    persistentvolumeclaim_capacity_bytes: '',
  }),
  // A blank volume is the greatest of those that the claim has in the hour; names are a namespace's own.
  ...['pv-7', 'pv-\uFFEE', 'pv-\u{1F600}', ''].map((persistentvolume) =>
    volume(at(31, 9), 'mounts-1', { persistentvolumeclaim: 'claim-6', persistentvolume }),
  ),
  volume(at(31, 9), 'mounts-1', {
    namespace: 'bank',
    persistentvolumeclaim: 'claim-6',
    persistentvolume: 'pv-7',
  }),
  volume(at(31, 10), 'mounts-1', { persistentvolumeclaim: 'claim-6', persistentvolume: '' }),
  // Two intervals of one hour are two, a row that comes twice is one.
  ...[at(31, 11), '2026-10-31 11:30', '2026-10-31 11:30'].map((hour) =>
    volume(hour, 'mounts-1', { persistentvolumeclaim: 'claim-7', persistentvolume: 'pv-8' }),
  ),
  // Labels, class and handle differ between the rows of a claim-hour.
  volume(at(31, 12), 'mounts-1', {
    persistentvolumeclaim: 'claim-7',
    persistentvolume: 'pv-8',
    storageclass: '',
  }),
  volume(at(31, 12), 'mounts-1', {
    persistentvolumeclaim: 'claim-7',
    persistentvolume: 'pv-8',
    persistentvolumeclaim_labels: 'label_a:1',
    persistentvolume_labels: '',
    csi_volume_handle: 'vol-8',
  }),
  ...['metal', 'mover-3', 'unscheduled'].flatMap((name) =>
    [0, 1, 2, 3].map((hour) =>
      volume(at(31, hour), name, { persistentvolumeclaim: `claim-${name}`, persistentvolume: `pv-${name}` }),
    ),
  ),
  ...[at(30, 22), at(30, 23), at(31, 0)].map((hour) =>
    volume(hour, 'daily', { persistentvolumeclaim: 'claim-daily', persistentvolume: 'pv-daily' }),
  ),
  // One volume of two claims is two; a claim of another namespace, or of another interval, does not tell a volume.
  volume(at(31, 1), 'mounts-1', { persistentvolumeclaim: 'claim-9', persistentvolume: 'pv-3' }),
  volume(at(31, 1), 'mounts-1', { persistentvolumeclaim: '', persistentvolume: '' }),
  ...[0, 1].map(() =>
    volume(at(31, 9), 'mounts-1', {
      namespace: 'aunt',
      persistentvolumeclaim: 'claim-6',
      persistentvolume: '',
    }),
  ),
  ...[at(31, 11), '2026-10-31 11:30', '2026-10-31 11:30'].map((hour, row) =>
    volume(hour, 'mounts-1', { persistentvolumeclaim: 'claim-8', persistentvolume: row === 0 ? 'pv-9' : '' }),
  ),
  ...['night', 'reborn', 'order'].flatMap((name) =>
    [at(31, 23), ...[0, 1, 2, 3, 4, 23].map((hour) => at(1, hour))].map((hour) =>
      volume(hour, name, { persistentvolumeclaim: `claim-${name}`, persistentvolume: `pv-${name}` }),
    ),
  ),
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
  // As long on two nodes, with two claims, under several sets of labels: one row stands for the hour.
  ...['node-b', 'node-a'].map((node) => vm(at(30, 4), { node })),
  ...['disk-9', 'disk-3'].map((vm_persistentvolumeclaim_name) =>
    vm(at(30, 5), { vm_persistentvolumeclaim_name }),
  ),
  ...[6, 7, 8, 9].flatMap((hour) =>
    ['b', 'a', 'c'].map((name) => vm(at(30, hour), { vm_labels: `label_of:${name}-${hour}` })),
  ),
  // The latest hour of the day tells the size, not the greatest.
  vm(at(30, 22), { vm_cpu_request_cores: 8, vm_memory_request_bytes: 8_589_934_592, resource_id: 'I-b' }),
  vm(at(30, 23), {
    vm_cpu_request_cores: 1,
    vm_memory_request_bytes: 1_073_741_824,
    vm_uptime_total_seconds: 60,
  }),
  // A row that comes twice repeats the machine, and its disk adds up; blanks are 0.
  ...[0, 1].map(() => vm(at(31, 0), { vm_name: 'twice' })),
  vm(at(31, 1), {
    vm_name: 'blank',
    vm_uptime_total_seconds: '',
    vm_cpu_request_cores: '',
    vm_cpu_request_core_seconds: '',
    vm_cpu_usage_total_seconds: '',
    vm_memory_request_bytes: '',
    vm_memory_request_byte_seconds: '',
    vm_memory_usage_byte_seconds: '',
    vm_disk_allocated_size_byte_seconds: '',
  }),
  // The longer of two rows of one hour.
  ...[900, 600].map((vm_uptime_total_seconds) => vm(at(30, 11), { vm_uptime_total_seconds })),
  // Longer on the node that comes later.
  vm(at(30, 10), { vm_uptime_total_seconds: 600 }),
  vm(at(30, 10), { node: 'node-b', vm_uptime_total_seconds: 1800 }),
  // A machine's name is its namespace's own.
  ...['bank', 'shop'].map((namespace) => vm(at(31, 1), { namespace })),
  ...['i-z', 'I-z', 'i-y'].map((resource_id) => vm(at(31, 4), { resource_id })),
  vm(at(31, 2), { node: '', resource_id: '', vm_uptime_total_seconds: 0 }),
  ...[1, 2].map((limit) =>
    vm(at(31, 3), {
      vm_cpu_limit_core_seconds: 7200 * limit,
      vm_memory_limit_byte_seconds: 1e13 / limit,
      vm_memory_usage_byte_seconds: 1e12 * limit,
      vm_cpu_usage_total_seconds: 100 / limit,
    }),
  ),
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
  // The greatest of the day of each column; what the file says of an unknown model; a GPU of two pods.
  gpu(at(30, 3), {
    gpu_model_name: 'nvidia-A30',
    gpu_vendor_name: 'nvidia0x',
    gpu_memory_capacity_mib: 24_576,
  }),
  gpu(at(30, 3), { gpu_memory_capacity_mib: '', gpu_pod_uptime: '' }),
  ...[
    { mig_profile: '1g.5gb', gpu_max_slices: 7 },
    { mig_profile: '3g.20gb', gpu_max_slices: 4 },
    { mig_profile: '', gpu_max_slices: 2 },
  ].map((more, hour) =>
    gpu(at(30, hour), {
      gpu_uuid: 'GPU-3',
      gpu_model_name: 'X1',
      mig_instance_id: '1',
      mig_strategy: 'single',
      ...more,
    }),
  ),
  gpu(at(30, 4), { pod: 'second' }),
  gpu(at(30, 4), { gpu_uuid: 'GPU-4', gpu_memory_capacity_mib: '', gpu_pod_uptime: '' }),
  gpu(at(30, 5), { node: 'node-b', gpu_pod_uptime: 0.1 }),
  gpu(at(30, 5), { namespace: 'bank' }),
];

/** What the two engines could understand in two ways, on three days of two months. */
export const handMadeCases: ReportRows = {
  pod_usage: pods,
  storage_usage: volumes,
  node_labels: [
    ...[0, 1, 5].map((hour) => ({ hour: at(30, hour), node: 'node-a', node_labels: 'label_zone:a' })),
    ...[3, 6].map((hour) => ({ hour: at(30, hour), node: 'node-a', node_labels: 'label_zone:b' })),
    ...[9, 9].map((hour) => ({ hour: at(30, hour), node: '', node_labels: 'label_zone:b' })),
  ],
  namespace_labels: [
    { hour: at(31, 23), namespace: 'shop', namespace_labels: 'label_team:x' },
    ...[4, 2, 2].map((hour) => ({ hour: at(31, hour), namespace: '', namespace_labels: 'label_team:y' })),
    { hour: '2026-10-31 04:45', namespace: '', namespace_labels: 'label_team:y' },
    { hour: at(1, 0), namespace: 'shop', namespace_labels: '' },
  ],
  vm_usage: machines,
  gpu_usage: gpus,
};
