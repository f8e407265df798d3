import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { byLabel, costLines, giveModel, priceDay } from './priced-source.ts';

const day = '2026-10-01';

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
});

/*
 * Two hours. g1 has two GPUs: GPU-1 is held by ml in both hours, GPU-2 by lab in one; free 2 · 2 − 3 = 1 hour. g2 has an A100 of
 * 7 slices, of which ml holds 3; free 2 · 7 − 2 · 3 = 8 slice-hours. Nobody holds the one of g3; free 2 hours.
 * T4 310 / 31 = 10 a day, A100 620 / 31 = 20.
 */
describe('GPUs', () => {
  const labels = (count: string, more: Record<string, string> = {}) => ({
    nvidia_com_gpu_present: 'True',
    nvidia_com_gpu_count: count,
    ...more,
  });
  const gpuHour = (hour: number, changes: Record<string, unknown> = {}) => ({
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
  const mig = {
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

  beforeEach(async () => {
    await source.stage('node_labels', day, [
      ...[0, 1].map((hour) => ({ hour, node: 'g1', label_set_id: labels('2') })),
      ...[0, 1].map((hour) => ({
        hour,
        node: 'g2',
        label_set_id: labels('1', { nvidia_com_mig_strategy: 'mixed' }),
      })),
      ...[0, 1].map((hour) => ({
        hour,
        node: 'g3',
        label_set_id: labels('1', { nvidia_com_gpu_product: 'Tesla-T4' }),
      })),
    ]);
    await source.stage('gpu_usage', day, [
      gpuHour(0),
      gpuHour(1),
      gpuHour(0, { namespace: 'lab', gpu_uuid: 'GPU-2' }),
      gpuHour(0, mig),
      gpuHour(1, mig),
    ]);
    await source.summarise('koku', day);
    await giveModel(source, [byLabel('gpu_cost_per_month', 'nvidia', { 'Tesla T4': 310, A100: 620 })], {
      distribution: { gpu_unallocated: true },
    });
  });

  const costs = [
    // 10 · 1 / 24, 20 · 8 / (24 · 7), 10 · 2 / 24.
    'GPU unallocated g1 Tag g=0.416667',
    'GPU unallocated g2 Tag g=0.952381',
    'GPU unallocated g3 Tag g=0.833333',
    // 10 · 3600 / 86400, 10 · 7200 / 86400, 20 · 7200 / 86400 · 3 / 7.
    'lab g1 Tag g=0.416667',
    'ml g1 Tag g=0.833333',
    'ml g2 Tag g=0.714286',
  ];

  test('what is held and what is free; nothing is distributed before the month is over', async () => {
    await priceDay(source, day, false);
    expect(await costLines(source)).toEqual(costs);
  });

  test('free GPUs are distributed by what was held of the model on the node', async () => {
    await priceDay(source, day);
    expect(await costLines(source, 'distributed_cost is null')).toEqual(costs);
    expect(await costLines(source, 'distributed_cost is not null')).toEqual([
      'GPU unallocated g1 gpu_distributed d=-0.416667',
      'GPU unallocated g2 gpu_distributed d=-0.952381',
      // 1 and 2 of 3 hours. g3 has no project that could pay.
      'lab g1 gpu_distributed d=0.138889',
      'ml g1 gpu_distributed d=0.277778',
      'ml g2 gpu_distributed d=0.952381',
    ]);
  });

  test('labels say what each GPU is', async () => {
    await priceDay(source, day);
    const rows = await source.query<{ resource: string | null; labels: Record<string, string | null> }>(
      `select resource_id as resource, all_labels as labels from reporting_ocpusagelineitem_daily_summary
       where source_uuid = $1 and data_source = 'GPU' and node in ('g2', 'g3') and distributed_cost is null order by node, namespace`,
      [source.sourceUuid],
    );
    expect(rows).toEqual([
      { resource: null, labels: { 'gpu-model': 'A100', 'max-slices-per-gpu': '7' } },
      {
        resource: 'GPU-M',
        labels: {
          'gpu-model': 'A100',
          'gpu-vendor': 'nvidia',
          'gpu-memory-mib': '40960',
          'mig-profile': '3g.20gb',
          'mig-slice-count': '3',
          'gpu-max-slices': '7',
          'mig-strategy': 'mixed',
          'mig-memory-mib': '20480',
          'gpu-mode': 'MIG',
          'gpu-uuid': 'GPU-M',
          'mig-instance-id': 'MIG-a',
        },
      },
      { resource: null, labels: { 'gpu-model': 'Tesla T4', 'max-slices-per-gpu': '1' } },
    ]);
  });
});
