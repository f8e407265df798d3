import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { podHours } from '../summary/vm-fixture.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { loaded, open } from './browser.ts';
import { sampleNow, openSample } from './served.ts';
import type { Served } from './served.ts';
import { day, hourly, price, writeReports } from './small-clusters.ts';
import { readTable } from './tables.ts';

/* Answers that a block cannot show: it says so and asks again when told to, and the others stay. */
let served: Served;
let browser: Browser;
let token: string;

beforeAll(async () => {
  ({ served, browser, token } = await openSample());
});

/**
 * The page of the sample, with another body in place of the answers of some calls.
 * @returns how to have the real ones
 */
async function withBody(calls: RegExp, body: (real: string) => string) {
  const { page } = await open(browser, served.url, { token, now: sampleNow, untilLoaded: false });
  const isMeant = (url: URL) => calls.test(decodeURIComponent(url.href));
  await page.route(isMeant, async (route) => {
    const response = await route.fetch();
    // Requests of before the reload are given up.
    await route.fulfill({ response, body: body(await response.text()) }).catch(() => undefined);
  });
  await page.reload();
  await loaded(page);
  return { page, restore: () => page.unroute(isMeant) };
}

const alerts = (page: Page, block = 'main') => page.locator(`${block} [role="alert"]`);

/** Bodies that are JSON and no answer, or have no number where there is one. */
const bodies = {
  nothing: () => '{}',
  'no objects': () => '{"meta":{"count":1},"data":[null]}',
  'texts for numbers': (real: string) => real.replaceAll(/"(value|count)": ?-?[\d.e-]+/g, '"$1":"many"'),
};

/** Blocks by the calls that they are made of. */
const cases: [body: keyof typeof bodies, of: string, calls: RegExp, blocks: string[]][] = [
  [
    'texts for numbers',
    'costs by project',
    /costs\/\?.*delta=/,
    ['#summary', '#projects', '#changes', '#unallocated'],
  ],
  ['no objects', 'costs by day', /costs\/\?.*order_by/, ['#cost']],
  ['nothing', 'CPU', /compute\/\?.*group_by\[project\]/, ['#projects', '#efficiency']],
  ['texts for numbers', 'label keys', /tags\/openshift/, ['#labels']],
  ['nothing', 'costs by label', /group_by\[tag:/, ['#labels']],
  ['texts for numbers', 'costs by label', /group_by\[tag:/, ['#labels']],
  ['texts for numbers', 'memory of nodes', /memory\/\?.*group_by\[node\]/, ['#nodes']],
  ['texts for numbers', 'machines', /virtual-machines/, ['#vms']],
  ['no objects', 'GPUs', /gpu\/\?/, ['#gpus']],
  ['texts for numbers', 'volumes', /volumes\/\?/, ['#volumes']],
  ['no objects', 'the status', /status\/$/, ['#data']],
];

test.for(cases)('%s in place of %s: the block says so, and asks again', async ([body, , calls, broken]) => {
  const { page, restore } = await withBody(calls, bodies[body]);
  for (const block of broken) {
    const alert = alerts(page, block);
    expect(await alert.innerText(), block).toMatch(/This part could not be (loaded|shown)/);
    expect(await alert.locator('code').innerText()).toMatch(/^\S+$/);
  }
  expect(await alerts(page).count()).toBe(broken.length);
  await restore();
  // The others share the call.
  await alerts(page, broken[0]).getByRole('button', { name: 'Try again' }).click();
  for (const block of broken) {
    const rows = page.locator(`${block} tbody tr, ${block} .tile data, ${block} .facts`);
    await rows.first().waitFor({ state: 'attached' });
  }
  expect(await alerts(page).count()).toBe(0);
});

test.for([
  ['#cost', /costs\/\?.*order_by/, ['#cost', '#summary']],
  ['#data', /status\/$/, ['#data']],
] as const)('%s: what is in form, and cannot be shown, is no end of the page', async ([, calls, broken]) => {
  // Every day is one that is not in the calendar.
  const { page, restore } = await withBody(calls, (real) =>
    real.replaceAll(/"2026-\d\d-\d\d"/g, '"2026-99-99"'),
  );
  for (const block of broken) {
    expect(await alerts(page, block).innerText()).toContain('What the server answered cannot be read');
    expect(await page.locator(`${block} h2`).count()).toBe(1);
  }
  expect(await alerts(page).count()).toBe(broken.length);
  await restore();
  await alerts(page, broken[0]).getByRole('button', { name: 'Try again' }).click();
  await page.locator(`${broken[0]} svg`).first().waitFor();
  expect(await alerts(page, broken[0]).count()).toBe(0);
});

/** Keys that are called like fields of a row, of the nesting, of CSV, or of every object. */
const keys = [
  ...['cost', 'infrastructure', 'supplementary', 'date', 'value', 'values', 'clusters', 'source_uuid'],
  ...['usage', 'request', 'capacity', 'project', 'cost_total', 'delta_value', 'meta', 'data', '1'],
  ...['constructor', '__proto__', 'app.kubernetes.io/part-of'],
];

test('a label key may be called like anything: its costs are those of its values', async () => {
  const database = { ...served.pipeline.database, orgId: 'labels', schema: 'orglabels' };
  const source = await createStagedSource(database, day.slice(0, 7));
  await source.enableKeys(...keys);
  const labels = JSON.parse(
    `{${keys.map((key) => `${JSON.stringify(key)}:"of a team"`).join(',')}}`,
  ) as Record<string, string>;
  await source.stage('pod_usage', day, [
    ...podHours(labels, { cores: 3 }),
    ...podHours({}, { pod: 'web', cores: 2 }),
  ]);
  await source.summarise('koku', day);
  await source.query(
    `insert into reporting_ocpusagepodlabel_summary (uuid, key, values, namespace, node, report_period_id)
     select gen_random_uuid(), key, '{of a team}', 'shop', 'w1', $2 from unnest($1::text[]) as listed (key)`,
    [keys, source.reportPeriodId],
  );
  await price(source, { rates: hourly(1) });
  await writeReports(source, day.slice(0, 7));
  const own = await served.token({}, database.orgId);
  const { page, errors } = await open(browser, served.url, { token: own, now: sampleNow });
  const choice = page.getByLabel('Label key');
  const offered = await choice.locator('option').allInnerTexts();
  expect(offered.toSorted()).toEqual(keys.toSorted());
  for (const key of offered) {
    await choice.selectOption(key);
    const table = await readTable(page.locator('#labels'), `costs by the values of ${key}`);
    // Two hours of 16 cores for a dollar each; 2 · 3 core-hours of them have the label.
    expect(table, key).toEqual({
      rows: [
        [`without ${key}`, { Cost: 26, 'Of all': 81.25 }],
        ['of a team', { Cost: 6, 'Of all': 18.75 }],
      ],
      sums: { Cost: 32 },
    });
    expect(await alerts(page).count(), key).toBe(0);
  }
  expect(errors).toEqual([]);
});
