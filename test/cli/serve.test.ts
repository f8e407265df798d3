import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { payloadPath } from '../support/fixtures.ts';
import { archiveForm, upload } from '../support/http-app.ts';
import { startServe } from '../support/serve-process.ts';
import type { ServeProcess } from '../support/serve-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const cluster = 'my-ocp-cluster-small';
let cli: CommandLine;
let archive: Buffer;
let settings: Record<string, string>;

beforeAll(async () => {
  cli = await createCommandLine();
  settings = { ...cli.environment, OCP_HTTP_ADDRESS: '127.0.0.1:0' };
  archive = await readFile(payloadPath('nise-small'));
});

const basic = (name: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
});
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** What a command prints with --json, once it has succeeded. */
async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await cli.run([...args, '--json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

interface Issued {
  name: string;
  secret: string;
}

async function inbox(): Promise<number> {
  const { rowCount } = await cli.database.pool.query('select from public.payload_inbox');
  return rowCount ?? 0;
}

/** Objects that are being written. */
async function beingWritten(): Promise<number> {
  const store = fileURLToPath(settings['OBJECT_STORE'] ?? '');
  return (await readdir(join(store, '.incoming')).catch(() => [])).length;
}

/** An upload of which the first half has arrived. */
async function halfUpload(
  { port }: ServeProcess,
  headers: Record<string, string>,
): Promise<{ sending: ClientRequest; rest: Buffer; answer: Promise<IncomingMessage> }> {
  const form = new Response(archiveForm(archive));
  const body = Buffer.from(await form.arrayBuffer());
  const sending = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/api/ingress/v1/upload',
    headers: {
      ...headers,
      'content-type': form.headers.get('content-type') ?? '',
      'content-length': body.length,
    },
  });
  const answer = once(sending, 'response').then(([message]) => message as IncomingMessage);
  // It may break after the test has seen what it wanted.
  answer.catch(() => undefined);
  const half = Math.floor(body.length / 2);
  const before = await beingWritten();
  sending.write(body.subarray(0, half));
  await waitUntil(async () => (await beingWritten()) > before);
  return { sending, rest: body.subarray(half), answer };
}

describe('a client that is made, replaced and revoked at the command line', () => {
  test('uploads, and is refused as soon as it is no more', async () => {
    const { orgId } = cli.database;
    const { serving, metrics } = await startOnFreePorts([0], async ([port = 0]) => ({
      metrics: port,
      serving: await startServe({ ...settings, OCP_METRICS_ADDRESS: `127.0.0.1:${port}` }),
    }));
    expect((await fetch(`${serving.url}/readyz`)).status).toBe(200);
    const send = async (headers: Record<string, string>) =>
      (await upload(serving.url, headers, archiveForm(archive))).status;
    const created = await json<Issued>('source', 'client', 'create', '--org', orgId, '--cluster', cluster);
    expect(await send(basic(created.name, created.secret))).toBe(202);
    const rotated = await json<Issued>('source', 'client', 'rotate', created.name);
    expect(rotated).toMatchObject({ name: created.name });
    expect(await send(basic(created.name, created.secret))).toBe(401);
    expect(await send(basic(created.name, rotated.secret))).toBe(202);
    const { stdout: listed } = await cli.run(['source', 'client', 'list', '--org', orgId]);
    expect(listed).toContain(created.name);
    expect(listed).not.toContain(rotated.secret);
    await json('source', 'client', 'revoke', created.name);
    expect(await send(basic(created.name, rotated.secret))).toBe(401);

    const token = await json<Issued>('source', 'token', 'create', '--org', orgId, '--days', '1');
    expect(await send(bearer(token.secret))).toBe(202);
    await json('source', 'token', 'revoke', token.name);
    expect(await send(bearer(token.secret))).toBe(401);
    expect(await inbox()).toBe(1);

    const counted = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    const count = (outcome: string) =>
      Number(
        new RegExp(
          `^ocp_postgres_payloads_received_total\\{.*outcome="${outcome}".*way="upload".*\\} (\\d+)`,
          'm',
        ).exec(counted)?.[1],
      );
    expect({ accepted: count('accepted'), known: count('known') }).toEqual({ accepted: 1, known: 2 });

    // No secret is written anywhere but on the terminal; every decision is.
    const log = serving.output();
    for (const secret of [created.secret, rotated.secret, token.secret]) expect(log).not.toContain(secret);
    expect(log.match(/"audit":true/g)).toHaveLength(6);
    serving.signal('SIGTERM');
    expect(await serving.ended).toBe(0);
  });

  test('of an unknown name is an error that says so, and bad ids are refused', async () => {
    const { orgId } = cli.database;
    for (const [args, sentence] of [
      [['source', 'client', 'rotate', 'ocp-nobody'], 'ocp-nobody'],
      [['source', 'client', 'revoke', 'ocp-nobody'], 'ocp-nobody'],
      [['source', 'token', 'revoke', 'nothing'], 'nothing'],
      [['source', 'client', 'create', '--org', 'a b', '--cluster', 'c'], 'organisation'],
      [['source', 'client', 'create', '--org', orgId], 'cluster'],
      [
        ['source', 'token', 'create', '--org', orgId, '--days', '0'],
        '--days: expected a whole number from 1 to 36500',
      ],
    ] as const) {
      const { code, stdout, stderr } = await cli.run(args);
      expect(code, args.join(' ')).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toContain(sentence);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
});

describe('at SIGTERM', () => {
  let headers: Record<string, string>;
  let lastCount: number;
  beforeAll(async () => {
    const { orgId } = cli.database;
    headers = bearer((await json<Issued>('source', 'token', 'create', '--org', orgId)).secret);
    lastCount = await inbox();
  });

  test('an upload under way is taken to its end, nothing further is, and the exit code is 0', async () => {
    const serving = await startServe(settings);
    const { sending, rest, answer } = await halfUpload(serving, headers);
    serving.signal('SIGTERM');
    await serving.hasSaid('no further uploads are accepted');
    await waitUntil(() =>
      fetch(`${serving.url}/healthz`).then(
        ({ status }) => status === 503,
        () => true,
      ),
    );
    expect(serving.hasEnded()).toBe(false);
    sending.end(rest);
    const message = await answer;
    expect(message.statusCode).toBe(202);
    await text(message);
    expect(await serving.ended).toBe(0);
    expect(await inbox()).toBe(Math.max(1, lastCount));
  });

  test('an upload that pauses is given up, and the exit code is 0 all the same', async () => {
    // Long enough to be seen before it is given up.
    const serving = await startServe({ ...settings, OCP_UPLOAD_STALL: '3s' });
    const { answer } = await halfUpload(serving, headers);
    serving.signal('SIGTERM');
    expect((await answer).statusCode).toBe(408);
    expect(await serving.ended).toBe(0);
  });

  test('a second one ends it at once', async () => {
    const serving = await startServe(settings);
    const { sending } = await halfUpload(serving, headers);
    sending.on('error', () => undefined);
    const before = await inbox();
    serving.signal('SIGTERM');
    await serving.hasSaid('no further uploads are accepted');
    serving.signal('SIGTERM');
    expect(await serving.ended).toBe(130);
    expect(await inbox()).toBe(before);
  });
});

test("it starts with Koku's names alone", async () => {
  const { hostname, port, pathname, username, password } = new URL(settings['DATABASE_URL'] ?? '');
  const serving = await startServe({
    ...settings,
    DATABASE_URL: '',
    OBJECT_STORE: '',
    DATABASE_SERVICE_HOST: hostname,
    DATABASE_SERVICE_PORT: port,
    DATABASE_NAME: pathname.slice(1),
    DATABASE_USER: decodeURIComponent(username),
    DATABASE_PASSWORD: decodeURIComponent(password),
    REQUESTED_BUCKET: 'koku-bucket',
    // A store that is away is not a reason to end: uploads are refused until it answers.
    S3_ENDPOINT: 'http://127.0.0.1:1',
  });
  expect((await fetch(`${serving.url}/healthz`)).status).toBe(200);
  serving.signal('SIGTERM');
  expect(await serving.ended).toBe(0);
});

describe('it does not start', () => {
  test.each([
    ['without a database', { DATABASE_URL: '' }, 'DATABASE_URL: not set'],
    ['without an object store', { OBJECT_STORE: '' }, 'OBJECT_STORE: not set'],
    ['without Temporal', { TEMPORAL_ADDRESS: '' }, 'TEMPORAL_ADDRESS: not set'],
    [
      'without anything',
      { DATABASE_URL: '', OBJECT_STORE: ' ', TEMPORAL_ADDRESS: '' },
      'DATABASE_URL, OBJECT_STORE, TEMPORAL_ADDRESS: not set; ocp-pipeline dev prints',
    ],
    ['with an address that is none', { OCP_HTTP_ADDRESS: '8000' }, 'OCP_HTTP_ADDRESS: expected host:port'],
    [
      'with an address of another machine',
      { OCP_HTTP_ADDRESS: '192.0.2.1:8000' },
      'expected an address of this',
    ],
    [
      'with a network that is none',
      { TRUST_PROXY_FROM: '10.0.0.0/99' },
      'TRUST_PROXY_FROM: expected IP addresses',
    ],
    ['with an issuer that is none', { OIDC_ISSUER: 'sso' }, 'OIDC_ISSUER: expected http'],
    ['with a prefix that is none', { OCP_API_PREFIX: '/costs' }, 'OCP_API_PREFIX: expected a path with'],
  ])('%s', async (_what, environment, sentence) => {
    const { code, stderr } = await cli.run(['serve'], { ...settings, ...environment });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  test.each([
    ['--no-uploads', '--no-uploads: nothing is left to serve; add --api'],
    [
      '--no-uploads --api --sources',
      '--no-uploads: the Sources API is for those who upload; remove --sources',
    ],
  ])('with %s', async (words, sentence) => {
    const { code, stderr } = await cli.run(['serve', ...words.split(' ')], settings);
    expect(stderr).toContain(sentence);
    expect(code).toBe(1);
  });

  test('for readers alone without a database', async () => {
    const { code, stderr } = await cli.run(['serve', '--api', '--no-uploads'], { DATABASE_URL: '' });
    expect(stderr).toContain('DATABASE_URL: not set');
    expect(code).toBe(1);
  });

  test('at a port that another process has', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await cli.run(['serve'], { OCP_HTTP_ADDRESS: address });
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`OCP_HTTP_ADDRESS: cannot listen on "${address}"`);
    expect(stderr).toContain('with a free port');
  });
});

test('--no-uploads serves readers alone, and needs neither an object store nor Temporal', async () => {
  const { orgId, pool, url: databaseUrl } = cli.database;
  const log = { info: () => undefined };
  await registerSource({ pool, databaseUrl, log }, { orgId, clusterId: cluster, name: cluster });
  const { token } = await json<{ token: string }>('api', 'token', 'create', '--org', orgId);
  const { secret } = await json<Issued>('source', 'token', 'create', '--org', orgId);
  const { DATABASE_URL = '', OCP_HTTP_ADDRESS = '' } = settings;
  const serving = await startServe({ DATABASE_URL, OCP_HTTP_ADDRESS }, ['--api', '--no-uploads']);
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${serving.url}${path}`, { headers });
  const ready = await get('/readyz');
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ status: 'ok', checks: [{ what: 'database' }] });
  expect(await (await get('/page/')).text()).toContain('<title>OpenShift costs</title>');
  const status = await get('/api/cost-management/v1/status/', bearer(token));
  expect(await status.json()).toMatchObject({
    data: { blocked_runs: null, blocked_runs_reason: 'Temporal is not configured' },
  });
  // Nothing that senders use is there, nor described.
  const { paths, components } = (await (await get('/openapi.json')).json()) as Record<string, object>;
  expect(Object.keys(paths ?? {}).sort()).toEqual(['/healthz', '/readyz']);
  expect(components).not.toHaveProperty('securitySchemes');
  expect((await upload(serving.url, bearer(secret), archiveForm(archive))).status).toBe(404);
  expect((await fetch(`${serving.url}/oauth/token`, { method: 'POST' })).status).toBe(404);
  expect((await get('/api/cost-management/v1/sources', bearer(token))).status).toBe(404);
  serving.signal('SIGTERM');
  expect(await serving.ended).toBe(0);
});

test('--help names the options, and --no-sources leaves the Sources API to Koku', async () => {
  const help = await cli.run(['serve', '--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  for (const word of ['--no-sources', '--sources', '--api', '--no-uploads'])
    expect(help.stdout).toContain(word);
  const { orgId } = cli.database;
  const token = await json<Issued>('source', 'token', 'create', '--org', orgId);
  const serving = await startServe(settings, ['--no-sources']);
  const sources = await fetch(`${serving.url}/api/cost-management/v1/sources`, {
    headers: bearer(token.secret),
  });
  expect(sources.status).toBe(404);
  const version = await fetch(`${serving.url}/api/ingress/v1/version`, { headers: bearer(token.secret) });
  expect(version.status).toBe(200);
});
