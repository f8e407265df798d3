import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { addCostModel } from './cost-row.ts';
import {
  addShopCost,
  day1,
  day2,
  day3,
  db,
  nothing,
  refreshVms,
  stageUsage,
  vmHour,
  vmRows,
  volumeHours,
} from './vm-fixture.ts';
import type { VmRow } from './vm-fixture.ts';

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
  await source.enableKeys('tier');
});

describe('distributed rows', () => {
  async function distribute(): Promise<void> {
    await stageUsage(source);
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day1, { cost_model_rate_type: 'platform_distributed', distributed_cost: 8 });
    await addShopCost(source, day2, { cost_model_rate_type: 'platform_distributed', distributed_cost: 4 });
    await addShopCost(source, day1, {
      cost_model_rate_type: 'gpu_distributed',
      distributed_cost: 16,
      data_source: 'GPU',
      resource_id: null,
    });
    await addShopCost(source, day1, {
      cost_model_rate_type: 'platform_distributed',
      distributed_cost: 99,
      namespace: 'elsewhere',
    });
  }

  const common = {
    ...nothing,
    vm: 'db',
    node: 'w1',
    cpu: null,
    request: [null, null] as [null, null],
    labels: null,
  };

  test('a machine gets its share by CPU when there is no cost model', async () => {
    await distribute();
    // (8 + 4) / 4 = 3 and 16 / 4 = 4
    const expected = [
      { ...common, rateType: 'gpu_distributed', days: [day1, day1], distributed: 4, resources: [null] },
      {
        ...common,
        rateType: 'platform_distributed',
        days: [day1, day2],
        distributed: 3,
        resources: ['i-w1'],
      },
    ];
    await refreshVms(source);
    expect(await vmRows(source)).toEqual(expected);
    await refreshVms(source);
    expect(await vmRows(source)).toEqual(expected);
  });

  test('a machine gets its share by memory when the cost model says so', async () => {
    await addCostModel(source, 'memory');
    await distribute();
    await refreshVms(source);
    // (8 + 4) · 3/4 = 9 and 16 · 3/4 = 12
    expect(await vmRows(source)).toMatchObject([
      { rateType: 'gpu_distributed', distributed: 12 },
      { rateType: 'platform_distributed', distributed: 9 },
    ]);
  });
});

/** One hour of one GiB, twice a day, in GiB-months of October. */
const share = 7200 / (86400 * 31);

describe('storage rows', () => {
  test('claims of the VM report appear with or without cost, sized by their greatest day', async () => {
    await stageUsage(source);
    await source.stage('vm_usage', day1, [
      vmHour(0, { cores: 1, memory: 1, claim: 'data' }),
      vmHour(0, { cores: 1, memory: 1, claim: 'boot' }),
    ]);
    await source.stage('vm_usage', day3, [vmHour(0, { cores: 1, memory: 1 })]);
    await source.stage('storage_usage', day1, [
      ...volumeHours('data', 10),
      ...volumeHours('boot', 1),
      ...volumeHours('foreign', 1, 'web'),
    ]);
    await source.stage('storage_usage', day2, volumeHours('data', 30));
    await source.stage('storage_usage', day3, volumeHours('data', 20));
    await source.summarise('koku', day1, day3);
    const claim = {
      data_source: 'Storage',
      persistentvolumeclaim: 'data',
      storageclass: 'fast',
      cost_model_rate_type: 'Supplementary',
    };
    await addShopCost(source, day1, { ...claim, cost_model_volume_cost: 2, volume_labels: {} });
    await addShopCost(source, day2, { ...claim, cost_model_volume_cost: 2, volume_labels: {} });
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    // The labels of the compute row win over those of the claim.
    const storage = {
      ...nothing,
      vm: 'db',
      node: 'w1',
      cpu: null,
      request: [null, null] as [null, null],
      labels: { vm_kubevirt_io_name: 'db', tier: 'b' },
      resources: ['i-w1'],
    };
    const expected = [
      expect.objectContaining({ rateType: 'Infrastructure', claim: null, cpu: 5 }) as VmRow,
      {
        ...storage,
        claim: 'boot',
        rateType: null,
        days: [day1, day1],
        capacity: near(100 * share),
        usage: near(share),
      },
      {
        ...storage,
        claim: 'data',
        rateType: null,
        days: [day1, day3],
        capacity: near(100 * share),
        usage: near(30 * share),
      },
      { ...storage, claim: 'data', rateType: 'Supplementary', days: [day1, day2], volume: 4 },
    ];
    await refreshVms(source);
    expect(await vmRows(source)).toEqual(expected);
    await refreshVms(source);
    expect(await vmRows(source)).toEqual(expected);
  });

  test('without a VM report the claims are those that the launcher pod mounts, and without cost they keep their own labels', async () => {
    await stageUsage(source);
    await source.stage('storage_usage', day1, [
      ...volumeHours('data', 10),
      ...volumeHours('foreign', 1, 'web'),
      ...volumeHours('data', 50, 'launcher', 'bank'),
    ]);
    await source.summarise('koku', day1, day3);
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([
      { namespace: 'shop', claim: 'data', labels: { tier: 'of-data' }, usage: near(10 * share) },
    ]);
    expect((await vmRows(source))[0]?.labels).toEqual({ tier: 'of-data' });
  });
});

function near(value: number): number {
  return expect.closeTo(value, 12) as number;
}
