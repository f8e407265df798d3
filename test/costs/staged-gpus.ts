import type { StagedSource } from '../support/staging-fixture.ts';

/** Labels of a node with so many GPUs. */
export const gpuLabels = (count: string, more: Record<string, string> = {}) => ({
  nvidia_com_gpu_present: 'True',
  nvidia_com_gpu_count: count,
  ...more,
});
/** An hour in which a pod held a GPU. */
export const gpuHour = (hour: number, changes: Record<string, unknown> = {}) => ({
  hour,
  node: 'g1',
  namespace: 'ml',
  pod: 'trainer',
  gpu_uuid: 'GPU-1',
  gpu_vendor_name: 'nvidia',
  gpu_model_name: 'Tesla T4',
  gpu_memory_capacity_mib: 15360,
  gpu_pod_uptime: 3600,
  mig_instance_id: '',
  mig_profile: '',
  mig_strategy: '',
  ...changes,
});
/** What a MIG instance of 3 slices of 7 differs in. */
export const mig = {
  node: 'g2',
  gpu_uuid: 'GPU-M',
  gpu_model_name: 'A100',
  gpu_memory_capacity_mib: 40960,
  gpu_max_slices: 7,
  mig_slice_count: 3,
  mig_memory_capacity_mib: 20480,
  mig_instance_id: 'MIG-a',
  mig_profile: '3g.20gb',
  mig_strategy: 'mixed',
};

/**
 * Two hours. g1 has two GPUs: GPU-1 is held by ml in both hours, GPU-2 by lab in one; free 2 · 2 − 3 = 1 hour. g2 has
 * an A100 of 7 slices, of which ml holds 3; free 2 · 7 − 2 · 3 = 8 slice-hours. Nobody holds the one of g3; free 2
 * hours.
 */
export async function stageGpus(source: StagedSource, day: string): Promise<void> {
  await source.stage('node_labels', day, [
    ...[0, 1].map((hour) => ({ hour, node: 'g1', label_set_id: gpuLabels('2') })),
    ...[0, 1].map((hour) => ({
      hour,
      node: 'g2',
      label_set_id: gpuLabels('1', { nvidia_com_mig_strategy: 'mixed' }),
    })),
    ...[0, 1].map((hour) => ({
      hour,
      node: 'g3',
      label_set_id: gpuLabels('1', { nvidia_com_gpu_product: 'Tesla-T4' }),
    })),
  ]);
  await source.stage('gpu_usage', day, [
    gpuHour(0),
    gpuHour(1),
    gpuHour(0, { namespace: 'lab', gpu_uuid: 'GPU-2' }),
    gpuHour(0, mig),
    gpuHour(1, mig),
  ]);
}
