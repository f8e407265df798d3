import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadSql } from '../../platform/database/sql-files.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import {
  addShopCost,
  day1,
  day2,
  day3,
  db,
  nothing,
  podHours,
  refreshVms,
  stageUsage,
  vmHour,
  vmRows,
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

describe('compute rows', () => {
  test('cost adds up from its first to its last day, sized 24 times the latest report, labelled as of the second-latest day', async () => {
    await stageUsage(source);
    await source.stage('vm_usage', day1, [vmHour(0, { cores: 1, memory: 2 })]);
    await source.stage('vm_usage', day3, [
      vmHour(0, { cores: 1, memory: 2 }),
      vmHour(1, { cores: 4, memory: 8, claim: 'data' }),
      vmHour(1, { cores: 4, memory: 8, claim: 'boot' }),
    ]);
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await addShopCost(source, day2, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await addShopCost(source, day2, {
      cost_model_rate_type: 'Supplementary',
      cost_model_cpu_cost: 3,
      cost_model_memory_cost: 1,
      pod_labels: db,
    });
    await addShopCost(source, day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 0,
      pod_labels: db,
    });
    // A tag rate reduced the labels of this row, so nothing says that it belongs to a machine.
    await addShopCost(source, day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 7,
      pod_labels: { tier: 'a' },
    });
    await addShopCost(source, day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 7,
      pod_labels: db,
      namespace: 'Worker unallocated',
    });
    const expected: VmRow[] = [
      // 24 · 4 cores, 24 · 8 GiB; day X is day 2, where tier is b
      {
        ...nothing,
        vm: 'db',
        node: 'w1',
        rateType: 'Infrastructure',
        days: [day1, day2],
        cpu: 10,
        request: [96, 192],
        labels: { vm_kubevirt_io_name: 'db', tier: 'b' },
        resources: ['i-w1'],
      },
      {
        ...nothing,
        vm: 'db',
        node: 'w1',
        rateType: 'Supplementary',
        days: [day2, day2],
        cpu: 3,
        memory: 1,
        request: [96, 192],
        labels: { vm_kubevirt_io_name: 'db', tier: 'b' },
        resources: ['i-w1'],
      },
    ];
    await refreshVms(source);
    expect(await vmRows(source)).toEqual(expected);
    await refreshVms(source);
    expect(await vmRows(source)).toEqual(expected);
  });

  test('without a VM report node and requests are those of the second-latest day', async () => {
    await stageUsage(source);
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await refreshVms(source);
    // 1 core and 3 GiB in each of two hours
    expect(await vmRows(source)).toMatchObject([
      { vm: 'db', node: 'w1', request: [2, 6], labels: { tier: 'b' }, days: [day1, day1] },
    ]);
  });

  test('with one day of requests that day gives the labels', async () => {
    await source.stage('pod_usage', day3, podHours({ vm_kubevirt_io_name: 'db', tier: 'only' }));
    await source.summarise('koku', day3);
    await addShopCost(source, day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([{ labels: { tier: 'only' }, cpu: 5 }]);
  });

  test('a machine that moved within its latest hour is charged once, on the node that ran it longer', async () => {
    await stageUsage(source);
    await source.stage('vm_usage', day3, [
      vmHour(1, { cores: 2, memory: 2, node: 'w1', uptime: 600 }),
      vmHour(1, { cores: 2, memory: 2, node: 'w2', uptime: 3000 }),
    ]);
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await addShopCost(source, day3, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 4,
      pod_labels: db,
      node: 'w2',
      resource_id: 'i-w2',
    });
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([
      { node: 'w2', cpu: 9, days: [day1, day3], resources: ['i-w1', 'i-w2'], request: [48, 48] },
    ]);
  });

  test('a machine that ended before the reference day keeps its cost', async () => {
    await source.stage('pod_usage', day1, podHours({ vm_kubevirt_io_name: 'db', tier: 'last' }));
    for (const day of [day2, day3]) await source.stage('pod_usage', day, podHours({}, { pod: 'web' }));
    await source.stage('vm_usage', day1, [vmHour(0, { cores: 2, memory: 1 })]);
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([{ cpu: 5, request: [48, 24], labels: { tier: 'last' } }]);
  });

  test('machines of one name in two namespaces keep their own cost and size', async () => {
    await stageUsage(source);
    await source.stage(
      'pod_usage',
      day2,
      podHours({ vm_kubevirt_io_name: 'db', tier: 'b' }, { namespace: 'bank', cores: 2, memory: 1 }),
    );
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day2, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await addShopCost(source, day2, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 7,
      pod_labels: db,
      namespace: 'bank',
    });
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([
      { namespace: 'bank', cpu: 7, request: [4, 2] },
      { namespace: 'shop', cpu: 5, request: [2, 6] },
    ]);
  });
});

describe('rebuilding', () => {
  test('a run for a part of the month leaves one row over all its days', async () => {
    await stageUsage(source);
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day2, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([{ days: [day2, day2], cpu: 5 }]);
    // An earlier day comes later: the row is dated with the first day now, and the one dated day 2 is gone.
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 4,
      pod_labels: db,
    });
    await source.summarise('koku', day1);
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([{ days: [day1, day2], cpu: 9 }]);
    // Only day 2 is summarised again: day 1 still counts, and once.
    await source.summarise('koku', day2);
    await refreshVms(source);
    expect((await vmRows(source)).map((row) => [row.days, row.cpu])).toEqual([[[day1, day2], 9]]);
  });

  test('other sources keep their rows', async () => {
    const first = source;
    await stageUsage(source);
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await refreshVms(source);
    const before = await vmRows(source);
    expect(before).toHaveLength(1);
    source = await createStagedSource(database, '2026-10');
    await refreshVms(source);
    expect(await vmRows(source)).toEqual([]);
    expect(await vmRows(first)).toEqual(before);
  });

  test('pieces that another generation superseded are not read', async () => {
    await stageUsage(source);
    await source.stage('vm_usage', day2, [vmHour(0, { cores: 1, memory: 1 })]);
    await source.stage('vm_usage', day3, [vmHour(0, { cores: 8, memory: 8 })]);
    await source.query(
      `update ocp_piece set live_hours = 0 where source_uuid = $1 and report_kind = 'vm_usage' and usage_day = $2`,
      [source.sourceUuid, day3],
    );
    await source.summarise('koku', day1, day3);
    await addShopCost(source, day1, {
      cost_model_rate_type: 'Infrastructure',
      cost_model_cpu_cost: 5,
      pod_labels: db,
    });
    await refreshVms(source);
    expect(await vmRows(source)).toMatchObject([{ request: [24, 24] }]);
  });

  test('a month that does not start with its first day is refused', async () => {
    await expect(
      source.query(loadSql('summary/report-tables/vm_summary.sql'), [source.sourceUuid, day2]),
    ).rejects.toThrow(/month 2026-10-02: expected the first day of a month/);
  });
});
