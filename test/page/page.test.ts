import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { open, violations } from './browser.ts';
import { sampleNow, openSample } from './served.ts';
import type { Served } from './served.ts';

let served: Served;
let browser: Browser;
let token: string;

beforeAll(async () => {
  ({ served, browser, token } = await openSample());
});

test.for([
  ['light', 1440],
  ['dark', 1440],
  ['light', 360],
] as const)('axe-core finds nothing wrong: %s, %i px', async ([colorScheme, width]) => {
  const viewport = { width, height: 900 };
  const { page } = await open(browser, served.url, { token, now: sampleNow, colorScheme, viewport });
  // Tiles and tables of charts.
  await page.evaluate(`document.querySelectorAll('details').forEach((element) => { element.open = true })`);
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
