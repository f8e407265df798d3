import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { open, startBrowser, violations } from './browser.ts';
import { sampleNow, serveSample } from './served.ts';
import type { Served } from './served.ts';

let served: Served;
let browser: Browser;
let token: string;

beforeAll(async () => {
  [served, browser] = await Promise.all([serveSample(), startBrowser()]);
  token = await served.token();
});

test('the page shows real costs, asks its own server alone, and breaks no policy', async () => {
  const { page, foreign, errors, calls } = await open(browser, served.url, { token, now: sampleNow });
  const path = calls.find((call) => call.includes('delta=distributed_cost')) ?? '';
  const { meta } = (await served.ask(path, token)) as {
    meta: { total: { cost: { distributed: { value: number } } } };
  };
  const total = meta.total.cost.distributed.value;
  expect(total).toBeGreaterThan(1_000);
  const shown = page.locator('#summary .tile').first().locator('data');
  expect(await shown.getAttribute('value')).toBe(String(total));
  expect(foreign).toEqual([]);
  expect(errors).toEqual([]);
  // First screen, labels, nodes, machines, volumes, status.
  expect(calls.length).toBeLessThanOrEqual(16);
});

test.for(['light', 'dark'] as const)('axe-core finds nothing wrong in %s', async (colorScheme) => {
  const { page } = await open(browser, served.url, { token, now: sampleNow, colorScheme });
  for (const opener of await page.locator('details').all())
    await opener.evaluate('(element) => { element.open = true }');
  await page.locator('.opener').first().click();
  await page.getByText('What the cost is made of').waitFor();
  expect(await violations(page)).toEqual([]);
});

/** Folder to put pictures of the documentation into; unset: none are made. */
const pictures = process.env['OCP_PICTURES'];

test.for([
  ['light', 1440],
  ['dark', 1440],
  ['light', 360],
  ['dark', 360],
] as const)('fits its window: %s, %i px', async ([colorScheme, width]) => {
  const height = width === 360 ? 800 : 1_300;
  const { page } = await open(browser, served.url, {
    token,
    now: sampleNow,
    colorScheme,
    viewport: { width, height },
  });
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
  await page.evaluate('window.scrollTo(0, 0)');
  if (pictures !== undefined)
    await page.screenshot({ path: join(pictures, `page-${colorScheme}-${width}.png`) });
});
