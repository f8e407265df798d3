import type { ReportRow, ReportRows } from './payload-builder.ts';

/**
 * The rows of a generated cluster with virtual machines and GPUs: half of the pods are launchers of the machine
 * "machine" of their namespace, with two disks, and the others hold the GPU of their node, on node-0 a MIG instance of
 * it.
 */
export function withMachines(rows: ReportRows): ReportRows {
  const pods = rows.pod_usage ?? [];
  return {
    ...rows,
    pod_usage: pods.map((row) =>
      isLauncher(row)
        ? { ...row, pod_labels: labelled(row['pod_labels'], 'vm_kubevirt_io_name:machine') }
        : row,
    ),
    node_labels: (rows.node_labels ?? []).map((row) => ({ ...row, node_labels: gpuLabels(row) })),
    vm_usage: pods.filter(isLauncher).flatMap(vmRows),
    gpu_usage: pods.filter((row) => !isLauncher(row) && row['node'] !== '').map(gpuRow),
  };
}

const isLauncher = (row: ReportRow) => row['pod'] === 'pod-0' || row['pod'] === 'pod-2';
/** A number that changes from hour to hour. */
const variety = (row: ReportRow) => Number(row['pod_usage_cpu_core_seconds'] ?? 0);

function labelled(labels: string | number | undefined, ...more: string[]): string {
  return [
    ...(labels === undefined || labels === '' ? [] : [labels]),
    ...more.map((label) => `label_${label}`),
  ].join('|');
}

function gpuLabels(row: ReportRow): string {
  return labelled(
    row['node_labels'],
    'nvidia_com_gpu_present:True',
    'nvidia_com_gpu_count:2',
    'nvidia_com_gpu_product:T4',
  );
}

function vmRows(row: ReportRow): ReportRow[] {
  return ['root', 'data'].map((disk) => ({
    hour: row.hour,
    vm_name: 'machine',
    namespace: row['namespace'] ?? '',
    node: row['node'] ?? '',
    resource_id: row['resource_id'] ?? '',
    vm_uptime_total_seconds: variety(row) % 3_600,
    vm_cpu_request_cores: 1 + (variety(row) % 4),
    vm_persistentvolumeclaim_name: disk,
  }));
}

function gpuRow(row: ReportRow): ReportRow {
  const mig = { mig_instance_id: 'MIG-1', mig_profile: '3g.20gb', mig_strategy: 'mixed' };
  const isMig = row['node'] === 'node-0';
  return {
    hour: row.hour,
    node: row['node'] ?? '',
    namespace: row['namespace'] ?? '',
    pod: row['pod'] ?? '',
    gpu_uuid: `GPU-${row['node']}`,
    gpu_model_name: isMig ? 'A100' : 'T4',
    gpu_vendor_name: 'nvidia',
    gpu_memory_capacity_mib: 40_960,
    gpu_pod_uptime: variety(row) % 3_600,
    ...(isMig ? mig : {}),
  };
}
