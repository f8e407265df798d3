import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Report, Status } from '../../page/answers.ts';
import { differences } from '../support/api-fixtures.ts';
import { open, startBrowser } from './browser.ts';
import * as expected from './expected.ts';
import { sampleLabel, sampleNow, serveSample } from './served.ts';
import { readNumbers, readTable } from './tables.ts';
import type { ShownTable } from './tables.ts';

/*
 * Every number of the demo's page against the answers of the API, which the test asks for itself: three days of October
 * with machines, GPUs and volumes, and the same of September before them.
 */
let page: Page;
let ask: (report: string, parameters: string) => Promise<Report>;
let status: Status;

const month = 'filter[time_scope_units]=month&filter[time_scope_value]=-1&limit=0';
const before = 'filter[time_scope_units]=month&filter[time_scope_value]=-2&limit=0';
const byProject = `${month}&group_by[project]=*`;
const byNode = `${month}&group_by[node]=*`;
const costs = () => ask('costs', `${byProject}&delta=distributed_cost`);
const daily = () =>
  ask('costs', `${byProject}&filter[resolution]=daily&filter[limit]=5&order_by[distributed_cost]=desc`);

beforeAll(async () => {
  const [served, browser]: [Awaited<ReturnType<typeof serveSample>>, Browser] = await Promise.all([
    serveSample(),
    startBrowser(),
  ]);
  const token = await served.token();
  const prefix = '/api/cost-management/v1/';
  ask = (report, parameters) => served.ask(`${prefix}reports/openshift/${report}/?${parameters}`, token);
  status = await served.ask(`${prefix}status/`, token);
  ({ page } = await open(browser, served.url, { token, now: sampleNow }));
});

/** Days with all hours; the current one has not ended. */
function isFull(day: string): boolean {
  const clusters = Array.isArray(status.data) ? [] : status.data.clusters;
  return (
    day !== status.meta.today &&
    clusters.every(({ days }) => days.every(({ date, hours }) => date !== day || hours === 24))
  );
}

type TableCase = [anchor: string, caption: string, wanted: () => Promise<ShownTable>];

const tables: TableCase[] = [
  ['cost', 'cost per day', async () => expected.perDay(await daily(), isFull)],
  [
    'cost',
    'cost summed up',
    async () => expected.summedUp(await daily(), await ask('costs', `${before}&filter[resolution]=daily`)),
  ],
  [
    'projects',
    'costs by project',
    async () =>
      expected.projects(await costs(), await ask('compute', byProject), await ask('memory', byProject)),
  ],
  ['changes', 'the largest increases and decreases in money', async () => expected.changes(await costs())],
  [
    'labels',
    `costs by the values of ${sampleLabel}`,
    async () => expected.labels(await ask('costs', `${month}&group_by[tag:${sampleLabel}]=*`), sampleLabel),
  ],
  [
    'efficiency',
    'CPU used and requested by project',
    async () => expected.efficiency(await ask('compute', byProject)),
  ],
  [
    'efficiency',
    'Memory used and requested by project',
    async () => expected.efficiency(await ask('memory', byProject)),
  ],
  [
    'nodes',
    'nodes: used, requested and capacity, with their cost',
    async () =>
      expected.nodes(
        await ask('costs', byNode),
        await ask('costs', `${byNode}&filter[exact:project]=Worker unallocated`),
        await ask('compute', byNode),
        await ask('memory', byNode),
      ),
  ],
  [
    'unallocated',
    "from the projects' own costs over the pools to the total",
    async () => expected.waterfall(await costs()),
  ],
  ['unallocated', 'pools before and after distribution', async () => expected.pools(await costs())],
  [
    'unallocated',
    'receivers of Worker unallocated',
    async () => expected.receivers(await costs(), 'worker_unallocated_distributed'),
  ],
  [
    'unallocated',
    'receivers of Platform',
    async () => expected.receivers(await costs(), 'platform_distributed'),
  ],
  ['vms', 'virtual machines', async () => expected.machines(await ask('resources/virtual-machines', month))],
  ['gpus', 'GPUs by project', async () => expected.gpus(await ask('gpu', byProject))],
  ['volumes', 'volumes by project', async () => expected.volumes(await ask('volumes', byProject))],
  ['data', 'days of demo cluster', () => Promise.resolve(expected.clusterDays(status))],
];

describe('the tables show what the API answers', () => {
  test.for(tables)('#%s: %s', async ([anchor, caption, wanted]) => {
    const shown = await readTable(page.locator(`#${anchor}`), caption);
    const table = await wanted();
    expect(table.rows.length).toBeGreaterThan(0);
    expect(differences(shown, table)).toEqual([]);
  });
});

test('#summary: the tiles show what the API answers, and the projection follows from it', async () => {
  const parts = [await ask('compute', byProject), await ask('memory', byProject)] as const;
  // 28 days of October follow on the 3rd, the last one with data.
  const wanted = expected.summary(await costs(), await daily(), parts, { isFull, left: 28 });
  const tiles = await page.locator('#summary .tile').all();
  const shown = await Promise.all(tiles.map(readNumbers));
  expect(differences(shown, wanted)).toEqual([]);
  // The sample uses more memory than it requests.
  expect(wanted.flat().slice(0, 5)).not.toContain(0);
});

test('#data: the facts of the cluster, and the sum of the rows', async () => {
  const [cluster] = Array.isArray(status.data) ? [] : status.data.clusters;
  const facts = await page.locator('#data .facts dd').allTextContents();
  expect(facts).toEqual([
    cluster?.cluster,
    `3 Oct 2026, ${cluster?.last_hours} of 24 hours`,
    `${cluster?.cost_model?.name} (${cluster?.cost_model?.currency})`,
    expected.minuteOf(cluster?.costs_at ?? ''),
    'none in the days listed',
  ]);
  expect(await page.locator('#data .check').textContent()).toContain('The projects add up to the total.');
});
