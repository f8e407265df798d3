import { join } from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { atEnd } from '../support/at-end.ts';
import { maxWaitMs } from '../support/limits.ts';
import { cacheDirectory, requireProgram } from '../servers/server-control.ts';

/** As in test/servers/install.sh. */
const chromiumFolder = join(cacheDirectory(), 'chromium-153.0.0');

/** A browser until the tests of the file have ended: the one that CHROMIUM names, or the one that was installed. */
export async function startBrowser(): Promise<Browser> {
  const named = process.env['CHROMIUM'];
  const installed = {
    LD_LIBRARY_PATH: join(chromiumFolder, 'lib'),
    FONTCONFIG_FILE: join(chromiumFolder, 'fonts.conf'),
  };
  const browser = await chromium.launch({
    executablePath: named ?? (await requireProgram(join(chromiumFolder, 'chromium'))),
    // As root it has no sandbox.
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    env: { ...(process.env as Record<string, string>), ...(named === undefined ? installed : {}) },
  });
  atEnd(() => browser.close());
  return browser;
}

/** A page that was opened, with all that went wrong or left its origin. */
export interface Opened {
  page: Page;
  /** addresses of requests to another origin */
  foreign: string[];
  /** addresses of requests to the read API */
  calls: string[];
  /** errors in the console, and violations of the Content-Security-Policy */
  errors: string[];
}

/** What to open, and as whom. */
export interface OpenOptions extends BrowserContextOptions {
  token?: string;
  /** clock of the browser, which stands still */
  now?: string;
  /** it goes on from there, and a test may turn it */
  isMoving?: boolean;
  /** do not wait for the blocks */
  untilLoaded?: boolean;
}

/** Open an address in a fresh context, and wait until nothing loads any more. */
export async function open(
  browser: Browser,
  url: string,
  { token, now, isMoving = false, untilLoaded = true, ...options }: OpenOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(maxWaitMs);
  if (token !== undefined)
    await context.addInitScript(`sessionStorage.setItem('ocp-token', ${JSON.stringify(token)})`);
  const page = await context.newPage();
  if (now !== undefined && isMoving) await page.clock.install({ time: now });
  else if (now !== undefined) await page.clock.setFixedTime(now);
  const opened: Opened = { page, foreign: [], calls: [], errors: [] };
  const { origin } = new URL(url);
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.origin !== origin) opened.foreign.push(request.url());
    if (asked.pathname.startsWith('/api/')) opened.calls.push(`${asked.pathname}${asked.search}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') opened.errors.push(message.text());
  });
  page.on('pageerror', (error) => opened.errors.push(String(error)));
  await page.goto(url);
  if (untilLoaded) await loaded(page);
  return opened;
}

/** Wait until no part of the page is loading, having scrolled to those that wait for that. */
export async function loaded(page: Page): Promise<void> {
  await page.waitForSelector('section, form.block');
  for (;;) {
    const [first] = await page.locator('.loading').elementHandles();
    if (first === undefined) return;
    // It may have gone meanwhile.
    await first.scrollIntoViewIfNeeded().catch(() => undefined);
    await first.waitForElementState('hidden');
  }
}

/** What axe-core finds wrong with a page, one line per place. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated, not added as an element: the Content-Security-Policy of the page stays.
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate<axe.AxeResults>('axe.run(document)');
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
  );
}
