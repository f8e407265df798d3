import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiToken } from '../../api/tokens.ts';
import { writeDemoPayload } from '../../cli/demo-payload.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { atEnd } from '../support/at-end.ts';
import { serveHttp } from '../support/http-app.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

/** A day on which the sample's three days, 1 to 3 October 2026, are those of the current month so far. */
export const sampleNow = '2026-10-04T12:00:00Z';
const sampleCluster = 'my-ocp-cluster-small';

/** What a token shows; empty lists are everything. */
export type TokenLists = Partial<Record<'clusters' | 'nodes' | 'projects', string[]>>;

/** A pipeline with its page served. */
export interface Served {
  pipeline: TestPipeline;
  /** of the page */
  url: string;
  token(lists?: TokenLists): Promise<string>;
  /** what the read API answers */
  ask(path: string, token: string): Promise<unknown>;
}

/** Serve the page of a pipeline's organisation, for which everybody needs a token. */
async function servePage(pipeline: TestPipeline, environment: Record<string, string>): Promise<Served> {
  const { pool, orgId } = pipeline.database;
  const http = await serveHttp(pipeline, environment, { sources: true, read: { readPool: pool } });
  return {
    pipeline,
    url: `${http.url}/page/`,
    token: async ({ clusters = [], nodes = [], projects = [] } = {}) =>
      (await createApiToken(pool, { orgId, clusters, nodes, projects })).token,
    ask: async (path, token) => {
      const response = await fetch(`${http.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response.json();
    },
  };
}

/** The demo's cluster with its cost model, and its days in September and in October of 2026. */
export async function serveSample(environment: Record<string, string> = {}): Promise<Served> {
  const pipeline = await createTestPipeline({ OCP_NOW: sampleNow, ...environment });
  const sourceUuid = await pipeline.addSource(sampleCluster, 'demo cluster');
  await giveModel(pipeline, sourceUuid, 'samples/cost-model.yaml');
  const folder = await mkdtemp(join(tmpdir(), 'ocp-pipeline-page-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const before = join(folder, 'september.tar.gz');
  await writeDemoPayload(before, new Date(sampleNow));
  await pipeline.ingest(before);
  await pipeline.ingest('samples/nise-small.tar.gz');
  return servePage(pipeline, { OCP_NOW: sampleNow, ...environment });
}

/** Give a source the cost model of a document, perhaps with another currency. */
async function giveModel(
  pipeline: TestPipeline,
  sourceUuid: string,
  path: string,
  change: (text: string) => string = (text) => text,
): Promise<void> {
  const { pool, schema } = pipeline.database;
  const model = readCostModel(change(await readFile(path, 'utf8')), 'yaml', path);
  await applyModel(pool, schema, model, {
    source: path,
    sources: [{ sourceUuid, clusterId: sampleCluster }],
    move: false,
  });
}
