import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { byLabel, costLines, giveModel, priceDay } from './priced-source.ts';
import { stageGpus } from './staged-gpus.ts';

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
