import { SignJWT, UnsecuredJWT, exportSPKI } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { loadGoldenTables } from '../support/api-fixtures.ts';
import { serveHttp } from '../support/http-app.ts';
import type { TestHttp } from '../support/http-app.ts';
import { startIssuer } from '../support/issuer.ts';
import type { Issuer, TokenClaims } from '../support/issuer.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

const costs =
  '/api/cost-management/v1/reports/openshift/costs/?group_by[project]=*&start_date=2026-10-01&end_date=2026-10-03';
const audience = 'cost-management-reports';
const admin = { aud: audience, sub: 'ann', is_org_admin: true };
let pipeline: TestPipeline;
let issuer: Issuer;
let http: TestHttp;
let orgId: string;

const read = async (environment: Record<string, string>) =>
  serveHttp(
    pipeline,
    { OCP_NOW: '2026-11-23T12:00:00Z', OCP_MAX_FAILED_LOGINS: '1000', ...environment },
    { sources: true, read: { readPool: pipeline.database.pool } },
  );

beforeAll(async () => {
  pipeline = await createTestPipeline();
  issuer = await startIssuer();
  orgId = pipeline.database.orgId;
  await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await inTenantTransaction(pipeline.database.pool, pipeline.database.schema, (client) =>
    loadGoldenTables(client, 'small_cm'),
  );
  http = await read({ OIDC_ISSUER: issuer.url, OIDC_READ_AUDIENCES: audience });
});

async function get(token: string, { url } = http, path = costs): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, text: await response.text() };
}

const withClaims = async (claims: TokenClaims) => get(await issuer.token(orgId, { ...admin, ...claims }));

test('an administrator of the organisation reads everything', async () => {
  const { status, text } = await withClaims({});
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({
    meta: { total: { cost: { total: { value: expect.closeTo(5121.226584005376, 9) as number } } } },
  });
});

test('others read what the lists of the token name, and nothing beside it', async () => {
  const lists = { is_org_admin: false, openshift: { cluster: ['small-onprem'], project: 'Paris' } };
  const { status, text } = await withClaims(lists);
  expect(status).toBe(200);
  expect(text).toContain('Paris');
  expect(text).not.toContain('London');
  const token = await issuer.token(orgId, { ...admin, ...lists });
  expect(await get(token, http, `${costs}&filter[project]=London`)).toMatchObject({ status: 403 });
  const all = await withClaims({ is_org_admin: false, openshift: { cluster: ['*'] } });
  expect(all.text).toContain('London');
});

test.for([
  ['neither administrator nor lists', { is_org_admin: undefined }],
  ['no cluster', { is_org_admin: false, openshift: { project: ['Paris'] } }],
  ['lists of another form', { is_org_admin: false, openshift: ['small-onprem'] }],
  ['a word for a truth', { is_org_admin: 'yes' }],
  ['no organisation', { org_id: undefined }],
  ['an organisation that cannot be one', { org_id: 'x"; drop schema public' }],
] as const)('forbidden: %s', async ([, claims]) => {
  const { status, text } = await withClaims(claims);
  expect(status).toBe(403);
  expect(JSON.parse(text)).toMatchObject({ errors: [{ status: 403 }] });
});

test('a token of another organisation sees nothing of this one', async () => {
  const { status, text } = await get(await issuer.token('999', admin));
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ meta: { count: 0 }, data: [] });
});

test.for([
  ['expired', { exp: '1 minute ago' }],
  ['not yet valid', { nbf: '2 minutes' }],
  ['without an end', { exp: undefined }],
  ['of a sender: a cluster reads nothing', { aud: 'cost-management-operator' }],
  ['without an audience', { aud: undefined }],
  ['of another issuer by its name', { iss: 'https://issuer.example.com' }],
] as const)('401 without a body: %s', async ([, claims]) => {
  expect(await withClaims(claims)).toEqual({ status: 401, text: '' });
});

test('401 without a body: signed by somebody else, by nobody, or with what everybody knows', async () => {
  const other = await startIssuer();
  const forged = await other.token(orgId, { ...admin, iss: issuer.url });
  const claims = { org_id: orgId, is_org_admin: true, sub: 'ann' };
  const unsigned = new UnsecuredJWT(claims)
    .setIssuer(issuer.url)
    .setAudience(audience)
    .setExpirationTime('5m')
    .encode();
  const publicKey = new TextEncoder().encode(await exportSPKI(issuer.publicKey()));
  const symmetric = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'key-0' })
    .setIssuer(issuer.url)
    .setAudience(audience)
    .setExpirationTime('5m')
    .sign(publicKey);
  for (const token of [forged, unsigned, symmetric, 'a.b.c', ''])
    expect(await get(token), token).toEqual({ status: 401, text: '' });
});

test('where no audience of readers is configured, or no issuer, no JWT reads', async () => {
  const token = await issuer.token(orgId, { ...admin, aud: 'cost-management-ui' });
  for (const environment of [{ OIDC_ISSUER: issuer.url }, { OIDC_READ_AUDIENCES: audience }])
    expect(await get(token, await read(environment))).toEqual({ status: 401, text: '' });
});

test('an issuer that does not deliver its keys is 424, as any service that an answer depends on', async () => {
  const away = await startIssuer();
  away.fail(true);
  const served = await read({ OIDC_ISSUER: away.url, OIDC_READ_AUDIENCES: audience });
  const token = await away.token(orgId, admin);
  const { status, text } = await get(token, served);
  expect(status).toBe(424);
  expect(JSON.parse(text)).toMatchObject({
    errors: [{ status: 424, detail: expect.stringContaining('does not deliver its keys') as string }],
  });
  away.fail(false);
  expect((await get(token, served)).status).toBe(200);
});
