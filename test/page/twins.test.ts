import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTestPipeline } from '../support/pipeline.ts';
import { loaded, open, startBrowser } from './browser.ts';
import { download, recordsOf } from './downloads.ts';
import { sampleNow, servePage } from './served.ts';
import type { Served } from './served.ts';
import { readTable } from './tables.ts';
import type { Cells } from './tables.ts';
import { addTwins } from './twins.ts';
import type { Twins } from './twins.ts';

/*
 * Two clusters in which project, node, machine and claim have the same names: what is of one cluster stands for itself,
 * and says of which. The amounts are those of addTwins.
 */
let served: Served;
let browser: Browser;
let twins: Twins;
let token: string;
let page: Page;

beforeAll(async () => {
  const pipeline = await createTestPipeline({ OCP_NOW: sampleNow });
  [served, browser, twins] = await Promise.all([
    servePage(pipeline, { OCP_NOW: sampleNow }),
    startBrowser(),
    addTwins(pipeline.database),
  ]);
  token = await served.token({}, twins.orgId);
  ({ page } = await open(browser, served.url, { token, now: sampleNow }));
  await page.getByRole('button', { name: 'shop 2 clusters', exact: true }).click();
  await loaded(page);
});

const nameOf = (cluster: 'cheap' | 'dear') => `alias (${twins[cluster]})`;

/** Tables with a row of one name in each cluster, the expensive one first; sizes are those of the claims and nodes. */
const tables: [anchor: string, caption: string, name: string, dear: Cells, cheap: Cells, sums: Cells][] = [
  // 10 of 32 core-hours for 3, 6 of 32 for 1; memory: db and web have 3 GiB each, of 64, for two hours.
  [
    'nodes',
    'nodes: used, requested and capacity, with their cost',
    'w1',
    {
      Cost: 96,
      'Of it unallocated': 66,
      'CPU, Core-Hours': [0, 10, 32],
      'Memory, GiB-Hours': [0, 12, 128],
    },
    { Cost: 32, 'Of it unallocated': 26, 'CPU, Core-Hours': [0, 6, 32], 'Memory, GiB-Hours': [0, 12, 128] },
    { Cost: 128, 'Of it unallocated': 92 },
  ],
  [
    'vms',
    'virtual machines',
    'db',
    { Project: 'shop', Node: 'w1', Cost: 12, 'CPU requested, cores': 2, 'Memory requested, GiB': 1 },
    { Project: 'shop', Node: 'w1', Cost: 2, 'CPU requested, cores': 1, 'Memory requested, GiB': 1 },
    { Cost: 14 },
  ],
  ['projects', 'nodes of shop', 'w1', { Cost: 30 }, { Cost: 6 }, { Cost: 36 }],
  [
    'projects',
    'machines of shop',
    'db',
    { 'CPU requested, cores': 2, Cost: 12 },
    { 'CPU requested, cores': 1, Cost: 2 },
    { Cost: 36 },
  ],
];

describe('rows of one name', () => {
  test.for(tables)('#%s, %s', async ([anchor, caption, name, dear, cheap, sums]) => {
    const table = await readTable(page.locator(`#${anchor}`), caption);
    const rows = [
      [name, { Cluster: nameOf('dear'), ...dear }],
      [name, { Cluster: nameOf('cheap'), ...cheap }],
    ];
    expect(table.rows.slice(0, 2)).toEqual(rows);
    expect(table.sums).toEqual(sums);
    const rest = caption === 'machines of shop' ? [['all but machines', { Cost: 22 }]] : [];
    expect(table.rows.slice(2)).toEqual(rest);
  });

  test('a project of both is one row that says so, and opens to its clusters', async () => {
    const projects = page.locator('#projects');
    expect((await readTable(projects, 'costs by project')).rows.map(([, { Cost }]) => Cost)).toEqual([
      92, 36,
    ]);
    expect(await readTable(projects, 'clusters of shop')).toEqual({
      rows: [
        [nameOf('dear'), { Cost: 30 }],
        [nameOf('cheap'), { Cost: 6 }],
      ],
      sums: { Cost: 36 },
    });
    expect(await page.locator('#efficiency tbody th').first().innerText()).toBe('shop 2 clusters');
  });

  test('claims: 10 and 30 of 100 GiB for two of the 744 hours of October', async () => {
    const { rows } = await readTable(page.locator('#projects'), 'volumes of shop');
    const claims = rows
      .slice(0, 2)
      .map(([name, cells]) => [name, cells['Cluster'], cells['Used, GiB-months']]);
    expect(claims).toEqual([
      ['data', nameOf('dear'), expect.closeTo(60 / 744, 9)],
      ['data', nameOf('cheap'), expect.closeTo(20 / 744, 9)],
    ]);
  });

  test('of one cluster there is nothing to tell apart', async () => {
    const { page: own, calls } = await open(browser, `${served.url}?cluster=${twins.dear}`, {
      token,
      now: sampleNow,
    });
    const machines = await readTable(own.locator('#vms'), 'virtual machines');
    expect(machines.rows).toEqual([['db', tables[1]?.[3]]]);
    expect(await own.getByRole('columnheader', { name: 'Cluster' }).count()).toBe(0);
    expect(calls.length).toBeLessThanOrEqual(16);
  });
});

describe('files of reports that have no groups by cluster', () => {
  test.for([
    // All of what was requested is wasted: nothing was used.
    ['CSV: CPU of efficiency', 'score.wasted_cost.value', [30, 6]],
    ['CSV: CPU of nodes', 'request', [10, 6]],
    ['CSV of vms', 'cost_total', [12, 2]],
  ] as const)(
    '%s: a row for each cluster, with its id and its alias',
    async ([button, column, [dear, cheap]]) => {
      const { text } = await download(page, button);
      const rows = recordsOf(text).map((row) => [row['cluster'], row['clusters.0'], Number(row[column])]);
      expect(rows.toSorted((a, b) => Number(b[2]) - Number(a[2]))).toEqual([
        [twins.dear, 'alias', dear],
        [twins.cheap, 'alias', cheap],
      ]);
      expect(text).not.toContain('clusters.1');
    },
  );
});
