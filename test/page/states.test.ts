import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { blockedRunsQuery } from '../../domain/run/search-attributes.ts';
import type { Report } from '../../page/answers.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { holdReaders } from '../support/held-load.ts';
import { waitUntil } from '../support/wait-until.ts';
import { loaded, open, violations } from './browser.ts';
import type { OpenOptions } from './browser.ts';
import { sampleCluster, sampleNow, openSample } from './served.ts';
import type { Served } from './served.ts';
import { addSmallClusters } from './small-clusters.ts';
import type { SmallClusters } from './small-clusters.ts';
import { readTable } from './tables.ts';

/* Every state of the page, each made by data or settings of its kind. */
let served: Served;
let browser: Browser;
let small: SmallClusters;
let token: string;
let smallToken: string;

beforeAll(async () => {
  ({ served, browser, token } = await openSample());
  small = await addSmallClusters(served.pipeline.database);
  smallToken = await served.token({}, small.orgId);
});

/** The page of the sample. */
async function sample(query = '', options: OpenOptions & { url?: string } = {}): Promise<Page> {
  const { url = served.url, ...rest } = options;
  return (await open(browser, `${url}${query}`, { token, now: sampleNow, ...rest })).page;
}

/** The page of one of the small clusters. */
function ofSmall(cluster: Exclude<keyof SmallClusters, 'orgId'>): Promise<Page> {
  return sample(`?cluster=${small[cluster]}`, { token: smallToken });
}

async function textOf(page: Page, selector: string): Promise<string> {
  const texts = await page.locator(selector).allInnerTexts();
  return texts.join('\n').replaceAll(/\s+/g, ' ');
}

const tile = (page: Page, name: string) => textOf(page, `#summary .tile:has(.tile-name:text-is("${name}"))`);

describe('without data', () => {
  test('no cluster ever: how to send the first payload, with the guide, and nothing else', async () => {
    const { pool, url: databaseUrl } = served.pipeline.database;
    const log = { info: () => undefined };
    await registerSource({ pool, databaseUrl, log }, { orgId: 'fresh', clusterId: 'c', name: 'c' });
    // One organisation has a cluster that has sent nothing yet, the other has none at all.
    for (const orgId of ['fresh', 'nobody']) {
      const page = await sample('', { token: await served.token({}, orgId) });
      expect(await textOf(page, 'main')).toMatch(
        /^No cluster has sent data yet .*ocp-pipeline source add --org/,
      );
      expect(await page.locator('section, nav, .controls').count()).toBe(1);
      expect(await violations(page)).toEqual([]);
      const guide = await page.locator('main a').getAttribute('href');
      const response = await fetch(new URL(guide ?? '', served.url));
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(await response.text()).toContain('# Uploads over HTTP');
    }
  });

  test('none in the range: the range, the last day, and a link to it; no zeros', async () => {
    const url = await served.servedWith({ OCP_NOW: '2026-12-10T12:00:00Z' });
    const page = await sample('', { url, now: '2026-12-10T12:00:00Z' });
    const state = page.locator('main section').first();
    expect(await state.innerText()).toMatch(
      /^No data from 1 Dec 2026 to 10 Dec 2026\s+The last day is 3 Oct 2026/,
    );
    expect(await textOf(page, 'main')).not.toContain('$');
    expect(await page.locator('nav a').allInnerTexts()).toEqual(['Data']);
    expect(await violations(page)).toEqual([]);
    await state.getByRole('link').click();
    await page.locator('#summary .tile data').first().waitFor();
    expect(new URL(page.url()).search).toBe('?range=dates&start=2026-10-01&end=2026-10-03');
  });

  test('none in the month of a cluster that has ended: last month is offered', async () => {
    const page = await ofSmall('ended');
    expect(await page.locator('#no-data').innerText()).toBe('No data from 1 Oct 2026 to 4 Oct 2026');
    const link = page.getByRole('link', { name: /^Show the days up to 2 Sept? 2026$/ });
    expect(await link.getAttribute('href')).toContain('?range=last-month&cluster=');
  });
});

test.for(['unpriced', 'free'] as const)(
  'no cost model, or rates of 0 (%s): costs are –, usage stays, nothing is called wasted',
  async (cluster) => {
    const page = await ofSmall(cluster);
    expect(await tile(page, 'Cost')).toMatch(
      /^Cost – No cost model has set prices .* or all its rates are 0/,
    );
    for (const [block, text] of [
      ['#cost', '– No costs in these days'],
      ['#changes', '– No costs in these days'],
      ['#unallocated', '– No costs in these days'],
    ] as const)
      expect(await textOf(page, block)).toContain(text);
    expect(await page.locator('#efficiency tbody tr, #nodes tbody tr').count()).toBeGreaterThan(2);
    expect(await page.locator('#projects tbody th').allInnerTexts()).toContain('shop');
    expect(await textOf(page, 'main')).not.toMatch(/\$|€|Wasted/);
    const named = `No cost model for alias (${small.unpriced})`;
    expect((await textOf(page, '.messages')).includes(named)).toBe(cluster === 'unpriced');
  },
);

test('no label key is enabled: says so, and how to enable one', async () => {
  const page = await ofSmall('free');
  // It has no machines and nothing else of the kind.
  expect(await textOf(page, 'nav')).toMatch(/Unallocated Data$/);
  expect(await textOf(page, '#labels')).toMatch(/No label key is enabled .*ocp-pipeline tags enable/);
});

test('nothing distributed: the switch is off and says why', async () => {
  const page = await ofSmall('euro');
  const box = page.getByRole('checkbox');
  expect(await box.isChecked()).toBe(false);
  expect(await box.isDisabled()).toBe(true);
  expect(await textOf(page, '#not-distributed')).toBe(
    'Off: the cost model distributes nothing in these days.',
  );
  // It is on in the sample.
  const other = (await sample()).getByRole('checkbox');
  expect([await other.isChecked(), await other.isDisabled()]).toEqual([true, false]);
});

describe('days that are not complete', () => {
  test('today is hatched, left out of the projection, and the cost is one to date', async () => {
    const url = await served.servedWith({ OCP_NOW: '2026-10-03T12:00:00Z' });
    const page = await sample('', { url, now: '2026-10-03T12:00:00Z' });
    expect(await page.locator('#cost rect.partial').count()).toBe(1);
    expect(await textOf(page, '#cost')).toContain('Hatched: not complete yet (3 Oct), because it is today');
    expect(await tile(page, 'Cost to date')).toContain('1 Oct 2026 to 3 Oct 2026');
    expect(await tile(page, 'Projection')).toContain('a day (2 full days) × 28 days left');
  });

  test('so are those with less than 24 hours; a month that has ended is complete', async () => {
    const page = await ofSmall('euro');
    expect(await page.locator('#cost rect.partial').count()).toBe(1);
    expect(await textOf(page, '#cost')).toContain('Hatched: not complete yet (1 Oct)');
    expect(await tile(page, 'Projection')).toBe('Projection – No full day yet.');
    const before = await sample('?range=last-month');
    expect(await before.locator('#cost rect.partial').count()).toBe(0);
    expect(await tile(before, 'Cost')).toMatch(/ 1 Sept? 2026 to 30 Sept? 2026/);
  });
});

test('dates chosen by hand: no change, and no changes, both said so', async () => {
  const page = await sample('?range=dates&start=2026-10-01&end=2026-10-02');
  expect(await tile(page, 'Change')).toMatch(/^Change – Days chosen by hand have no period before/);
  expect(await textOf(page, '#changes')).toContain(
    'Days chosen by hand have no period before to compare with',
  );
  expect(await page.locator('#projects thead th').allInnerTexts()).not.toContain('Change');
  expect(await page.locator('#cost svg polyline').count()).toBe(1);
});

test('stale: a cluster whose last day ended more than 36 hours ago is named on top with its age', async () => {
  const url = await served.servedWith({ OCP_NOW: '2026-10-05T12:00:00Z' });
  // The last day ended with 3 October: 36 hours at noon of the 5th.
  const fresh = await sample('', { url, now: '2026-10-05T12:59:00Z' });
  expect(await textOf(fresh, '.messages')).toBe('');
  const page = await sample('', { url, now: '2026-10-05T13:00:00Z' });
  expect(await textOf(page, '.messages .warn')).toMatch(
    /^demo cluster has sent nothing for 1 day: its last day is 3 Oct 2026/,
  );
});

test('restricted: what is seen is counted; pools, nodes and shares of the total are not shown', async () => {
  const page = await sample('', { token: await served.token({ projects: ['London', 'Berlin'] }) });
  expect(await textOf(page, '.messages')).toMatch(/^You see 2 projects of your access\./);
  expect((await page.locator('#projects tbody th').allInnerTexts()).sort()).toEqual(['Berlin', 'London']);
  expect(await tile(page, 'Nobody owns')).toMatch(/^Nobody owns – Not shown/);
  for (const block of ['#nodes', '#unallocated']) {
    expect(await textOf(page, block)).toContain('Not shown');
    expect(await page.locator(`${block} table, ${block} button`).count()).toBe(0);
  }
  expect(await page.locator('#labels thead th').allInnerTexts()).not.toContain('Of all');
  expect(await textOf(page, 'main')).not.toContain('Worker unallocated');
});

describe('currencies', () => {
  test('an unknown rate: amounts are marked, the currency is named; in their own currency they are not', async () => {
    const page = await ofSmall('euro');
    expect(await textOf(page, '.messages')).toContain(
      `Not converted: amounts of alias (${small.euro}) are in EUR and shown as USD`,
    );
    // 2 core-hours in each of two hours, for 1 EUR each, and the node's 28 that nobody requested.
    expect(await tile(page, 'Cost to date')).toMatch(/\$32\.00 .*not converted from EUR$/);
    expect(await textOf(page, '#projects .block-head')).toContain('not converted from EUR');
    await page.getByLabel('Currency').selectOption('EUR');
    await page.getByText('€32.00').first().waitFor();
    expect(await textOf(page, 'main')).not.toContain('ot converted');
  });

  test('a bill of a cloud in a currency without a rate is named too', async () => {
    expect(await textOf(await ofSmall('cloud'), '.messages')).toContain(
      'Not converted: costs of the cloud are in EUR and shown as USD',
    );
  });
});

test('costs of a cloud: CPU and memory stand side by side, and the page says not to add them', async () => {
  const page = await ofSmall('cloud');
  expect(await textOf(page, '#efficiency')).toContain('Do not add the two columns of wasted money');
  expect(await page.locator('#summary .pair > span').count()).toBe(2);
});

test('a negative pool is below zero, with a sentence', async () => {
  const page = await ofSmall('cloud');
  expect(await textOf(page, '#unallocated')).toContain(
    'Below zero: Worker unallocated. Projects used, and were charged for, more than their nodes have',
  );
  // Two hours with 4 core-hours more than the node has.
  expect(
    await textOf(page, '#unallocated tr:has(th:text-is("Worker unallocated")) td:first-of-type'),
  ).toContain('-$8.00');
  expect(await page.locator('#unallocated rect.down').count()).toBeGreaterThan(0);
});

test('two clusters of one alias are told apart by their ids, and one cluster has no switch', async () => {
  const page = await sample('', { token: smallToken });
  const names = await page
    .getByRole('combobox', { name: /^Cluster/ })
    .locator('option')
    .allInnerTexts();
  const { unpriced, free, euro, cloud, ended } = small;
  const ids = [unpriced, free, euro, cloud, ended].map((id) => `alias (${id})`);
  expect(names.toSorted()).toEqual(['All 5', ...ids].toSorted());
  const only = await sample();
  expect(await only.getByRole('combobox', { name: /^Cluster/ }).count()).toBe(0);
  expect(await textOf(only, '.title-line')).toContain('demo cluster');
});

test('a project that costs nothing any more is among the decreases', async () => {
  const { page, calls } = await open(browser, served.url, { token: smallToken, now: sampleNow });
  const row = page.locator('#changes tbody tr', { hasText: 'ended' });
  // 2 core-hours in each of two hours of 2 September, of which nothing is left.
  expect((await row.innerText()).replaceAll(/\s+/g, ' ')).toMatch(/^ended ?no cost now -\$4\.00 -100 %/);
  // With it the changes add up to that of the total.
  const compared = calls.find((call) => call.includes('delta=')) ?? '';
  const { meta } = await served.ask<Report>(compared, smallToken);
  const changes = await readTable(page.locator('#changes'), 'the largest increases and decreases in money');
  const sum = changes.rows.reduce((all, [, { Change }]) => all + Number(Change), 0);
  expect(sum).toBeCloseTo(meta.delta?.value ?? NaN, 9);
});

test('runs that wait for a decision are named under the data, each with its link', async () => {
  const { client, namespace, database } = served.pipeline;
  // Nobody works on it.
  const run = await client.workflow.start('ingestManifest', {
    workflowId: 'manifest:waiting',
    taskQueue: 'nobody',
    typedSearchAttributes: [
      { key: searchAttributes.orgId, value: database.orgId },
      { key: searchAttributes.clusterId, value: sampleCluster },
      { key: searchAttributes.pipelineState, value: 'blocked' },
    ],
  });
  await waitUntil(async () => (await client.workflow.count(blockedRunsQuery)).count === 1);
  const url = await served.servedWith({ OCP_TEMPORAL_UI: 'https://temporal.example.com' });
  const page = await sample('', { url });
  expect(await textOf(page, '#data')).toContain('1 run waiting for a decision; their days are not in');
  expect(await page.getByRole('link', { name: 'manifest:waiting' }).getAttribute('href')).toBe(
    `https://temporal.example.com/namespaces/${namespace}/workflows/manifest%3Awaiting`,
  );
  await run.terminate();
});

describe('a block that fails', () => {
  const failed = (page: Page, block: string) => page.locator(`${block} [role="alert"]`);

  test.for([
    [400, '?currency=XXX', 'The server does not accept this request: currency: "XXX" is not a valid choice.'],
    [403, '?cluster=another', 'You have no access to this: You have no access to this cluster.'],
  ] as const)('%i: says which, with the request, and the others stay', async ([, query, text]) => {
    const page = await sample(query, { token: await served.token({ clusters: [sampleCluster] }) });
    const alert = failed(page, '#projects');
    expect(await alert.innerText()).toContain(text);
    expect(await alert.locator('code').innerText()).toMatch(/^\S+$/);
    expect(await alert.getByRole('button', { name: 'Try again' }).count()).toBe(1);
    expect(await page.locator('#data .facts').count()).toBe(query === '?currency=XXX' ? 1 : 0);
    expect(await failed(page, '#data').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
  });

  test('424: the database takes too long; once it answers, a click brings the block', async () => {
    const impatient = new URL(await served.servedWith({ OCP_API_TIMEOUT: '300ms' }));
    const { database } = served.pipeline;
    const hold = await holdReaders(database, 'reporting_ocp_gpu_summary_p');
    const page = await sample('', { untilLoaded: false });
    // Only this block has an impatient server: a busy machine may let the others wait.
    const call = '**/reports/openshift/gpu/**';
    await page.route(call, (route) => {
      const url = Object.assign(new URL(route.request().url()), { port: impatient.port });
      return route.continue({ url: url.href });
    });
    await page.reload();
    await loaded(page);
    const alert = failed(page, '#gpus');
    expect(await alert.innerText()).toContain('The database took too long');
    expect(await page.locator('main [role="alert"]').count()).toBe(1);
    await hold.release();
    await page.unroute(call);
    await alert.getByRole('button').click();
    await page.locator('#gpus tbody tr').first().waitFor();
    expect(await alert.count()).toBe(0);
  });

  test('no answer within a minute: says so, and asks again when told to', async () => {
    const hold = await holdReaders(served.pipeline.database, 'reporting_ocp_gpu_summary_p');
    const page = await sample('#data', { isMoving: true, untilLoaded: false });
    await page.locator('#volumes tbody tr').first().waitFor();
    await page.clock.fastForward('01:01');
    const alert = failed(page, '#gpus');
    await alert.waitFor();
    expect(await alert.innerText()).toContain('There was no answer within a minute.');
    await hold.release();
    await alert.getByRole('button').click();
    await page.locator('#gpus tbody tr').first().waitFor();
  });
});
