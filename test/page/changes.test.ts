import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTestPipeline } from '../support/pipeline.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { loaded, open, startBrowser } from './browser.ts';
import { addCosts } from './cost-rows.ts';
import type { CostRow } from './cost-rows.ts';
import { servePage } from './served.ts';
import type { Served } from './served.ts';
import { readNumbers, readTable } from './tables.ts';

/*
 * The change of a project is what it cost in all days of the range less what it cost in all days before, however its
 * days lie in the months of the range; the changes of all projects are that of the tile. Four months are kept: August
 * is the oldest, so of the 90 days before 1 September only those from 1 August on are.
 */
const now = '2026-11-29T12:00:00Z';

type Range = 'this-month' | 'last-month' | '30-days' | '90-days';
type Days = readonly [first: string, last: string];

const ranges: Record<Range, { days: Days; before: Days }> = {
  'this-month': { days: ['2026-11-01', '2026-11-29'], before: ['2026-10-01', '2026-10-29'] },
  'last-month': { days: ['2026-10-01', '2026-10-31'], before: ['2026-09-01', '2026-09-30'] },
  '30-days': { days: ['2026-10-31', '2026-11-29'], before: ['2026-10-01', '2026-10-30'] },
  '90-days': { days: ['2026-09-01', '2026-11-29'], before: ['2026-06-03', '2026-08-31'] },
};

const costs: CostRow[] = [
  { project: 'steady', day: '2026-08-15', own: 10 },
  { project: 'steady', day: '2026-10-01', own: 20, received: 2.5 },
  { project: 'steady', day: '2026-10-31', own: 30 },
  { project: 'steady', day: '2026-11-10', own: 44, received: 3 },
  // Of 30 days it has costs in November alone, and what it cost on 1 October belongs to the 31st.
  { project: 'gap', day: '2026-10-01', own: 50 },
  { project: 'gap', day: '2026-11-05', own: 60 },
  // The same for less: a decrease.
  { project: 'less', day: '2026-10-01', own: 500.5 },
  { project: 'less', day: '2026-10-20', own: 51 },
  { project: 'less', day: '2026-11-05', own: 375.25 },
  // In September and November, not in October; before 90 days ago in August.
  { project: 'seldom', day: '2026-08-03', own: 7 },
  { project: 'seldom', day: '2026-09-09', own: 9 },
  { project: 'seldom', day: '2026-11-11', own: 11 },
  // Only the older of two months.
  { project: 'older', day: '2026-10-31', own: 3 },
  { project: 'older', day: '2026-10-30', own: 4 },
  { project: 'ended', day: '2026-10-01', own: 100 },
  { project: 'ended', day: '2026-10-15', own: 7 },
  { project: 'summer', day: '2026-08-20', own: 40 },
  { project: 'fresh', day: '2026-11-20', own: 5 },
  { project: 'twice', day: '2026-10-03', own: 6 },
  { project: 'twice', day: '2026-10-31', own: 3, hasCategory: true },
  { project: 'twice', day: '2026-11-03', own: 8, hasCategory: true },
  { project: 'twice', day: '2026-11-04', own: 4 },
  { project: 'Worker unallocated', day: '2026-10-01', own: 2.5, received: -2.5 },
  { project: 'Worker unallocated', day: '2026-11-10', own: 3, received: -3 },
];

let served: Served;
let browser: Browser;
let token: string;

beforeAll(async () => {
  const pipeline = await createTestPipeline({ OCP_NOW: now });
  const sourceUuid = await pipeline.addSource('c1');
  await addCosts(pipeline.database, { sourceUuid, clusterId: 'c1' }, costs);
  [served, browser] = await Promise.all([servePage(pipeline, { OCP_NOW: now }), startBrowser()]);
  token = await served.token();
});

function show(range: Range, { distributed = true, url = served.url, height = 900 } = {}) {
  const query = `?range=${range}${distributed ? '' : '&distributed=off'}`;
  const viewport = { width: 1440, height };
  return open(browser, `${url}${query}`, { token, now, viewport, untilLoaded: height === 900 });
}

/** What projects cost in days; those without a row are not there. */
function costsOf([first, last]: Days, distributed: boolean): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { project, day, own, received = 0 } of costs)
    if (day >= first && day <= last)
      sums.set(project, (sums.get(project) ?? 0) + own + (distributed ? received : 0));
  return sums;
}

function total(sums: Map<string, number>): number {
  return [...sums.values()].reduce((all, each) => all + each, 0);
}

const tileChange = async (page: Page) =>
  (await readNumbers(page.locator('#summary .tile:has(.tile-name:text-is("Change"))')))[0] ?? NaN;

const moved = 'the largest increases and decreases in money';

describe.for(Object.keys(ranges) as Range[])('%s', (range) => {
  test.for([true, false])('distribution: %s', async (distributed) => {
    const { page } = await show(range, { distributed });
    const [after, before] = [ranges[range].days, ranges[range].before].map((days) =>
      costsOf(days, distributed),
    ) as [Map<string, number>, Map<string, number>];
    const changeOf = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    const tile = await tileChange(page);
    expect(tile).toBeCloseTo(total(after) - total(before), 9);

    const { rows, sums } = await readTable(page.locator('#projects'), 'costs by project');
    expect(rows.map(([name]) => name).toSorted()).toEqual([...after.keys()].toSorted());
    for (const [name, { Change }] of rows) expect(Change, name).toBeCloseTo(changeOf(name), 9);
    const [rest = 0] = await readNumbers(page.locator('#projects .not-in-rows'));
    const listed = rows.reduce((sum, [, { Change }]) => sum + Number(Change), 0);
    expect(listed + rest).toBeCloseTo(tile, 9);
    expect(sums['Change']).toBeCloseTo(tile, 9);

    const names = [...new Set([...after.keys(), ...before.keys()])]
      .filter((name) => changeOf(name) !== 0)
      .sort((a, b) => changeOf(b) - changeOf(a));
    const increases = names.filter((name) => changeOf(name) > 0).slice(0, 5);
    const decreases = names.filter((name) => changeOf(name) < 0).slice(-5);
    const changes = await readTable(page.locator('#changes'), moved);
    const shown = changes.rows.map(([name]) => name);
    expect(shown.toSorted()).toEqual([...increases, ...decreases].toSorted());
    for (const [name, { Change, Percent }] of changes.rows) {
      expect(Change, name).toBeCloseTo(changeOf(name), 9);
      const base = before.get(name) ?? 0;
      if (base === 0) expect(Percent, name).toBe('new');
      else expect(Percent, name).toBeCloseTo((changeOf(name) / base) * 100, 6);
    }
    // With those of #projects that are not among the largest, they add up to the tile.
    const others = rows.filter(([name]) => !shown.includes(name));
    const sum = [...changes.rows, ...others].reduce((all, [, { Change }]) => all + Number(Change), 0);
    expect(sum).toBeCloseTo(tile, 9);
    const unknown = '#changes .not-in-rows, #changes [role="alert"], #projects [role="alert"]';
    expect(await page.locator(unknown).count()).toBe(0);
  });
});

test('30 days by hand: what was lost on 1 October counts, an increase is not new, a decrease neither', async () => {
  const { page } = await show('30-days');
  const row = async (name: string) =>
    (await page.locator('#projects tbody tr', { has: page.getByText(name, { exact: true }) }).innerText())
      .replaceAll(/\s+/g, ' ')
      .trim();
  // 60 − 50; 10 / 50
  expect(await row('gap')).toContain('+$10.00 +20 %');
  // 375.25 − 551.50; −176.25 / 551.50 = −31.96 %
  expect(await row('less')).toContain('-$176.25 -32 %');
  // 30 + 44 + 3 − 20 − 2.50; 54.50 / 22.50 = 242.2 %
  expect(await row('steady')).toContain('+$54.50 +242.2 %');
  // 3 + 8 + 4 − 6; 9 / 6
  expect(await row('twice')).toContain('+$9.00 +150 %');
  expect(await row('fresh')).toContain('+$5.00 new');
  // 100 + 7 that are gone
  expect(await page.locator('#projects .not-in-rows').innerText()).toContain('-$107.00');
});

test.for([
  ['this-month', 5],
  ['last-month', 5],
  ['30-days', 6],
  ['90-days', 6],
] as const)(
  'the first screen of %s takes %i calls: one more where a project has no cost in one of several months',
  async ([range, count]) => {
    const { page, calls } = await show(range, { height: 300 });
    for (const block of ['#summary .tile', '#cost svg', '#projects tbody tr'])
      await page.locator(block).first().waitFor();
    // Half a second without a request may come before the last one, on a busy machine.
    await expect.poll(() => calls.length).toBeGreaterThanOrEqual(count);
    await page.waitForLoadState('networkidle');
    expect(calls.length).toBe(count);
    expect(calls.filter((call) => /costs\/\?start_date=.*group_by\[project\]/.test(call)).length).toBe(
      count - 5,
    );
    await loaded(page);
    expect(new Set(calls).size).toBe(calls.length);
    expect(calls.length).toBeLessThanOrEqual(16);
  },
);

test('days before that are not kept: what cannot be compared says so, and nothing wrong is shown', async () => {
  // Three months are kept, from September on, and 90 days are compared with those before.
  const { page } = await show('90-days', { url: await served.servedWith({ RETAIN_NUM_MONTHS: '3' }) });
  const alert = page.locator('#projects [role="alert"]');
  expect(await alert.innerText()).toMatch(
    /could not be compared: .*Expected a day from 2026-09-01 .*Try again/s,
  );
  const { rows } = await readTable(page.locator('#projects'), 'costs by project');
  const known = rows.filter(([, { Change }]) => Change !== '–').map(([name]) => name);
  // Each other one has no cost in September, or in October.
  expect(known).toEqual([]);
  expect(await page.locator('#changes [role="alert"]').count()).toBe(1);
});

test('bills of clouds in several currencies: each one without a rate is named, and no other', async () => {
  const { pool } = served.pipeline.database;
  await pool.query('create table public.api_exchangeratedictionary (currency_exchange_dictionary jsonb)');
  await pool.query('insert into public.api_exchangeratedictionary values ($1)', [
    { ZAR: { USD: 0.05 }, GBP: { USD: 1.25 } },
  ]);
  const database = { ...served.pipeline.database, orgId: 'mixed', schema: 'orgmixed' };
  await addCosts(database, await createStagedSource(database, '2026-11'), [
    { project: 'first', day: '2026-11-01', own: 3, currency: 'AAA' },
    { project: 'second', day: '2026-11-01', own: 4, currency: 'GBP' },
    { project: 'second', day: '2026-11-02', own: 4, currency: 'EUR' },
    { project: 'third', day: '2026-11-02', own: 100, currency: 'ZAR' },
    { project: 'fourth', day: '2026-11-03', own: 5, currency: 'XXX' },
    { project: 'fifth', day: '2026-11-03', own: 6, currency: 'USD' },
    // Beside another currency on the same day.
    { project: 'fifth', day: '2026-11-03', own: 2, currency: 'BBB' },
    { project: 'nothing', day: '2026-11-03', own: 0, currency: 'YYY' },
    { project: 'sixth', day: '2026-11-04', own: 7, currency: 'GBP' },
  ]);
  const own = await served.token({}, database.orgId);
  const { page, calls } = await open(browser, served.url, { token: own, now });
  const messages = (await page.locator('.messages').innerText()).replaceAll(/\s+/g, ' ');
  const named = [...messages.matchAll(/Not converted: costs of the cloud are in (\w+) and shown as USD/g)];
  expect(named.map(([, currency]) => currency)).toEqual(['AAA', 'BBB', 'EUR', 'XXX']);
  const tag = page.locator('#projects .not-converted');
  expect(await tag.innerText()).toBe('not converted from AAA, BBB, EUR, XXX');
  expect(calls.length).toBeLessThanOrEqual(16);
});
