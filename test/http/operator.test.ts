import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { createClient, revokeCredential, rotateClient } from '../../platform/tenants/credentials.ts';
import { anotherManifest, createArchiveFolder, readPayload } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { serveHttp } from '../support/http-app.ts';
import type { TestHttp } from '../support/http-app.ts';
import { startIssuer } from '../support/issuer.ts';
import type { Issuer } from '../support/issuer.ts';
import { Operator } from '../support/operator.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

let pipeline: TestPipeline;
let issuer: Issuer;
let http: TestHttp;
let folder: ArchiveFolder;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  issuer = await startIssuer();
  http = await serveHttp(pipeline, { OIDC_ISSUER: issuer.url });
  folder = await createArchiveFolder();
});

async function archiveOf(clusterId: string): Promise<Buffer> {
  const payload = anotherManifest(await readPayload('nise-small'), { cluster_id: clusterId });
  return readFile(await folder.pack(payload));
}

const ask = ['GET source_types 200', 'GET sources 200'];
const create = ['GET sources 200', 'GET application_types 200', 'POST sources 201', 'POST applications 201'];

async function resultOf(requestId: string | undefined): Promise<unknown> {
  return pipeline.client.workflow
    .getHandle(`manifest:${pipeline.database.orgId}:${requestId ?? ''}`)
    .result();
}

/** Whether `api_sources` has what Koku's API needs to list the cluster. */
async function apiSource(clusterId: string): Promise<unknown> {
  const { rows } = await pipeline.database.pool.query(
    `select source.name, source.source_type, source.org_id, source.koku_uuid = provider.uuid::text as "isOfProvider"
     from public.api_sources as source
     join public.api_provider as provider on provider.uuid = source.provider_id
     where source.authentication = jsonb_build_object('credentials', jsonb_build_object('cluster_id', $1::text))`,
    [clusterId],
  );
  return rows;
}

test('with a token of a foreign issuer an operator creates its source and uploads; the keys may change', async () => {
  const { orgId } = pipeline.database;
  const archive = await archiveOf('foreign');
  const operator = new Operator(http.url, 'foreign', { type: 'bearer', token: await issuer.token(orgId) });
  const first = await operator.cycle('Foreign', [archive, archive]);
  expect(first.stoppedBy).toBeUndefined();
  expect(first.calls).toEqual([...ask, ...create, 'POST upload 202', 'POST upload 202']);
  expect(new Set(first.requestIds).size).toBe(1);
  expect(await resultOf(first.requestIds[0])).toMatchObject({ outcome: 'completed', daysSummarised: 3 });
  expect(await apiSource('foreign')).toEqual([
    { name: 'Foreign', source_type: 'OCP', org_id: orgId, isOfProvider: true },
  ]);

  await issuer.rotate();
  const after = new Operator(http.url, 'foreign', { type: 'bearer', token: await issuer.token(orgId) });
  await expect
    .poll(async () => (await after.cycle('Foreign', [archive])).calls, { interval: 500 })
    .toEqual([...ask, 'POST upload 202']);
});

test('with our token endpoint: until its secret is replaced, and again until it is revoked', async () => {
  const { orgId, pool } = pipeline.database;
  const client = await createClient(pool, { orgId, clusterId: 'own' });
  const login = {
    type: 'service-account',
    tokenUrl: `${http.url}/oauth/token`,
    clientId: client.name,
    clientSecret: client.secret,
  } as const;
  const archive = await archiveOf('own');
  const first = await new Operator(http.url, 'own', login).cycle('Own', [archive, archive]);
  expect(first.stoppedBy).toBeUndefined();
  expect(first.calls).toEqual([
    'POST /oauth/token 200',
    ...ask,
    ...create,
    'POST upload 202',
    'POST upload 202',
  ]);
  expect(new Set(first.requestIds).size).toBe(1);
  expect(await resultOf(first.requestIds[0])).toMatchObject({ outcome: 'completed' });

  const form = new URLSearchParams({
    client_id: client.name,
    client_secret: client.secret,
    grant_type: 'client_credentials',
  });
  const issued = await fetch(login.tokenUrl, { method: 'POST', body: form });
  const { access_token: token } = (await issued.json()) as { access_token: string };
  const holder = new Operator(http.url, 'own', { type: 'bearer', token });
  expect((await holder.cycle('Own', [])).stoppedBy).toBeUndefined();
  const rotated = await rotateClient(pool, client.name);
  expect((await holder.cycle('Own', [])).stoppedBy).toContain('its secret was replaced');
  expect((await new Operator(http.url, 'own', login).cycle('Own', [])).calls).toEqual([
    'POST /oauth/token 401',
  ]);
  const renewed = new Operator(http.url, 'own', { ...login, clientSecret: rotated.secret });
  expect((await renewed.cycle('Own', [archive])).requestIds).toEqual([first.requestIds[0]]);

  await revokeCredential(pool, 'client', client.name);
  expect((await renewed.cycle('Own', [archive])).calls).toEqual(['POST /oauth/token 401']);
});

test('with basic: until it is revoked', async () => {
  const { orgId, pool } = pipeline.database;
  const client = await createClient(pool, { orgId, clusterId: 'basic' });
  const operator = new Operator(http.url, 'basic', {
    type: 'basic',
    user: client.name,
    password: client.secret,
  });
  const archive = await archiveOf('basic');
  const first = await operator.cycle('Basic', [archive, archive]);
  expect(first.calls).toEqual([...ask, ...create, 'POST upload 202', 'POST upload 202']);
  expect(new Set(first.requestIds).size).toBe(1);
  expect(await resultOf(first.requestIds[0])).toMatchObject({ outcome: 'completed' });
  await revokeCredential(pool, 'client', client.name);
  const second = await operator.cycle('Basic', [archive]);
  expect(second).toMatchObject({ calls: ['GET source_types 401'], requestIds: [] });
});

test('a pull secret is refused with a sentence that says what to set', async () => {
  const pullSecret = Buffer.from('openshift-release-dev:some-secret').toString('base64');
  const refused = await new Operator(http.url, 'pull', { type: 'token', pullSecret }).cycle('Pull', []);
  expect(refused.calls).toEqual(['GET source_types 401']);
  expect(refused.stoppedBy).toContain(
    "A cluster's pull secret (authentication type token) does not count here",
  );
  expect(refused.stoppedBy).toContain('service-account');
});

test('a name of another cluster is not taken', async () => {
  const { orgId } = pipeline.database;
  const token = await issuer.token(orgId);
  await new Operator(http.url, 'name-1', { type: 'bearer', token }).cycle('Same name', []);
  const second = await new Operator(http.url, 'name-2', { type: 'bearer', token }).cycle('Same name', []);
  expect(second.stoppedBy).toBe('the name belongs to another cluster');
  expect(await apiSource('name-2')).toEqual([]);
});
