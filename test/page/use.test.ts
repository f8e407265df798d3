import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../page/answers.ts';
import { loaded, open, violations } from './browser.ts';
import { groupsOf } from './expected.ts';
import { download, recordsOf } from './downloads.ts';
import { sampleCluster, sampleLabel, sampleNow, openSample } from './served.ts';
import type { Served } from './served.ts';
import { readTable } from './tables.ts';
import type { ShownTable } from './tables.ts';

/* What people do with the page: sign in, go through it by keyboard, open a project, download, print. */
let served: Served;
let browser: Browser;
let token: string;
/** everything was scrolled to */
let page: Page;

const reports = '/api/cost-management/v1/reports/openshift/';
const month = 'filter[time_scope_units]=month&filter[time_scope_value]=-1&limit=0';

beforeAll(async () => {
  ({ served, browser, token } = await openSample());
  ({ page } = await open(browser, served.url, { token, now: sampleNow }));
});

test('the first screen takes five calls, the whole page sixteen at most, none of them twice or elsewhere', async () => {
  const opened = await open(browser, served.url, { token, now: sampleNow, untilLoaded: false });
  for (const block of ['#summary .tile', '#cost svg', '#projects tbody tr', '#efficiency tbody tr'])
    await opened.page.locator(block).first().waitFor();
  await opened.page.waitForLoadState('networkidle');
  expect(opened.calls.map((call) => call.replace(/\?.*/, '').split('/').at(-2)).sort()).toEqual([
    'compute',
    'costs',
    'costs',
    'memory',
    'status',
  ]);
  await loaded(opened.page);
  expect(new Set(opened.calls).size).toBe(opened.calls.length);
  expect(opened.calls.length).toBeLessThanOrEqual(16);
  expect(opened.foreign).toEqual([]);
  expect(opened.errors).toEqual([]);
});

test('a token signs in, a wrong one is refused, and signing out forgets it', async () => {
  const { page: own } = await open(browser, served.url, { now: sampleNow, untilLoaded: false });
  const enter = async (text: string) => {
    await own.getByLabel('Token').fill(text);
    await own.keyboard.press('Enter');
  };
  await enter('ocpr_wrong_token');
  await own.getByText('The token is wrong, has expired or was revoked').waitFor();
  expect(await violations(own)).toEqual([]);
  await enter(token);
  await own.locator('#summary .tile data').first().waitFor();
  expect(own.url()).toBe(served.url);
  expect(await own.evaluate('[localStorage.length, document.cookie]')).toEqual([0, '']);
  // It stays when the page is loaded again.
  await own.reload();
  await own.locator('#summary .tile data').first().waitFor();
  await own.getByRole('button', { name: 'Sign out' }).click();
  await own.getByLabel('Token').waitFor();
  expect(await own.evaluate('sessionStorage.length')).toBe(0);
  expect(await own.locator('body').innerText()).not.toContain('$');
  await own.reload();
  await own.getByLabel('Token').waitFor();
});

test('the page finds the API where its prefix is', async () => {
  const url = await served.servedWith({ OCP_API_PREFIX: '/costs/v2/' });
  const { page: own } = await open(browser, url, { token, now: sampleNow, untilLoaded: false });
  await own.locator('#summary .tile data').first().waitFor();
});

test('the navigation leads to every block that is there: machines, GPUs and volumes as well', async () => {
  const attributes = async (selector: string, name: string) =>
    Promise.all((await page.locator(selector).all()).map((element) => element.getAttribute(name)));
  const ids = await attributes('section.block', 'id');
  expect(ids).toEqual(expect.arrayContaining(['vms', 'gpus', 'volumes']));
  expect(await attributes('nav a', 'href')).toEqual(ids.map((id) => `#${id ?? ''}`));
});

/** Press the tab key until the focus is on an element with a text. @throws Error if it never is */
async function tabTo(own: Page, text: RegExp): Promise<void> {
  for (let count = 0; count < 80; count += 1) {
    await own.keyboard.press('Tab');
    const focused = await own.evaluate<string>(`document.activeElement.innerText ?? ''`);
    if (text.test(focused)) return;
  }
  throw new Error(`the tab key never came to ${String(text)}`);
}

test('by keyboard: skip the head, open and close a tile and a project', async () => {
  const { page: own } = await open(browser, served.url, { token, now: sampleNow });
  await own.evaluate(`document.activeElement.blur(); window.scrollTo(0, 0)`);
  await tabTo(own, /^To the numbers$/);
  await own.keyboard.press('Enter');
  expect(new URL(own.url()).hash).toBe('#numbers');
  await tabTo(own, /^Projection/);
  const formula = own.getByText('To date, plus the mean of the last 7 full days');
  expect(await formula.isVisible()).toBe(false);
  await own.keyboard.press('Enter');
  expect(await formula.isVisible()).toBe(true);
  await own.keyboard.press('Space');
  expect(await formula.isVisible()).toBe(false);
  await tabTo(own, /^llm-serving$/);
  await own.keyboard.press('Enter');
  await own.getByText('What the cost is made of').waitFor();
  // What has the focus can be seen.
  expect(await own.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).not.toBe('none');
  await own.keyboard.press('Enter');
  await own.getByText('What the cost is made of').waitFor({ state: 'detached' });
});

const sumOf = ({ rows }: ShownTable) => rows.reduce((sum, [, { Cost }]) => sum + Number(Cost), 0);

test('a project opens to its nodes, machines and volumes, each of which adds up to its cost', async () => {
  const costs = await served.ask<Report>(`${reports}costs/?${month}&group_by[project]=*`, token);
  const machines = await served.ask<Report>(`${reports}resources/virtual-machines/?${month}`, token);
  const claims = await served.ask<Report>(`${reports}volumes/?${month}&group_by[project]=*`, token);
  const withClaims = groupsOf(claims, 'projects').map(({ name }) => name);
  const machine = groupsOf(machines, 'vm_names').find(({ project }) => withClaims.includes(project ?? ''));
  const project = machine?.project ?? '';
  const cost = groupsOf(costs, 'projects').find(({ name }) => name === project)?.cost;
  const total = cost?.distributed?.value ?? NaN;
  expect(total).toBeGreaterThan(0);

  const more = page.locator('#projects button.more[aria-expanded="false"]');
  if ((await more.count()) > 0) await more.click();
  await page.getByRole('button', { name: project, exact: true }).click();
  await page.locator(`caption:text-is("volumes of ${project}")`).waitFor();
  const details = page.locator('#projects .project-details');
  const ask = (report: string, parameters: string) =>
    served.ask<Report>(`${reports}${report}/?${month}&filter[exact:project]=${project}${parameters}`, token);

  const nodes = await readTable(details, `nodes of ${project}`);
  const byNode = await ask('costs', '&group_by[project]=*&group_by[node]=*');
  const wanted = (
    byNode.data[0]?.['projects'] as { nodes: { node: string; values: Report['meta']['total'][] }[] }[]
  )
    .flatMap((group) => group.nodes)
    .map(({ node, values }) => [node, values[0]?.cost?.distributed?.value] as const);
  expect(
    new Map(nodes.rows.map(([name, { Cost }]) => [name.replace('on no node', 'No-node'), Cost])),
  ).toEqual(new Map(wanted));

  const vms = await readTable(details, `machines of ${project}`);
  const ofProject = groupsOf(await ask('resources/virtual-machines', ''), 'vm_names');
  expect(vms.rows.slice(0, -1).map(([name, { Cost }]) => [name, Cost])).toEqual(
    ofProject.map(({ name, cost: own }) => [name, own?.distributed?.value]),
  );

  const volumes = await readTable(details, `volumes of ${project}`);
  const ofClaims = groupsOf(
    await ask('volumes', '&group_by[persistentvolumeclaim]=*'),
    'persistentvolumeclaims',
  );
  expect(volumes.rows.slice(0, -1).map(([name, { Cost }]) => [name, Cost])).toEqual(
    ofClaims.map(({ name, cost: own }) => [name, own?.total.value]),
  );

  for (const table of [nodes, vms, volumes]) {
    expect(table.sums['Cost']).toBeCloseTo(total, 9);
    expect(sumOf(table)).toBeCloseTo(total, 9);
  }
});

/** By the name of the button: the report that the file must be. All groups, apart by cluster. */
const downloads: Record<string, string> = {
  'CSV of cost': `costs/?${month}&filter[resolution]=daily&group_by[cluster]=*&group_by[project]=*`,
  'CSV of projects': `costs/?${month}&group_by[cluster]=*&group_by[project]=*&delta=distributed_cost`,
  'CSV of changes': `costs/?${month}&group_by[cluster]=*&group_by[project]=*&delta=distributed_cost`,
  'CSV of labels': `costs/?${month}&group_by[cluster]=*&group_by[tag:${sampleLabel}]=*`,
  'CSV: Costs of nodes': `costs/?${month}&group_by[cluster]=*&group_by[node]=*`,
  'CSV of unallocated': `costs/?${month}&group_by[cluster]=*&group_by[project]=*&delta=distributed_cost`,
  'CSV of gpus': `gpu/?${month}&group_by[cluster]=*&group_by[project]=*`,
  'CSV of volumes': `volumes/?${month}&group_by[cluster]=*&group_by[project]=*`,
};

/** The same for reports that are asked for one cluster at a time, of which the sample has one. */
const perCluster: Record<string, string> = {
  'CSV: CPU of efficiency': `compute/?${month}&group_by[project]=*`,
  'CSV: Memory of efficiency': `memory/?${month}&group_by[project]=*`,
  'CSV: CPU of nodes': `compute/?${month}&group_by[node]=*`,
  'CSV: Memory of nodes': `memory/?${month}&group_by[node]=*`,
  'CSV of vms': `resources/virtual-machines/?${month}`,
};

describe('every CSV is that of the API: the whole range, all groups, with clusters', () => {
  test('each block with a report has one', async () => {
    const buttons = await page.locator('.download button').all();
    const names = await Promise.all(buttons.map((button) => button.getAttribute('aria-label')));
    expect(names.toSorted()).toEqual(Object.keys({ ...downloads, ...perCluster }).toSorted());
  });

  test.for(Object.entries(downloads))('%s', async ([name, path]) => {
    const { text, fileName } = await download(page, name);
    expect(text).toBe(await served.csv(`${reports}${path}`, token));
    expect(text.split('\r\n')[0]?.split(',')).toContain('cluster');
    expect(text.split('\r\n').length).toBeGreaterThan(3);
    expect(fileName).toMatch(/^[a-z-]+\.csv$/);
  });

  test.for(Object.entries(perCluster))('%s, with scores or machines', async ([name, path]) => {
    const rows = recordsOf((await download(page, name)).text);
    const asked = recordsOf(await served.csv(`${reports}${path}`, token));
    const wanted = { cluster: sampleCluster, 'clusters.0': 'demo cluster' };
    expect(rows).toEqual(asked.map((row) => ({ ...row, ...wanted })));
    expect(rows.length).toBeGreaterThan(2);
  });
});

test('printed: tables are whole, formulas and tables of charts are open, controls are gone', async () => {
  const { page: own } = await open(browser, served.url, { token, now: sampleNow });
  const count = async () =>
    own.locator('#projects .table-area').first().locator('> table > tbody > tr').count();
  const shown = await count();
  await own.emulateMedia({ media: 'print' });
  await own.evaluate(`window.dispatchEvent(new Event('beforeprint'))`);
  await expect.poll(count).toBeGreaterThan(shown);
  for (const hidden of ['.controls', 'nav', '.download button', 'button.more', '.title-line button'])
    expect(await own.locator(hidden).first().isVisible(), hidden).toBe(false);
  expect(await own.getByText('To date, plus the mean of the last 7 full days').isVisible()).toBe(true);
  expect(await own.locator('caption:text-is("cost per day")').isVisible()).toBe(true);
  expect((await own.pdf({ format: 'A4' })).length).toBeGreaterThan(20_000);
  await own.evaluate(`window.dispatchEvent(new Event('afterprint'))`);
  await expect.poll(count).toBe(shown);
});
