import { exportSPKI } from 'jose';
import { SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClient, createToken } from '../../platform/tenants/credentials.ts';
import { createTestDatabase } from '../support/database.ts';
import { archiveForm, serveHttp, upload } from '../support/http-app.ts';
import { startIssuer } from '../support/issuer.ts';
import { basic, createRefusals, expectRefused, identity, noteWhatIsKept } from './refusals.ts';
import type { Refusals } from './refusals.ts';

let pipeline: Refusals['pipeline'];
let database: Refusals['database'];
let issuer: Refusals['issuer'];
let http: Refusals['http'];
let gateway: Refusals['gateway'];
let archive: Refusals['archive'];
let bearer: Refusals['bearer'];
beforeAll(async () => {
  ({ pipeline, database, issuer, http, gateway, archive, bearer } = await createRefusals());
});
beforeEach(noteWhatIsKept);

describe('a login that is', () => {
  const send = (headers: Record<string, string>) => upload(http.url, headers, archiveForm(archive));

  test('missing', async () => {
    await expectRefused(await send({}), 401, 'no credentials');
  });

  test('wrong', async () => {
    const { orgId, pool } = database;
    const client = await createClient(pool, { orgId, clusterId: 'theirs' });
    await expectRefused(await send(basic(client.name, `${client.secret}x`)), 401, 'is wrong');
    await expectRefused(await send(basic('nobody\0', client.secret)), 401, 'is wrong');
    const { authorization = '' } = bearer;
    await expectRefused(await send({ authorization: `${authorization.slice(0, -1)}!` }), 401, 'is wrong');
    await expectRefused(await send({ authorization: 'Digest x' }), 401, 'expected Authorization');
  });

  test('a client secret that is wrong at the token endpoint', async () => {
    const { orgId, pool } = database;
    const { name } = await createClient(pool, { orgId, clusterId: 'theirs' });
    const body = (secret: string, grant = 'client_credentials') =>
      new URLSearchParams({ client_id: name, client_secret: secret, grant_type: grant });
    const ask = (form: URLSearchParams) => fetch(`${http.url}/oauth/token`, { method: 'POST', body: form });
    await expectRefused(await ask(body('guess')), 401, 'is wrong');
    await expectRefused(await ask(body('guess', 'password')), 400, 'expected client_credentials');
  });

  test.each([
    ['expired', () => ({ exp: '1 minute ago' }), 'has expired'],
    ['not yet valid', () => ({ nbf: '2 minutes' }), '"nbf"'],
    ['of another audience', () => ({ aud: 'another-service' }), '"aud"'],
    ['without an end', () => ({ exp: undefined }), '"exp"'],
  ])('%s', async (_name, claims, sentence) => {
    const token = await issuer.token(database.orgId, claims());
    await expectRefused(await send({ authorization: `Bearer ${token}` }), 401, sentence);
  });

  test('of another issuer, even if it calls itself ours', async () => {
    const other = await startIssuer();
    const own = await other.token(database.orgId);
    await expectRefused(await send({ authorization: `Bearer ${own}` }), 401, 'signature');
    const unclaimed = await issuer.token(database.orgId, { iss: other.url });
    await expectRefused(await send({ authorization: `Bearer ${unclaimed}` }), 401, '"iss"');
    const forged = await other.token(database.orgId, { iss: issuer.url });
    await expectRefused(await send({ authorization: `Bearer ${forged}` }), 401, 'signature');
  });

  test('unsigned (alg none)', async () => {
    const token = new UnsecuredJWT({ org_id: database.orgId })
      .setIssuer(issuer.url)
      .setAudience('cost-management-operator')
      .setExpirationTime('5m')
      .encode();
    await expectRefused(await send({ authorization: `Bearer ${token}` }), 401, 'not valid');
  });

  test('signed by HS256 with the public key of the issuer, or with a key of nobody', async () => {
    const key = new TextEncoder().encode(await exportSPKI(issuer.publicKey()));
    const sign = (iss: string, secret: Uint8Array, kid: string) =>
      new SignJWT({ org_id: database.orgId, ver: 1, sub: 'x' })
        .setProtectedHeader({ alg: 'HS256', kid })
        .setIssuer(iss)
        .setAudience(iss === 'ocp-pipeline' ? iss : 'cost-management-operator')
        .setExpirationTime('5m')
        .sign(secret);
    for (const token of [
      await sign(issuer.url, key, 'key-0'),
      await sign('ocp-pipeline', key, 'key-0'),
      await sign('ocp-pipeline', new Uint8Array(32), '00000000-0000-4000-8000-000000000000'),
      await sign('ocp-pipeline', new Uint8Array(32), 'a\0b'),
    ])
      await expectRefused(await send({ authorization: `Bearer ${token}` }), 401, 'not valid');
  });

  test('of an organisation that cannot be one', async () => {
    for (const claims of [{ org_id: undefined }, { org_id: 'x"; drop schema public' }, { org_id: '' }]) {
      const token = await issuer.token(database.orgId, claims);
      await expectRefused(await send({ authorization: `Bearer ${token}` }), 403, 'names no organisation');
    }
  });

  test('an identity header from an untrusted address, or beside credentials', async () => {
    const from = await send(identity(database.orgId));
    await expectRefused(from, 401, 'does not count from this address');
    const both = await upload(gateway.url, { ...identity(database.orgId), ...bearer }, archiveForm(archive));
    await expectRefused(both, 400, 'send one of them');
    const forwarded = { ...identity(database.orgId), 'x-forwarded-for': '127.0.0.1' };
    await expectRefused(await send(forwarded), 401, 'does not count from this address');
  });

  test('an identity header that names nobody', async () => {
    for (const header of ['', 'not base64 of JSON', Buffer.from('{"identity":{}}').toString('base64')]) {
      const answer = await upload(gateway.url, { 'x-rh-identity': header }, archiveForm(archive));
      await expectRefused(answer, 401, 'expected base64 of JSON');
    }
  });

  test('Basic in the clear', async () => {
    const { orgId, pool } = database;
    const client = await createClient(pool, { orgId, clusterId: 'theirs' });
    const proxied = await serveHttp(pipeline, { TRUST_PROXY_FROM: '127.0.0.0/8' });
    const send = (headers: Record<string, string>) =>
      fetch(`${proxied.url}/api/ingress/v1/version`, {
        headers: { ...basic(client.name, client.secret), 'x-forwarded-for': '192.0.2.7', ...headers },
      });
    await expectRefused(await send({}), 403, 'Basic sends the secret in the clear');
    expect((await send({ 'x-forwarded-proto': 'https' })).status).toBe(200);
  });
});

test('without any setting nobody gets in', async () => {
  const { pool, url } = await createTestDatabase();
  const closed = await serveHttp({ ...pipeline, database: { ...database, pool, url } });
  const token = await issuer.token(database.orgId);
  for (const headers of [
    {},
    bearer,
    identity(database.orgId),
    basic('admin', 'admin'),
    { authorization: `Bearer ${token}` },
  ])
    expect((await upload(closed.url, headers, archiveForm(archive))).status).toBe(401);
});

test('the identity header of a gateway acts for its organisation', async () => {
  const answer = await upload(gateway.url, identity(database.orgId), archiveForm(archive));
  expect(answer.status).toBe(202);
  expect(await answer.json()).toMatchObject({ upload: { account_number: '', org_id: database.orgId } });
});

test('failed logins block their address, but not a proxy', async () => {
  const limited = await serveHttp(pipeline, { OCP_MAX_FAILED_LOGINS: '2', TRUST_PROXY_FROM: '127.0.0.1' });
  const ask = (from: string | undefined, headers: Record<string, string>) =>
    fetch(`${limited.url}/api/ingress/v1/version`, {
      headers: { ...headers, ...(from === undefined ? {} : { 'x-forwarded-for': from }) },
    });
  const wrong = { authorization: 'Bearer ocpt_wrong' };
  const statuses: number[] = [];
  for (const headers of [wrong, wrong, wrong, bearer])
    statuses.push((await ask('192.0.2.1', headers)).status);
  expect(statuses).toEqual([401, 401, 429, 429]);
  expect((await ask('192.0.2.2', bearer)).status).toBe(200);
  for (const headers of [wrong, wrong, wrong]) expect((await ask(undefined, headers)).status).toBe(401);
  expect((await ask(undefined, bearer)).status).toBe(200);
});

test('a sender has a limit of its own', async () => {
  const limited = await serveHttp(pipeline, { OCP_MAX_REQUESTS: '2' });
  const other = await createToken(database.pool, { orgId: database.orgId });
  const ask = (authorization: string | undefined) =>
    fetch(`${limited.url}/api/ingress/v1/version`, { headers: { authorization: authorization ?? '' } });
  const statuses: number[] = [];
  for (let count = 0; count < 3; count += 1) statuses.push((await ask(bearer['authorization'])).status);
  expect(statuses).toEqual([200, 200, 429]);
  expect((await ask(`Bearer ${other.secret}`)).status).toBe(200);
});

test('while the issuer does not deliver its keys a token is not refused but postponed', async () => {
  const away = await startIssuer();
  const closed = await serveHttp(pipeline, { OIDC_ISSUER: away.url });
  away.fail(true);
  const send = async () => {
    const authorization = `Bearer ${await away.token(database.orgId)}`;
    return fetch(`${closed.url}/api/ingress/v1/version`, { headers: { authorization } });
  };
  await expectRefused(await send(), 503, 'does not deliver its keys');
  away.fail(false);
  expect((await send()).status).toBe(200);
});
