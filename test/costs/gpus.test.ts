import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { byLabel, costLines, giveModel, plain, priceDay, priced } from './priced-source.ts';
import { gpuHour, gpuLabels, mig, stageGpus } from './staged-gpus.ts';

const day = '2026-10-01';

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
});

/* The hours of stageGpus; T4 310 / 31 = 10 a day, A100 620 / 31 = 20. */
describe('GPUs', () => {
  beforeEach(async () => {
    await stageGpus(source, day);
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

describe('free GPUs', () => {
  const a100 = [byLabel('gpu_cost_per_month', 'nvidia', { A100: 620 })];
  /** Both hours of a MIG instance of 3 of 7 slices on g2, which has these labels in each of them. */
  async function stageMig(...ofHours: Record<string, string>[]): Promise<void> {
    await source.stage(
      'node_labels',
      day,
      ofHours.map((labels, hour) => ({ hour, node: 'g2', label_set_id: labels })),
    );
    await source.stage('gpu_usage', day, [gpuHour(0, mig), gpuHour(1, mig)]);
    await source.summarise('koku', day);
  }
  // 620 / 31 = 20 a day · 2 / 24 · 3 / 7.
  const held = 'ml g2 Tag g=0.714286';

  test.for([
    // 2 hours · 7 − 2 · 3 = 8 slice-hours; 20 · 8 / (24 · 7).
    ['single, whose number is that of slices', gpuLabels('7', { nvidia_com_mig_strategy: 'single' }), ['GPU unallocated g2 Tag g=0.952381']], // prettier-ignore
    ['none', gpuLabels('1', { nvidia_com_mig_strategy: 'none' }), []],
    ['all held: 2 · 3 − 2 · 3', gpuLabels('3', { nvidia_com_mig_strategy: 'single' }), []],
    ['not present', { ...gpuLabels('1'), nvidia_com_gpu_present: 'False' }, []],
  ] as const)('strategy %s', async ([, labels, free]) => {
    await stageMig(labels, labels);
    expect(await priced(source, day, a100)).toEqual([...free, held]);
  });

  test('a label that changes within the day takes off once what was held', async () => {
    await stageMig(gpuLabels('1', { zone: 'a' }), gpuLabels('1', { zone: 'b' }));
    expect(await priced(source, day, a100)).toEqual(['GPU unallocated g2 Tag g=0.952381', held]);
  });
});

describe('prices of GPUs', () => {
  beforeEach(async () => {
    // lab's vendor has no rate.
    await source.stage('gpu_usage', day, [
      gpuHour(0),
      gpuHour(0, { namespace: 'lab', gpu_uuid: 'GPU-2', gpu_vendor_name: 'other' }),
    ]);
    await source.summarise('koku', day);
  });

  test.for([
    // 1 hour of 24 of 310 / 31, 620 / 31; without a price the row is there, of 0.
    ['its own', { 'Tesla T4': 310, 'A100*': 620 }, 'ml g1 Tag g=0.416667'],
    ['the default', { 'A100*': 620 }, 'ml g1 Tag g=0.833333'],
    ['none', { A100: 620 }, 'ml g1 Tag g=0'],
  ] as const)('a model has %s', async ([, values, line]) => {
    expect(await priced(source, day, [byLabel('gpu_cost_per_month', 'nvidia', values)])).toEqual([line]);
  });

  test('both types of cost apply', async () => {
    const rate = (type: string) => byLabel('gpu_cost_per_month', 'nvidia', { 'Tesla T4': 310 }, type);
    expect(await priced(source, day, [rate('Infrastructure'), rate('Supplementary')])).toEqual([
      'ml g1 Tag g=0.416667',
      'ml g1 Tag g=0.416667',
    ]);
  });

  test('the cost of GPUs is in no other pool: that of the platform stays with it', async () => {
    await source.stage('gpu_usage', day, [gpuHour(0, { namespace: 'openshift-ai', gpu_uuid: 'GPU-3' })]);
    await source.summarise('koku', day);
    const distribution = { platform_cost: true, gpu_unallocated: true };
    const rates = [
      byLabel('gpu_cost_per_month', 'nvidia', { 'Tesla T4': 310 }),
      plain('node_cost_per_month', 31),
    ];
    expect(await priced(source, day, rates, { distribution })).toEqual([
      'ml g1 Tag g=0.416667',
      'openshift-ai g1 Tag g=0.416667',
    ]);
  });
});

test('a project with several models on a node gets the share of each', async () => {
  // Two hours of a T4 and one of an A100, each the only one of its model that is held; the number 2 is taken for both
  // models.
  await source.stage('node_labels', day, [
    ...[0, 1].map((hour) => ({ hour, node: 'g1', label_set_id: gpuLabels('2') })),
  ]);
  await source.stage('gpu_usage', day, [
    gpuHour(0),
    gpuHour(1),
    gpuHour(0, { gpu_uuid: 'GPU-A', gpu_model_name: 'A100' }),
  ]);
  await source.summarise('koku', day);
  await giveModel(source, [byLabel('gpu_cost_per_month', 'nvidia', { 'Tesla T4': 310, A100: 620 })], {
    distribution: { gpu_unallocated: true },
  });
  await priceDay(source, day);
  // Free: 2 · 2 − 2 = 2 hours of T4, 10 · 2 / 24 = 0.833333; 2 · 2 − 1 = 3 of A100, 20 · 3 / 24 = 2.5. Together
  // 3.333333.
  expect(await costLines(source, 'distributed_cost is not null')).toEqual([
    'GPU unallocated g1 gpu_distributed d=-3.333333',
    'ml g1 gpu_distributed d=3.333333',
  ]);
});
