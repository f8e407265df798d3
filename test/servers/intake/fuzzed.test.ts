import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createClient, createToken } from '../../../platform/tenants/credentials.ts';
import { atEnd } from '../../support/at-end.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { serveSettings, startServe } from '../../support/serve-process.ts';
import type { ServeProcess } from '../../support/serve-process.ts';
import { schemathesis } from '../schemathesis.ts';

/**
 * Two of its checks ask for what no schema says: that a name is still free, and that HTTP's youngest methods, which
 * Node or Fastify refuse before us, are answered 405.
 */
const excluded = ['positive_data_acceptance', 'unsupported_method'];

let pipeline: TestPipeline;
let serving: ServeProcess;
let directory: string;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  directory = await mkdtemp(join(tmpdir(), 'ocp-fuzzed-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  // Made-up requests are many, and log in wrongly on purpose.
  const limits = { OCP_MAX_REQUESTS: '1000000', OCP_MAX_FAILED_LOGINS: '1000000' };
  serving = await startServe({ ...serveSettings(pipeline), ...limits });
});

/** Send requests to the server, at most so many examples of each operation. */
function fuzz(examples: number, ...args: string[]): Promise<{ code: number; output: string }> {
  return schemathesis({ document: `${serving.url}/openapi.json`, examples, directory, excluded, args });
}

test('whatever the OpenAPI document allows or forbids is answered as it says, and never with 5xx', async () => {
  const { database } = pipeline;
  const { secret } = await createToken(database.pool, { orgId: database.orgId });
  const { code, output } = await fuzz(60, '-H', `Authorization: Bearer ${secret}`);
  expect(code, output).toBe(0);
});

test('the same for a sender that may act for one cluster only', async () => {
  const { database } = pipeline;
  const client = await createClient(database.pool, { orgId: database.orgId, clusterId: 'ours' });
  const { code, output } = await fuzz(15, '--auth', `${client.name}:${client.secret}`);
  expect(code, output).toBe(0);
});

test('the document describes the archive, and every other method is answered 405', async () => {
  const answer = await fetch(`${serving.url}/openapi.json`);
  const { paths } = (await answer.json()) as { paths: Record<string, { post?: { requestBody?: object } }> };
  for (const path of ['/api/ingress/v1/upload', '/r/insights/platform/ingress/v1/upload']) {
    expect(paths[path]?.post?.requestBody).toMatchObject({
      content: {
        'multipart/form-data': {
          schema: { required: ['file'], properties: { file: { format: 'binary' } } },
          encoding: { file: { contentType: 'application/vnd.redhat.hccm.tar+tgz' } },
        },
      },
    });
    const other = await fetch(`${serving.url}${path}`, { method: 'PUT', body: 'x' });
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST']);
  }
  const read = await fetch(`${serving.url}/healthz`, { method: 'DELETE' });
  expect([read.status, read.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});
