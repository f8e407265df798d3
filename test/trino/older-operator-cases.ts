import type { ReportRow, ReportRows } from '../support/payload-builder.ts';

const first = '2026-10-31 00:00';
const nodeA = { namespace: 'shop', pod: 'old', node: 'node-a', resource_id: 'i-a' };

const volume = (hour: string): ReportRow => ({
  hour,
  namespace: 'shop',
  pod: 'old',
  persistentvolumeclaim: 'claim-1',
  persistentvolume: 'pv-1',
  storageclass: 'fast',
  persistentvolumeclaim_usage_byte_seconds: 7_200_000_000_000,
});

/**
 * The rows of an operator that knows none of the optional columns: node_role, csi_volume_handle, mig_profile and
 * others.
 */
export const olderOperatorCases: ReportRows = {
  pod_usage: [
    { hour: first, ...nodeA, pod_usage_cpu_core_seconds: 900 },
    { hour: '2026-10-31 01:00', ...nodeA, node: 'node-b', resource_id: 'i-b' },
  ],
  storage_usage: [volume(first), volume('2026-10-31 02:00')],
  gpu_usage: [
    {
      hour: first,
      ...nodeA,
      gpu_uuid: 'GPU-9',
      gpu_model_name: 'Tesla T4',
      gpu_vendor_name: 'nvidia_com_gpu',
      gpu_memory_capacity_mib: 15_360,
      gpu_pod_uptime: 3600,
    },
  ],
};
