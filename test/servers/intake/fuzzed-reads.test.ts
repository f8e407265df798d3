import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createApiToken } from '../../../api/tokens.ts';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import { loadGoldenTables } from '../../support/api-fixtures.ts';
import { atEnd } from '../../support/at-end.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { serveSettings, startServe } from '../../support/serve-process.ts';
import type { ServeProcess } from '../../support/serve-process.ts';
import { schemathesis } from '../schemathesis.ts';

/**
 * What no schema says: how many groups go together, which days are kept, which label keys there are; and HTTP's
 * youngest methods, which Node or Fastify refuse before us.
 */
const excluded = ['positive_data_acceptance', 'unsupported_method'];

let pipeline: TestPipeline;
let serving: ServeProcess;
let directory: string;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  const { pool, schema } = pipeline.database;
  await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await inTenantTransaction(pool, schema, (client) => loadGoldenTables(client, 'small_cm'));
  directory = await mkdtemp(join(tmpdir(), 'ocp-fuzzed-reads-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  // Made-up requests are many, and log in wrongly on purpose.
  const limits = { OCP_MAX_REQUESTS: '1000000', OCP_MAX_FAILED_LOGINS: '1000000' };
  serving = await startServe({ ...serveSettings(pipeline), ...limits }, ['--api']);
});

async function token(projects: string[]): Promise<string> {
  const { pool, orgId } = pipeline.database;
  return (await createApiToken(pool, { orgId, clusters: [], nodes: [], projects })).token;
}

/** The document of the read API can be had by readers only, so it is handed over as a file. */
async function fuzz(examples: number, secret: string): Promise<{ code: number; output: string }> {
  const headers = { authorization: `Bearer ${secret}` };
  const answer = await fetch(`${serving.url}/api/cost-management/v1/openapi.json`, { headers });
  const document = join(directory, 'openapi.json');
  await writeFile(document, await answer.text());
  // A report has a hundred parameters: every boundary of each of them would take many minutes.
  const args = ['--url', serving.url, '-H', `Authorization: Bearer ${secret}`, '--phases', 'fuzzing'];
  return schemathesis({ document, examples, directory, excluded, args });
}

test('whatever the OpenAPI document of the read API allows or forbids is answered as it says, and never with 5xx', async () => {
  const { code, output } = await fuzz(8, await token([]));
  expect(code, output).toBe(0);
});

test('the same for a reader of two projects', async () => {
  const { code, output } = await fuzz(2, await token(['Paris', 'London']));
  expect(code, output).toBe(0);
});
