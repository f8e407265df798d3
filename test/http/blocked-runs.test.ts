import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { createApiToken } from '../../api/tokens.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createToken } from '../../platform/tenants/credentials.ts';
import { breakAggregation } from '../support/broken-aggregation.ts';
import { payloadPath } from '../support/fixtures.ts';
import { archiveForm, serveHttp, upload } from '../support/http-app.ts';
import type { TestHttp } from '../support/http-app.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';

/* A run that waits for a decision, and the links between it and the page. */
const cluster = 'my-ocp-cluster-small';
const pageUrl = 'https://costs.example.com/page/';
const temporalUi = 'https://temporal.example.com';
let pipeline: TestPipeline;
let http: TestHttp;
let sourceUuid: string;
let workflowId: string;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  const { pool, orgId } = pipeline.database;
  sourceUuid = await pipeline.addSource(cluster, 'shop floor');
  await pipeline.addSource('another', 'another');
  http = await serveHttp(
    pipeline,
    { OCP_PAGE_URL: pageUrl, OCP_TEMPORAL_UI: temporalUi },
    { sources: true, read: { readPool: pool } },
  );
  await breakAggregation(pipeline.database);
  const { secret } = await createToken(pool, { orgId });
  const archive = await readFile(payloadPath('nise-full_day1'));
  const sent = await upload(http.url, { authorization: `Bearer ${secret}` }, archiveForm(archive));
  expect(sent.status).toBe(202);
  const { request_id: requestId } = (await sent.json()) as { request_id: string };
  workflowId = `manifest:${orgId}:${requestId}`;
});

interface Waiting {
  blocked_runs: { workflowId: string; clusterId: string; startedAt: string; url: string | null }[] | null;
  blocked_runs_reason: string | null;
}

/** What the status says to a reader who may see some clusters. */
async function waitingFor(clusters: string[]): Promise<Waiting> {
  const { pool, orgId } = pipeline.database;
  const { token } = await createApiToken(pool, { orgId, clusters, nodes: [], projects: [] });
  const response = await fetch(`${http.url}/api/cost-management/v1/status/`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return ((await response.json()) as { data: Waiting }).data;
}

test('a blocked run is in the status, with its link, for those who see its cluster', async () => {
  await waitUntil(async () => (await waitingFor([])).blocked_runs?.length === 1);
  const address = `${temporalUi}/namespaces/${pipeline.namespace}/workflows/${encodeURIComponent(workflowId)}`;
  const waiting = {
    blocked_runs: [{ workflowId, clusterId: cluster, startedAt: expect.any(String) as string, url: address }],
    blocked_runs_reason: null,
  };
  expect(await waitingFor([])).toMatchObject(waiting);
  // Nothing of the cluster has been summarised yet.
  expect(await waitingFor([cluster])).toMatchObject(waiting);
  const nothing = { blocked_runs: [], blocked_runs_reason: null };
  expect(await waitingFor(['another'])).toMatchObject(nothing);
  const { pool, schema } = pipeline.database;
  expect(await waitingFor(['shop floor'])).toMatchObject(nothing);
  await inTenantTransaction(pool, schema, (client) =>
    client.query(
      `insert into reporting_ocp_clusters (uuid, cluster_id, cluster_alias, provider_id)
       values (gen_random_uuid(), $1, 'shop floor', $2)`,
      [cluster, sourceUuid],
    ),
  );
  expect(await waitingFor(['shop floor'])).toMatchObject(waiting);
});

test("the run's details in the Temporal UI lead to the page", async () => {
  const described = await pipeline.client.workflow.getHandle(workflowId).describe();
  expect(await described.staticDetails()).toContain(`[Costs and data](${pageUrl}#data)`);
});
