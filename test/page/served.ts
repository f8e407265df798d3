import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiToken } from '../../api/tokens.ts';
import { writeDemoPayload } from '../../cli/demo-payload.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import type { Browser } from 'playwright-core';
import { atEnd } from '../support/at-end.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { serveHttp } from '../support/http-app.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { startBrowser } from './browser.ts';

/** A day on which the sample's three days, 1 to 3 October 2026, are those of the current month so far. */
export const sampleNow = '2026-10-04T12:00:00Z';
/** Its only cluster. */
export const sampleCluster = 'my-ocp-cluster-small';
/** A label key that the sample's pods have, and that is enabled. */
export const sampleLabel = 'environment';

/** What a token shows; empty lists are everything. */
export type TokenLists = Partial<Record<'clusters' | 'nodes' | 'projects', string[]>>;

/** A pipeline with its page served. */
export interface Served {
  pipeline: TestPipeline;
  /** of the page */
  url: string;
  token(lists?: TokenLists, orgId?: string): Promise<string>;
  /** the address of the same page from a server with other settings, such as another day */
  servedWith(environment: Record<string, string>): Promise<string>;
  /** what the read API answers */
  ask<T>(path: string, token: string): Promise<T>;
  /** the same as CSV */
  csv(path: string, token: string): Promise<string>;
}

/** Serve the page of a pipeline's organisation, for which everybody needs a token. */
export async function servePage(
  pipeline: TestPipeline,
  environment: Record<string, string>,
): Promise<Served> {
  const { pool, orgId } = pipeline.database;
  const serve = (changes: Record<string, string> = {}) =>
    serveHttp(pipeline, { ...environment, ...changes }, { sources: true, read: { readPool: pool } });
  const http = await serve();
  return {
    pipeline,
    url: `${http.url}/page/`,
    token: async ({ clusters = [], nodes = [], projects = [] } = {}, org = orgId) =>
      (await createApiToken(pool, { orgId: org, clusters, nodes, projects })).token,
    servedWith: async (changes) => `${(await serve(changes)).url}/page/`,
    ask: async <T>(path: string, token: string) =>
      JSON.parse(await answer(http.url, path, token, 'application/json')) as T,
    csv: (path, token) => answer(http.url, path, token, 'text/csv'),
  };
}

async function answer(url: string, path: string, token: string, accept: string): Promise<string> {
  const response = await fetch(`${url}${path}`, { headers: { accept, authorization: `Bearer ${token}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return text;
}

/** The demo's cluster with its cost model, and its days in September and in October of 2026. */
export async function serveSample(environment: Record<string, string> = {}): Promise<Served> {
  const pipeline = await createTestPipeline({ OCP_NOW: sampleNow, ...environment });
  const sourceUuid = await pipeline.addSource(sampleCluster, 'demo cluster');
  await giveModel(pipeline, sourceUuid, 'samples/cost-model.yaml');
  const { pool, schema } = pipeline.database;
  await setTagKeys(pool, schema, [sampleLabel], true);
  const folder = await mkdtemp(join(tmpdir(), 'ocp-pipeline-page-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const before = join(folder, 'september.tar.gz');
  await writeDemoPayload(before, new Date(sampleNow));
  await pipeline.ingest(before);
  await pipeline.ingest('samples/nise-small.tar.gz');
  return servePage(pipeline, { OCP_NOW: sampleNow, ...environment });
}

/** Give a source the cost model of a document. */
async function giveModel(pipeline: TestPipeline, sourceUuid: string, path: string): Promise<void> {
  const { pool, schema } = pipeline.database;
  const model = readCostModel(await readFile(path, 'utf8'), 'yaml', path);
  await applyModel(pool, schema, model, {
    source: path,
    sources: [{ sourceUuid, clusterId: sampleCluster }],
    move: false,
  });
}

/** The sample, a token of its organisation that shows everything, and a browser. */
export async function openSample(): Promise<{ served: Served; browser: Browser; token: string }> {
  const [served, browser] = await Promise.all([serveSample(), startBrowser()]);
  return { served, browser, token: await served.token() };
}
