import { beforeAll, beforeEach, expect, test } from 'vitest';
import { podHours, vmHour } from '../summary/vm-fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { byLabel, costLines, giveModel, plain, priceDay, priced } from './priced-source.ts';

const day = '2026-10-01';

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  source = await createStagedSource(database, '2026-10');
});

const day2 = '2026-10-02';
const launcher = { vm_kubevirt_io_name: 'db' };
const rates = [
  plain('vm_cost_per_month', 31),
  plain('vm_cost_per_hour', 0.1),
  plain('vm_core_cost_per_month', 62, 'Supplementary'),
  plain('vm_core_cost_per_hour', 0.05, 'Supplementary'),
];

test('one that moves pays once; uptime and cores are those of the report', async () => {
  await source.stage('pod_usage', day, [
    ...podHours(launcher, { pod: 'launcher-1', node: 'w1' }),
    ...podHours(launcher, { pod: 'launcher-2', node: 'w2' }),
    ...podHours({}, { pod: 'web' }),
  ]);
  // Two disks, each of which repeats the machine; the size grows with the move.
  await source.stage('vm_usage', day, [
    ...['root', 'data'].map((claim) => vmHour(0, { cores: 2, memory: 4, claim })),
    ...['root', 'data'].map((claim) => vmHour(1, { cores: 4, memory: 4, claim, node: 'w2' })),
  ]);
  await source.summarise('koku', day);
  expect(await priced(source, day, rates)).toEqual([
    // 31 / 31 = 1 a day over two rows.
    'shop w1 OCP_VM {vm_kubevirt_io_name=db} c=0.5 m=0 v=0',
    // 2 hours · 0.1 over two rows.
    'shop w1 usage {vm_kubevirt_io_name=db} c=0.1',
    'shop w2 OCP_VM {vm_kubevirt_io_name=db} c=0.5 m=0 v=0',
    // 4 cores · 62 / 31, on the last node.
    'shop w2 OCP_VM_CORE {vm_kubevirt_io_name=db} c=8 m=0 v=0',
    'shop w2 usage {vm_kubevirt_io_name=db} c=0.1',
    // 2 hours · 4 cores · 0.05.
    'shop w2 usage {vm_kubevirt_io_name=db} c=0.4',
  ]);
});

test('without reports hours are those of the pods, and cores are not known', async () => {
  await source.stage('pod_usage', day, podHours(launcher));
  await source.summarise('koku', day);
  expect(await priced(source, day, rates)).toEqual([
    'shop w1 OCP_VM {vm_kubevirt_io_name=db} c=1 m=0 v=0',
    'shop w1 usage {vm_kubevirt_io_name=db} c=0.2',
  ]);
});

test('by label', async () => {
  await source.enableKeys('size');
  await source.stage('pod_usage', day, podHours({ ...launcher, size: 'xl' }));
  await source.summarise('koku', day);
  expect(
    await priced(source, day, [
      byLabel('vm_cost_per_month', 'size', { xl: 310, 'other*': 31 }),
      byLabel('vm_cost_per_hour', 'size', { s: 1, 'other*': 2 }),
    ]),
  ).toEqual([
    'shop w1 Tag {size=xl vm_kubevirt_io_name=db} c=10 m=0 v=0',
    // 2 hours · 2.
    'shop w1 Tag {size=xl vm_kubevirt_io_name=db} c=4',
  ]);
});

test('by hour both types of cost apply, by month Infrastructure alone, unless it is 0', async () => {
  await source.stage('pod_usage', day, podHours(launcher));
  await source.summarise('koku', day);
  const both = (infrastructure: number) => [
    plain('vm_cost_per_month', infrastructure),
    plain('vm_cost_per_month', 310, 'Supplementary'),
    plain('vm_cost_per_hour', 1),
    plain('vm_cost_per_hour', 2, 'Supplementary'),
  ];
  // 31 / 31; 2 hours · 1 and · 2.
  const hours = ['shop w1 usage {vm_kubevirt_io_name=db} c=2', 'shop w1 usage {vm_kubevirt_io_name=db} c=4'];
  expect(await priced(source, day, both(31))).toEqual([
    'shop w1 OCP_VM {vm_kubevirt_io_name=db} c=1 m=0 v=0',
    ...hours,
  ]);
  expect(await priced(source, day, both(0))).toEqual([
    'shop w1 OCP_VM {vm_kubevirt_io_name=db} c=10 m=0 v=0',
    ...hours,
  ]);
});

test('the greatest size of the day; an hour counts once, whatever disks and nodes it had', async () => {
  await source.stage('pod_usage', day, podHours(launcher));
  // Made smaller, its disk exchanged, and in the second hour on two nodes.
  await source.stage('vm_usage', day, [
    vmHour(0, { cores: 4, memory: 4, claim: 'old' }),
    vmHour(1, { cores: 2, memory: 4, claim: 'new', uptime: 1800 }),
    vmHour(1, { cores: 2, memory: 4, claim: 'new', uptime: 900, node: 'w2' }),
  ]);
  await source.summarise('koku', day);
  expect(await priced(source, day, rates)).toEqual([
    'shop w1 OCP_VM {vm_kubevirt_io_name=db} c=1 m=0 v=0',
    // 4 cores · 62 / 31.
    'shop w1 OCP_VM_CORE {vm_kubevirt_io_name=db} c=8 m=0 v=0',
    // 1 + 0.5 hours · 0.1; 1.5 hours · 4 cores · 0.05.
    'shop w1 usage {vm_kubevirt_io_name=db} c=0.15',
    'shop w1 usage {vm_kubevirt_io_name=db} c=0.3',
  ]);
});

test('cores of all days of the month are where it was last, with the labels it had then', async () => {
  await source.enableKeys('tier');
  await source.stage('pod_usage', day, podHours({ ...launcher, tier: 'z' }));
  await source.stage('vm_usage', day, [vmHour(0, { cores: 2, memory: 4 })]);
  await source.summarise('koku', day);
  const core = [rates[2] ?? {}, byLabel('vm_core_cost_per_hour', 'tier', { c: 0.5, 'other*': 0.25 })];
  // 2 cores · 62 / 31; 1 hour · 2 cores · 0.25.
  expect(await priced(source, day, core)).toEqual([
    'shop w1 OCP_VM_CORE {tier=z vm_kubevirt_io_name=db} c=4 m=0 v=0',
    'shop w1 Tag {tier=z vm_kubevirt_io_name=db} c=0.5',
  ]);
  const hash = () => source.query(`select ocp_vm_month_hash($1, '2026-10-01') as hash`, [source.sourceUuid]);
  const before = await hash();

  // The next day it is on another node, and its label changes; of a key the greatest value of the day counts.
  const [hour0, hour1] = podHours({}, { node: 'w2' });
  await source.stage('pod_usage', day2, [
    { ...hour0, label_set_id: { ...launcher, tier: 'c' } },
    { ...hour1, label_set_id: { ...launcher, tier: 'b' } },
  ] as Parameters<typeof source.stage>[2]);
  await source.stage('vm_usage', day2, [vmHour(1, { cores: 1, memory: 4, node: 'w2' })]);
  await source.summarise('koku', day2);
  expect(await hash()).not.toEqual(before);
  await priceDay(source, day);
  await priceDay(source, day2);
  expect(await costLines(source, `usage_start = '${day}'`)).toEqual([
    'shop w2 OCP_VM_CORE {tier=c vm_kubevirt_io_name=db} c=4 m=0 v=0',
    // Now at the price of c: 1 hour · 2 cores · 0.5.
    'shop w2 Tag {tier=c vm_kubevirt_io_name=db} c=1',
  ]);
  // 1 core · 62 / 31; 1 hour · 1 core · 0.5.
  expect(await costLines(source, `usage_start = '${day2}'`)).toEqual([
    'shop w2 OCP_VM_CORE {tier=c vm_kubevirt_io_name=db} c=2 m=0 v=0',
    'shop w2 Tag {tier=c vm_kubevirt_io_name=db} c=0.5',
  ]);
  await giveModel(source, [plain('vm_cost_per_month', 31)]);
  expect(await hash()).toEqual([{ hash: null }]);
});

test('one that was stopped all day costs nothing', async () => {
  await source.stage('pod_usage', day, podHours({}, { pod: 'web' }));
  await source.stage('vm_usage', day, [vmHour(0, { cores: 2, memory: 4, node: '', uptime: 0 })]);
  await source.summarise('koku', day);
  expect(await priced(source, day, rates)).toEqual([]);
});

test('without reports hours in which its pod was not scheduled yet count too', async () => {
  const [pending, running] = podHours(launcher);
  await source.stage('pod_usage', day, [{ ...pending, node: '' }, running] as Parameters<
    typeof source.stage
  >[2]);
  await source.summarise('koku', day);
  expect(await priced(source, day, [plain('vm_cost_per_hour', 0.1)])).toEqual([
    'shop w1 usage {vm_kubevirt_io_name=db} c=0.2',
  ]);
});

test('cores by label, by month and by hour; without a default other values cost nothing', async () => {
  await source.enableKeys('size');
  await source.stage('pod_usage', day, [
    ...podHours({ ...launcher, size: 'xl' }),
    ...podHours({ vm_kubevirt_io_name: 'web', size: 's' }, { pod: 'web' }),
  ]);
  await source.stage('vm_usage', day, [
    vmHour(0, { cores: 2, memory: 4 }),
    { ...vmHour(0, { cores: 8, memory: 4 }), vm_name: 'web' },
  ]);
  await source.summarise('koku', day);
  expect(
    await priced(source, day, [
      byLabel('vm_core_cost_per_month', 'size', { xl: 310 }),
      byLabel('vm_core_cost_per_hour', 'size', { 's*': 1 }),
    ]),
  ).toEqual([
    // 8 cores · 1 hour · 1.
    'shop w1 Tag {size=s vm_kubevirt_io_name=web} c=8',
    // 2 cores · 1 hour · 1, the default; 2 cores · 310 / 31.
    'shop w1 Tag {size=xl vm_kubevirt_io_name=db} c=2',
    'shop w1 Tag {size=xl vm_kubevirt_io_name=db} c=20 m=0 v=0',
  ]);
});
