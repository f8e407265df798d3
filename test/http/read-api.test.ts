import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import { createApiToken, revokeApiToken } from '../../api/tokens.ts';
import { createToken } from '../../platform/tenants/credentials.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { loadGoldenTables } from '../support/api-fixtures.ts';
import { atEnd } from '../support/at-end.ts';
import { serveHttp } from '../support/http-app.ts';
import type { TestHttp } from '../support/http-app.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

const apiPrefix = '/api/cost-management/v1/';
const costs = `${apiPrefix}reports/openshift/costs/?group_by[project]=*&start_date=2026-10-01&end_date=2026-10-03`;
const contentTypes = {
  200: 'text/csv; charset=utf-8',
  400: 'application/json; charset=utf-8',
  401: null,
};
const nothing = { clusters: [], nodes: [], projects: [] };
let pipeline: TestPipeline;
let http: TestHttp;
let trusting: TestHttp;
let orgId: string;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  const { pool, schema } = pipeline.database;
  orgId = pipeline.database.orgId;
  await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await inTenantTransaction(pool, schema, (client) => loadGoldenTables(client, 'small_cm'));
  const environment = { OCP_NOW: '2026-11-23T12:00:00Z' };
  http = await serveHttp(pipeline, environment, { sources: true, read: { readPool: pool } });
  trusting = await serveHttp(
    pipeline,
    { ...environment, TRUST_IDENTITY_HEADER_FROM: '127.0.0.1' },
    { sources: true, read: { readPool: pool } },
  );
});

async function get(path: string, headers: Record<string, string> = {}, server = http) {
  const response = await fetch(`${server.url}${path}`, { headers });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: () => JSON.parse(text) as unknown,
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const identity = (admin: boolean) => ({
  'x-rh-identity': Buffer.from(
    JSON.stringify({
      identity: { org_id: orgId, type: 'User', user: { username: 'ann', email: 'a@b', is_org_admin: admin } },
      entitlements: { cost_management: { is_entitled: true } },
    }),
  ).toString('base64'),
});

test('a token reads the reports of its organisation, and only what it was created for', async () => {
  const { token } = await createApiToken(pipeline.database.pool, { orgId, ...nothing });
  const all = await get(costs, bearer(token));
  expect(all.status).toBe(200);
  expect(all.json()).toMatchObject({ meta: { total: { cost: { total: { value: 5121.226584005376 } } } } });
  expect(all.headers.get('cache-control')).toBe('private, no-cache');
  const some = await createApiToken(pipeline.database.pool, { orgId, ...nothing, projects: ['Paris'] });
  const restricted = await get(costs, bearer(some.token));
  expect(restricted.text).toContain('Paris');
  expect(restricted.text).not.toContain('London');
  expect((await get(`${costs}&filter[project]=London`, bearer(some.token))).status).toBe(403);
});

test('what has not changed is 304, CSV is text', async () => {
  const { token } = await createApiToken(pipeline.database.pool, { orgId, ...nothing });
  const first = await get(costs, bearer(token));
  const etag = first.headers.get('etag') ?? '';
  expect(await get(costs, { ...bearer(token), 'if-none-match': etag })).toMatchObject({
    status: 304,
    text: '',
  });
  const csv = await get(costs, { ...bearer(token), accept: 'text/csv' });
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(csv.text.split('\r\n')[0]).toContain('cost_total');
});

test('another prefix is that of answers, their links, the OpenAPI document and the page', async () => {
  const moved = await serveHttp(
    pipeline,
    { OCP_NOW: '2026-11-23T12:00:00Z', OCP_API_PREFIX: '/costs/v2/' },
    { sources: true, read: { readPool: pipeline.database.pool } },
  );
  const { token } = await createApiToken(pipeline.database.pool, { orgId, ...nothing });
  const found = await get(costs.replace(apiPrefix, '/costs/v2/') + '&limit=1', bearer(token), moved);
  const { links } = found.json() as { links: { next: string; last: string } };
  expect(links.last).toMatch(/^\/costs\/v2\/reports\/openshift\/costs\/\?/);
  expect((await get(links.next, bearer(token), moved)).json()).toMatchObject({
    data: [{ date: '2026-10-02' }],
  });
  const { paths } = (await get('/costs/v2/openapi.json', bearer(token), moved)).json() as { paths: object };
  for (const path of Object.keys(paths)) expect(path).toMatch(/^\/costs\/v2\/\w/);
  expect((await get('/page/', {}, moved)).text).toContain('<meta name="read-api" content="../costs/v2/" />');
  expect((await get(costs, bearer(token), moved)).status).toBe(404);
});

test('the page may load its own and nothing else; answers are taken for what they say they are', async () => {
  const page = await get('/page/');
  const script = await get(`/page/${/assets\/[^"]+\.js/.exec(page.text)?.[0] ?? ''}`);
  for (const { status, headers } of [page, script]) {
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    });
  }
  const { token } = await createApiToken(pipeline.database.pool, { orgId, ...nothing });
  const asked = [
    [costs, { ...bearer(token), accept: 'text/csv' }, 200],
    [`${costs}&filter[pod]=<script>`, bearer(token), 400],
    [costs, {}, 401],
  ] as const;
  for (const [path, headers, status] of asked) {
    const answer = await get(path, { ...headers, origin: 'https://elsewhere.example.com' });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('content-type')).toBe(contentTypes[status]);
    expect(answer.headers.get('cache-control')).toBe('private, no-cache');
    expect(answer.headers.get('vary')).toContain('Authorization');
    // No other origin reads it.
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('no, wrong, expired, revoked and foreign credentials are 401 without a body', async () => {
  const { pool } = pipeline.database;
  const revoked = await createApiToken(pool, { orgId, ...nothing });
  await revokeApiToken(pool, revoked.name);
  const expired = await createApiToken(pool, { orgId, ...nothing, lifetimeSeconds: 60 });
  expect((await get(costs, bearer(expired.token))).status).toBe(200);
  await pool.query(`update public.api_token set expires_at = now() - interval '1 second' where name = $1`, [
    expired.name,
  ]);
  const upload = await createToken(pool, { orgId });
  const tokens = ['ocpr_x', expired.token, revoked.token, upload.secret];
  for (const headers of [{}, ...tokens.map(bearer), identity(true)])
    expect(await get(costs, headers as Record<string, string>)).toMatchObject({ status: 401, text: '' });
});

test('a token of another organisation sees nothing of this one', async () => {
  const { token } = await createApiToken(pipeline.database.pool, { orgId: '999', ...nothing });
  const found = await get(costs, bearer(token));
  expect(found.status).toBe(200);
  expect(found.json()).toMatchObject({ meta: { count: 0 }, data: [] });
});

test('an identity header counts from a trusted connection only, and not beside credentials', async () => {
  expect((await get(costs, identity(true), trusting)).status).toBe(200);
  expect((await get(costs, identity(false), trusting)).status).toBe(403);
  expect((await get(costs, { ...identity(true), ...bearer('ocpr_x') }, trusting)).status).toBe(400);
});

test('others than administrators read what the access service grants; without its answer they get 424', async () => {
  const granted = (type: string, value: string) => ({
    permission: `cost-management:openshift.${type}:read`,
    resourceDefinitions: [{ attributeFilter: { operation: 'equal', value } }],
  });
  let isAway = true;
  const service = createServer((_request, response) => {
    const data = [granted('cluster', 'small-onprem'), granted('project', 'Paris')];
    response
      .writeHead(isAway ? 503 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ data }));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  atEnd(() => service.close());
  const served = await serveHttp(
    pipeline,
    {
      OCP_NOW: '2026-11-23T12:00:00Z',
      TRUST_IDENTITY_HEADER_FROM: '127.0.0.1',
      RBAC_URL: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    },
    { sources: true, read: { readPool: pipeline.database.pool } },
  );
  const away = await get(costs, identity(false), served);
  expect(away.status).toBe(424);
  expect(away.json()).toMatchObject({ errors: [{ status: 424 }] });
  expect((await get(costs, identity(true), served)).status).toBe(200);
  isAway = false;
  const found = await get(costs, identity(false), served);
  expect(found.status).toBe(200);
  expect(found.text).toContain('Paris');
  expect(found.text).not.toContain('London');
  expect((await get(`${costs}&filter[project]=London`, identity(false), served)).status).toBe(403);
});

test('the status names blocked runs from Temporal; unknown paths and bad parameters are told as Koku does', async () => {
  const { token } = await createApiToken(pipeline.database.pool, { orgId, ...nothing });
  const status = await get('/api/cost-management/v1/status/', bearer(token));
  expect(status.json()).toMatchObject({ data: { blocked_runs: [], blocked_runs_reason: null } });
  expect((await get('/api/cost-management/v1/reports/aws/costs/', bearer(token))).status).toBe(404);
  const bad = await get(`${costs}&filter[pod]=a`, bearer(token));
  expect(bad).toMatchObject({ status: 400 });
  expect(bad.json()).toEqual({ filter: { pod: ['Unsupported parameter or invalid value'] } });
  const openApi = await get('/api/cost-management/v1/openapi.json', bearer(token));
  expect(openApi.json()).toMatchObject({ openapi: '3.1.0' });
});
