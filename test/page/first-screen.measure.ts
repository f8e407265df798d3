import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { benchCostModel } from '../../bench/payload/cost-model.ts';
import { generatePayload } from '../../bench/payload/generate.ts';
import { enabledTagKeys, shapes } from '../../bench/payload/shapes.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { atEnd } from '../support/at-end.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { startBrowser } from './browser.ts';
import { servePage } from './served.ts';

const now = '2026-10-31T06:00:00Z';
const repetitions = 9;

/** In the page: mark the document when tiles, bars and projects are there and nothing of them loads any more. */
const markWhenThere = `
  const look = () => {
    const there = ['#summary .tile data', '#cost svg rect.series', '#projects tbody tr'];
    const loading = '#summary .loading, #cost > .loading, #projects .loading';
    if (there.every((found) => document.querySelector(found)) && !document.querySelector(loading))
      document.documentElement.dataset.firstScreen = String(Math.round(performance.now()));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);`;

test('time until the first screen is complete, month_cm of the benchmarks', async () => {
  const pipeline = await createTestPipeline({ OCP_NOW: now });
  await fill(pipeline);
  const served = await servePage(pipeline, { OCP_NOW: now });
  const token = await served.token();
  const browser = await startBrowser();
  const times: number[] = [];
  for (let index = 0; index < repetitions; index += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await context.addInitScript(
      `sessionStorage.setItem('ocp-token', ${JSON.stringify(token)}); ${markWhenThere}`,
    );
    const page = await context.newPage();
    await page.goto(served.url);
    const complete = page.locator('html[data-first-screen]');
    await complete.waitFor({ state: 'attached' });
    times.push(Number(await complete.getAttribute('data-first-screen')));
    await context.close();
  }
  times.sort((left, right) => left - right);
  console.log(`first screen, ms: median ${times[(repetitions - 1) / 2]}, all ${times.join(' ')}`);
  expect(times).toHaveLength(repetitions);
});

/** A month of 50 nodes with 500 pods, with costs. */
async function fill(pipeline: TestPipeline): Promise<void> {
  const { pool, schema } = pipeline.database;
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-first-screen-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const payload = await generatePayload(directory, { shape: shapes.month_cm, seed: 1 });
  const sourceUuid = await pipeline.addSource(payload.clusterId, 'bench');
  await setTagKeys(pool, schema, enabledTagKeys, true);
  await applyModel(pool, schema, readCostModel(JSON.stringify(benchCostModel), 'json', 'bench'), {
    source: 'bench',
    sources: [{ sourceUuid, clusterId: payload.clusterId }],
    move: false,
  });
  await pipeline.ingest(join(directory, payload.archive));
  await pool.query('analyze');
}
