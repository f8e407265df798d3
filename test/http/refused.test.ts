import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { exportSPKI } from 'jose';
import { SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClient, createToken } from '../../platform/tenants/credentials.ts';
import { anotherManifest, createArchiveFolder, readPayload } from '../support/archives.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { archiveForm, serveHttp, upload } from '../support/http-app.ts';
import type { TestHttp } from '../support/http-app.ts';
import { startIssuer } from '../support/issuer.ts';
import type { Issuer } from '../support/issuer.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

let pipeline: TestPipeline;
let database: TestDatabase;
let issuer: Issuer;
/** accepts the identity header from nowhere */
let http: TestHttp;
/** accepts the identity header from this machine */
let gateway: TestHttp;
let archive: Buffer;
/** valid: what is refused is refused for the other reason */
let bearer: Record<string, string>;
let kept: unknown;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  ({ database } = pipeline);
  issuer = await startIssuer();
  // Tests of other limits log in wrongly more often than senders do.
  const environment = { OIDC_ISSUER: issuer.url, OCP_MAX_FAILED_LOGINS: '1000', OCP_MAX_UPLOAD_MB: '1' };
  http = await serveHttp(pipeline, { ...environment, OCP_UPLOAD_STALL: '300ms', OCP_UPLOAD_TIMEOUT: '2s' });
  gateway = await serveHttp(pipeline, { ...environment, TRUST_IDENTITY_HEADER_FROM: '127.0.0.0/8' });
  const folder = await createArchiveFolder();
  const payload = anotherManifest(await readPayload('nise-small'), { cluster_id: 'theirs' });
  archive = await readFile(await folder.pack(payload));
  const token = await createToken(database.pool, { orgId: database.orgId });
  bearer = { authorization: `Bearer ${token.secret}` };
});

/** Everything that an upload or a registration would leave. */
async function everythingKept(): Promise<unknown> {
  const keys: string[] = [];
  for await (const { key } of pipeline.objectStore.list('')) keys.push(key);
  const { rows } = await database.pool.query(
    `select (select count(*) from public.payload_inbox) as payloads,
            (select count(*) from public.api_provider) as providers,
            (select count(*) from public.api_customer) as organisations,
            (select count(*) from public.api_sources) as sources`,
  );
  return { keys, rows };
}

beforeEach(async () => {
  kept = await everythingKept();
});

async function expectRefused(answer: Response, status: number, sentence: string): Promise<void> {
  const body = (await answer.json()) as { errors: { status: number; detail: string }[] };
  expect({ status: answer.status, detail: body.errors[0]?.detail }).toEqual({
    status,
    detail: expect.stringContaining(sentence) as string,
  });
  expect(await everythingKept()).toEqual(kept);
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const identity = (orgId: string) => ({
  'x-rh-identity': Buffer.from(JSON.stringify({ identity: { org_id: orgId } })).toString('base64'),
});

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

describe('a sender acts for its own only:', () => {
  test('an archive of another cluster', async () => {
    const { orgId, pool } = database;
    const client = await createClient(pool, { orgId, clusterId: 'ours' });
    const answer = await upload(http.url, basic(client.name, client.secret), archiveForm(archive));
    await expectRefused(answer, 403, 'the archive is of cluster theirs');
  });

  test('an organisation sees and registers nothing of another', async () => {
    const taken = await pipeline.addSource('of-the-first-org');
    kept = await everythingKept();
    const other = { authorization: `Bearer ${await issuer.token('other')}` };
    const api = `${http.url}/api/cost-management/v1/sources`;
    const listed = await fetch(`${api}?filter[source_ref]=of-the-first-org`, { headers: other });
    expect(await listed.json()).toMatchObject({ meta: { count: 0 }, data: [] });
    const named = await fetch(`${api}?filter[org_id]=${database.orgId}`, { headers: other });
    await expectRefused(named, 403, 'for organisation other only');
    const post = (body: object) =>
      fetch(api, {
        method: 'POST',
        headers: { ...other, 'content-type': 'application/json' },
        body: JSON.stringify({ source_type_id: '1', name: 'mine now', ...body }),
      });
    await expectRefused(
      await post({ source_ref: 'x', org_id: database.orgId }),
      403,
      'organisation other only',
    );
    await expectRefused(await post({ source_ref: 'of-the-first-org' }), 400, 'another organisation');
    const { rows } = await database.pool.query<{ source_id: number }>(
      'select source_id from public.api_sources where provider_id = $1',
      [taken],
    );
    const application = await fetch(api.replace('sources', 'applications'), {
      method: 'POST',
      headers: { ...other, 'content-type': 'application/json' },
      body: JSON.stringify({ source_id: String(rows[0]?.source_id), application_type_id: '0' }),
    });
    await expectRefused(application, 400, 'there is no source');
  });

  test('a cluster asks and registers nothing of another', async () => {
    await pipeline.addSource('neighbour', 'Neighbour');
    kept = await everythingKept();
    const { orgId, pool } = database;
    const client = await createClient(pool, { orgId, clusterId: 'ours' });
    const headers = { ...basic(client.name, client.secret), 'content-type': 'application/json' };
    const api = `${http.url}/api/cost-management/v1/sources`;
    const asked = await fetch(`${api}?filter[source_ref]=neighbour`, { headers });
    await expectRefused(asked, 403, 'for cluster ours only');
    expect(await (await fetch(api, { headers })).json()).toMatchObject({ data: [] });
    const body = JSON.stringify({ source_type_id: '1', name: 'x', source_ref: 'neighbour' });
    const posted = await fetch(api, { method: 'POST', headers, body });
    await expectRefused(posted, 403, 'for cluster ours only');
  });
});

describe('a body', () => {
  const tooLarge = () => Buffer.alloc(1_000_001, 1);

  test('that is too large, whether it says so before or not', async () => {
    await expectRefused(await upload(http.url, bearer, archiveForm(tooLarge())), 413, 'larger than');
    const form = new Response(archiveForm(tooLarge()));
    const chunked = await fetch(`${http.url}/api/ingress/v1/upload`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': form.headers.get('content-type') ?? '' },
      body: form.body,
      duplex: 'half',
    });
    await expectRefused(chunked, 413, 'larger than');
  });

  test.each([
    ['that pauses', 0, 'too slowly'],
    ['that drips', 1, 'too slowly'],
  ])('%s', async (_name, dripEvery, sentence) => {
    const boundary = 'b';
    const head =
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.tar.gz"\r\n` +
      'content-type: application/vnd.redhat.hccm.tar+tgz\r\n\r\n';
    const answer = await new Promise<Response>((resolve, reject) => {
      const sending = request(
        `${http.url}/api/ingress/v1/upload`,
        {
          method: 'POST',
          headers: { ...bearer, 'content-type': `multipart/form-data; boundary=${boundary}` },
        },
        (received) => {
          const chunks: Buffer[] = [];
          received.on('data', (chunk: Buffer) => chunks.push(chunk));
          received.on('end', () => {
            clearInterval(dripping);
            sending.destroy();
            resolve(new Response(Buffer.concat(chunks), { status: received.statusCode ?? 0 }));
          });
        },
      );
      sending.on('error', reject);
      sending.write(head);
      const dripping = dripEvery === 0 ? undefined : setInterval(() => sending.write('x'), 100);
    });
    await expectRefused(answer, 408, sentence);
  });

  test.each([
    ['of another service', { type: 'application/vnd.redhat.advisor.payload+tgz' }, 415, 'vnd.redhat.hccm'],
    ['of another type', { type: 'application/gzip' }, 415, 'vnd.redhat.hccm'],
    ['with a path in the file name', { name: '../../etc/passwd' }, 400, 'contains a path'],
    ['with a Windows path in the file name', { name: 'C:\\a.tar.gz' }, 400, 'contains a path'],
    ['in another field', { field: 'archive' }, 400, 'named file or upload, found "archive"'],
  ])('%s', async (_name, part, status, sentence) => {
    await expectRefused(await upload(http.url, bearer, archiveForm(archive, part)), status, sentence);
  });

  test('with two archives', async () => {
    const form = archiveForm(archive);
    const type = 'application/vnd.redhat.hccm.tar+tgz';
    form.append('file', new Blob([new Uint8Array(archive)], { type }), 'second.tar.gz');
    await expectRefused(await upload(http.url, bearer, form), 400, 'another one named "file"');
  });

  test('without an archive', async () => {
    const form = new FormData();
    form.append('metadata', '{}');
    await expectRefused(await upload(http.url, bearer, form), 400, 'a part named file or upload');
    const json = { ...bearer, 'content-type': 'application/json' };
    await expectRefused(await upload(http.url, json, '{}'), 415, 'multipart/form-data');
    await expectRefused(await upload(http.url, json, '{'), 400, 'JSON');
    const multipart = { ...bearer, 'content-type': 'multipart/form-data; boundary=x' };
    await expectRefused(await upload(http.url, multipart, 'no multipart at all'), 400, '');
    const unnamed = { ...bearer, 'content-type': 'multipart/form-data' };
    await expectRefused(await upload(http.url, unnamed, 'no boundary'), 400, '');
  });

  test('that ends early', async () => {
    const boundary = 'b';
    const body =
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.tar.gz"\r\n` +
      'content-type: application/vnd.redhat.hccm.tar+tgz\r\n\r\nhalf an archive';
    const headers = { ...bearer, 'content-type': `multipart/form-data; boundary=${boundary}` };
    await expectRefused(await upload(http.url, headers, body), 400, '');
  });

  test('with metadata before and after the archive is accepted', async () => {
    const form = new FormData();
    form.append('metadata', '{"a": 1}');
    for (const [name, value] of archiveForm(archive)) form.append(name, value);
    form.append('metadata', '{}');
    expect((await upload(http.url, bearer, form)).status).toBe(202);
  });
});

test('the connection test needs a login and keeps nothing', async () => {
  const json = { 'content-type': 'application/json' };
  const test = '{"test":"test"}';
  await expectRefused(await upload(http.url, json, test), 401, 'no credentials');
  expect((await upload(http.url, { ...bearer, ...json }, test)).status).toBe(200);
  const form = { ...bearer, 'content-type': 'application/x-www-form-urlencoded' };
  expect((await upload(http.url, form, 'test=test')).status).toBe(200);
  expect(await everythingKept()).toEqual(kept);
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
