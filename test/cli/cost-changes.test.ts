import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { costLines, plain } from '../costs/priced-source.ts';
import { addCostModel } from '../summary/cost-row.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { pod } from '../support/worked-example.ts';

/*
 * The clock stands on the fifth of November. In one hour of its first day shop used one of four cores, and asked for
 * two: three core-hours are not used, two are not asked for.
 */
const day = '2026-11-01';
let cli: CommandLine;
let source: StagedSource;
let directory: string;

const costModel = (...words: string[]) => cli.run(['cost-model', ...words, '--org', cli.database.orgId]);

async function file(rates: object[], more: object = {}): Promise<string> {
  const path = join(directory, 'model.json');
  const document = { name: 'prices', source_type: 'OCP', currency: 'EUR', rates, ...more };
  await writeFile(path, JSON.stringify(document));
  return path;
}
const usage = (value: number) => ({ ...plain('cpu_core_usage_per_hour', value), custom_name: 'cores used' });
const request = { ...plain('cpu_core_request_per_hour', 10), custom_name: 'cores requested' };

/** Lines of a table, with one blank between columns. */
const linesOf = (text: string) => text.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trim());

/** Everything that a dry run might change. */
async function everything(): Promise<unknown> {
  const rows = async (table: string) =>
    (
      await source.query<{ row: string }>(
        `select to_jsonb(kept)::text as row from ${table} as kept order by 1`,
      )
    ).map(({ row }) => row);
  const tables = [
    'cost_model',
    'cost_model_map',
    'price_list',
    'cost_model_rate',
    'ocp_day',
    'ocp_source_month',
  ];
  return Promise.all([...tables, 'reporting_ocpusagelineitem_daily_summary'].map(rows));
}

beforeAll(async () => {
  cli = await createCommandLine();
  directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-cost-changes-'));
  source = await createStagedSource(cli.database, '2026-11');
  await source.stage('pod_usage', day, pod('web', 'shop', 'w1', {}, [[3600, 7200, 1, 1]]));
  await source.summarise('koku', day);
  await source.query(
    `insert into ocp_source_month (source_uuid, billing_month, rules) values ($1, '2026-11-01', 'koku')`,
    [source.sourceUuid],
  );
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('a dry run says what a new model would cost, and changes nothing', async () => {
  const before = await everything();
  const tried = await costModel(
    'apply',
    await file([usage(2), request]),
    '--cluster',
    source.clusterId,
    '--dry-run',
  );
  expect(tried).toMatchObject({ code: 0, stderr: '' });
  // Used 1 · 2 and 3 · 2, requested 2 · 10 and 2 · 10; what nobody took, 6 + 20, is given to shop, the only project.
  expect(linesOf(tried.stdout)).toEqual(
    expect.arrayContaining([
      `${source.clusterId} Worker unallocated worker_distributed 0.00 -26.00 -26.00`,
      `${source.clusterId} shop worker_distributed 0.00 26.00 26.00`,
      `${source.clusterId} Worker unallocated cores requested 0.00 20.00 20.00`,
      `${source.clusterId} shop cores requested 0.00 20.00 20.00`,
      `${source.clusterId} Worker unallocated cores used 0.00 6.00 6.00`,
      `${source.clusterId} shop cores used 0.00 2.00 2.00`,
    ]),
  );
  expect(tried.stdout).toContain('Cost model prices: would be created; nothing was changed\n');
  expect(tried.stdout).toContain('Change of 2026-11 so far: 48.00 EUR\n');
  expect(await everything()).toEqual(before);
});

test('months from one on are priced at once', async () => {
  const path = await file([usage(2), request]);
  const applied = await costModel(
    'apply',
    path,
    '--cluster',
    source.clusterId,
    '--from-month',
    '2026-10',
    '--with-worker',
  );
  expect(applied).toMatchObject({ code: 0 });
  expect(linesOf(applied.stdout)).toContainEqual(expect.stringMatching(`^${source.clusterId} 2026-11 1 `));
  expect(await costLines(source, `namespace = 'shop'`)).toEqual([
    'shop w1 usage c=22 m=0 v=0',
    'shop w1 worker_distributed d=26',
  ]);
});

test('a dry run of a change tells the difference by rate, distribution included', async () => {
  const before = await everything();
  const path = await file([usage(3), plain('cluster_cost_per_month', 30)]);
  const tried = await costModel('apply', path, '--dry-run', '--json');
  const { changes, applied } = JSON.parse(tried.stdout) as {
    applied: object;
    changes: { project: string; rate: string; before: number; after: number }[];
  };
  expect(applied).toMatchObject({ outcome: 'changed', assigned: [] });
  const told = Object.fromEntries(
    changes.map(({ project, rate, before: old, after }) => [`${project}: ${rate}`, [old, after]]),
  );
  // 30 / 30 = 1 a day, half of it for the two core-hours that shop has by its request. Idle: 3 · 3 and the other half.
  expect(told).toEqual({
    'shop: cores requested': [20, 0],
    'shop: cores used': [2, 3],
    'shop: cluster_cost_per_month-Infrastructure': [0, 0.5],
    'Worker unallocated: cluster_cost_per_month-Infrastructure': [0, 0.5],
    'Worker unallocated: cores requested': [20, 0],
    'Worker unallocated: cores used': [6, 9],
    'Worker unallocated: worker_distributed': [-26, -9.5],
    'shop: worker_distributed': [26, 9.5],
  });
  expect(await everything()).toEqual(before);
});

test('a list that starts within the month is said to count from the next on', async () => {
  const price_lists = [
    { name: 'old', priority: 2, rates: [usage(2), request] },
    { name: 'new', effective_start_date: '2026-11-03', priority: 1, rates: [usage(9)] },
  ];
  const tried = await costModel('apply', await file([], { rates: undefined, price_lists }), '--dry-run');
  expect(tried.stderr).toContain('Price list "new" starts on 2026-11-03: it counts from 2026-12 on');
  expect(tried.stdout).toContain('No cost of 2026-11 changes\n');
});

test('show and status say what costs are based on', async () => {
  const shown = await costModel('show', 'prices');
  expect(shown.stderr).toMatch(
    new RegExp(`^${source.clusterId} 2026-11: prices, "prices prices" version 1, since \\d{4}-\\S+$`, 'm'),
  );
  expect(shown.stdout).not.toContain('version');
  const status = await cli.run(['status', '--json']);
  const [month] = (JSON.parse(status.stdout) as { costs: object[] }).costs;
  expect(month).toMatchObject({
    clusterId: source.clusterId,
    month: '2026-11',
    modelName: 'prices',
    priceListVersion: 1,
    dayCount: 1,
    unpricedDayCount: 0,
    hasChanged: false,
    freeGpus: null,
  });
});

test('two models of one cluster, which somebody else wrote: it is not priced, and all say so', async () => {
  await addCostModel(source, 'cpu');
  const status = await cli.run(['status']);
  expect(status.stdout).toContain(
    `${source.clusterId} 2026-11: not priced: it has 2 cost models (model, prices); take all but one away`,
  );
  const doctor = await cli.run(['doctor', '--json']);
  expect(doctor.stdout).toContain('2 cost models: model, prices; it is not priced');
  const applied = await costModel(
    'apply',
    await file([usage(2), request]),
    '--from-month',
    '2026-11',
    '--with-worker',
  );
  expect(applied).toMatchObject({ code: 0 });
  expect(await costLines(source)).toEqual([]);
});
