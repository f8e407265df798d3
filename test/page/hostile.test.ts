import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../page/answers.ts';
import { money } from '../../page/format.ts';
import { loaded, open } from './browser.ts';
import type { OpenOptions } from './browser.ts';
import { groupsOf } from './expected.ts';
import { sampleNow, openSample } from './served.ts';
import type { Served } from './served.ts';
import { readTable } from './tables.ts';

/* What readers do by mistake or on purpose: addresses made by hand, going back, proxies and servers in trouble. */
let served: Served;
let browser: Browser;
let token: string;

const prefix = '/api/cost-management/v1/';

beforeAll(async () => {
  ({ served, browser, token } = await openSample());
});

function at(address: string, options: OpenOptions & { url?: string } = {}) {
  const { url = served.url, ...rest } = options;
  return open(browser, `${url}${address}`, { token, now: sampleNow, ...rest });
}

const tile = (page: Page, name: string) =>
  page.locator(`#summary .tile:has(.tile-name:text-is("${name}")) summary`).innerText();

describe('addresses', () => {
  test.for(['changes', 'nodes', 'unallocated', 'vms', 'gpus', 'volumes'])(
    '#%s is where the page opens, however late it and those above it load',
    async (id) => {
      const { page } = await at(`#${id}`, { untilLoaded: false });
      const top = () =>
        page.evaluate<number | null>(`document.getElementById('${id}')?.getBoundingClientRect().top ?? null`);
      await page.locator(`#${id} tbody tr`).first().waitFor();
      await expect.poll(top).toBeCloseTo(16, 0);
      // Another view keeps the place where the reader is.
      await page.mouse.wheel(0, -20_000);
      await expect.poll(() => page.evaluate('window.scrollY')).toBe(0);
      await page.getByLabel('Range').selectOption('last-month');
      await page.locator('#projects tbody tr').first().waitFor();
      await page.waitForLoadState('networkidle');
      expect(await page.evaluate('window.scrollY')).toBe(0);
    },
  );

  test.for([
    '?cluster=&currency=&label=',
    '?range=dates&start=2026-02-31&end=2026-10-03',
    '?range=constructor&label=__proto__#__proto__',
    '?currency=usd#%00<img src=x>',
  ])('what is not valid is as if it were not there: %s', async (address) => {
    const { page, errors } = await at(address);
    expect(await tile(page, 'Cost to date')).toContain('1 Oct 2026 to 4 Oct 2026');
    expect(errors).toEqual([]);
  });

  test('a cluster that there is not: says so, and leads to all', async () => {
    const { page } = await at('?cluster=gone&distributed=off');
    expect(await page.locator('.messages').innerText()).toBe(
      'No cluster that you see is called gone. Show all clusters',
    );
    expect(await page.locator('#no-data').innerText()).toBe('No data from 1 Oct 2026 to 4 Oct 2026');
    await page.getByRole('link', { name: 'Show all clusters' }).click();
    await page.locator('#summary .tile data').first().waitFor();
    expect(new URL(page.url()).search).toBe('?distributed=off');
  });

  test('a currency that is not enabled: says so, and leads to the usual one', async () => {
    const { page } = await at('?currency=XXX', { untilLoaded: false });
    await page.getByText('Amounts cannot be shown in XXX').waitFor();
    await page.getByRole('link', { name: 'Show the usual currency' }).click();
    await page.locator('#summary .tile data').first().waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  test('back and forward: the chosen days are those of the numbers', async () => {
    const { page } = await at('?range=dates&start=2026-10-01&end=2026-10-02');
    const [from, to] = [page.locator('input[type=date]').first(), page.locator('input[type=date]').last()];
    const dates = async () => [await from.inputValue(), await to.inputValue()];
    await to.fill('2026-10-03');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('1 Oct 2026 to 3 Oct 2026').first().waitFor();
    await page.goBack();
    await page.getByText('1 Oct 2026 to 2 Oct 2026').first().waitFor();
    expect(await dates()).toEqual(['2026-10-01', '2026-10-02']);
    await page.goForward();
    await page.getByText('1 Oct 2026 to 3 Oct 2026').first().waitFor();
    expect(await dates()).toEqual(['2026-10-01', '2026-10-03']);
  });
});

test('changes over two months have the percentage of the whole range; only what is new is called so', async () => {
  // 30 days up to 2 October are in two months, the 30 before them end on 2 September.
  const now = '2026-10-02T12:00:00Z';
  const url = await served.servedWith({ OCP_NOW: now });
  const { page } = await at('?range=30-days', { url, now });
  const ask = async (start: string, end: string) => {
    const days = `start_date=${start}&end_date=${end}&filter[resolution]=monthly&limit=0`;
    const path = `${prefix}reports/openshift/costs/?${days}&group_by[project]=*`;
    const costs = new Map<string, number>();
    for (const { name, cost } of groupsOf(await served.ask<Report>(path, token), 'projects'))
      costs.set(name, (costs.get(name) ?? 0) + (cost?.distributed?.value ?? 0));
    return costs;
  };
  const [after, before] = [await ask('2026-09-03', '2026-10-02'), await ask('2026-08-04', '2026-09-02')];
  const { rows } = await readTable(page.locator('#changes'), 'the largest increases and decreases in money');
  expect(rows.length).toBeGreaterThan(3);
  for (const [name, { Change, Percent }] of rows) {
    const [current = 0, earlier = 0] = [after.get(name), before.get(name)];
    expect(Change, name).toBeCloseTo(current - earlier, 6);
    expect(Percent, name).toBeCloseTo((current / earlier - 1) * 100, 6);
  }
});

test('currencies that share a sign are told apart', () => {
  expect(['USD', 'CAD', 'AUD', 'JPY', 'CNY', 'EUR'].map((code) => money(1, code))).toEqual([
    '$1.00',
    'CA$1.00',
    'A$1.00',
    '¥1',
    'CN¥1.00',
    '€1.00',
  ]);
});

/** What waits until it is opened. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

describe('servers in trouble', () => {
  test('an answer that is none of the read API, such as the login of a proxy', async () => {
    const { page } = await at('', { untilLoaded: false });
    await page.route('**/reports/openshift/compute/**', (route) =>
      route.fulfill({ status: 200, contentType: 'text/html', body: '<form>Log in</form>' }),
    );
    await page.reload();
    await page.getByText('is not one of this server: a proxy in between may have made it').first().waitFor();
    expect(await tile(page, 'Wasted')).toContain('Not all could be loaded.');
    await page.unroute('**/reports/openshift/compute/**');
    await page.locator('#efficiency').getByRole('button', { name: 'Try again' }).click();
    await page.locator('#efficiency tbody tr').first().waitFor();
  });

  test('without the status there is no projection, and it says so', async () => {
    const { page } = await at('', { untilLoaded: false });
    await page.route('**/status/', (route) => route.abort());
    await page.reload();
    await page.getByText('Days and their hours could not be loaded.').waitFor();
    expect(await page.locator('#data [role="alert"]').innerText()).toContain('The server cannot be reached.');
  });

  test('a late refusal of a token does not throw out the next one', async () => {
    const { page } = await at('', { token: 'ocpr_another', untilLoaded: false });
    const late = gate();
    await page.route('**/reports/openshift/memory/**', async (route) => {
      if (route.request().headers()['authorization'] !== 'Bearer ocpr_another') return route.continue();
      await late.opened;
      await route.continue();
    });
    await page.reload();
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.locator('#projects tbody tr').first().waitFor();
    const refused = page.waitForResponse((response) => response.status() === 401);
    late.open();
    await refused;
    await loaded(page);
    expect(await page.getByLabel('Token').count()).toBe(0);
    expect(await page.locator('#summary .tile data').count()).toBeGreaterThan(4);
  });

  test('pools and nodes are not shown before it is known whether the reader may see them', async () => {
    const restricted = await served.token({ projects: ['London'] });
    const { page, calls } = await at('', { token: restricted, untilLoaded: false });
    const known = gate();
    await page.route('**/status/', async (route) => {
      await known.opened;
      await route.continue();
    });
    await page.reload();
    await page.locator('#summary .tile data').first().waitFor();
    expect(await tile(page, 'Nobody owns')).toBe('Nobody owns\n…');
    known.open();
    await loaded(page);
    expect(await tile(page, 'Nobody owns')).toContain('Not shown');
    expect(calls.filter((call) => call.includes('node'))).toEqual([]);
  });
});
