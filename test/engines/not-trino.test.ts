import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createRawServer } from 'node:net';
import type { AddressInfo, Server as RawServer } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import type { Check } from '../../cli/checks.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { TrinoError } from '../../engines/trino/trino-error.ts';
import { atEnd } from '../support/at-end.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { makeCertificates } from '../workers/tls-proxy.ts';

/*
 * What is at TRINO_URL is no Trino, or something stands before it. Every server here is a real one.
 */
let cli: CommandLine;

beforeAll(async () => {
  cli = await createCommandLine();
});

async function listen(server: Server | RawServer, scheme = 'http'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A web server; requests that it got are noted. */
async function web(answer: RequestListener): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  return { url: await listen(server), asked };
}

const page =
  '<!DOCTYPE html>\n<html lang="en">\n<head><title>\n Sign in to continue </title></head><body>…</body></html>';
const setAddress = 'set TRINO_URL to the scheme, host and port at which Trino itself answers programs';
const checkServer = 'check TRINO_URL, and that the server runs and can be reached from here';

const client = (url: string) => new TrinoClient({ url, user: 'reader', catalog: 'lake' });

/** How a statement fails at an address. */
async function failure(url: string): Promise<TrinoError> {
  const error: unknown = await client(url)
    .run('select 1')
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TrinoError);
  return error as TrinoError;
}

/** What doctor says about Trino. */
async function checks(url: string): Promise<Check[]> {
  const { stdout } = await cli.run(['doctor', '--json'], {
    TRINO_URL: url,
    TRINO_LOCATION: 'local:///lake',
  });
  const all = JSON.parse(stdout) as Check[];
  return all.filter(({ what }) => what === 'Trino');
}

test('a page for people is named by its title, and an operator decides', async () => {
  const { url, asked } = await web((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(page);
  });
  const error = await failure(url);
  expect(error).toMatchObject({ type: 'TrinoFailed', errorName: 'NOT_TRINO', retryable: false });
  expect(error.sentence).toBe(
    `Trino at ${url}: expected the state of a query in JSON, found a page for people, "Sign in to continue" ` +
      `(HTTP 200); ${setAddress}, without a log-in page before it`,
  );
  expect(asked).toEqual(['POST /v1/statement']);
  expect(await checks(url)).toEqual([
    {
      what: 'Trino',
      ok: false,
      found:
        `Trino at ${url}: expected the version of Trino in JSON, found a page for people, "Sign in to continue" ` +
        '(HTTP 200)',
      repair: `${setAddress}, without a log-in page before it`,
    },
  ]);
});

test.for([
  ['another program', '{"name": "node-1", "tagline": "You Know, for Search"}', 'You Know, for Search'],
  ['a state without an id', '{"nextUri": "http://127.0.0.1:1/v1/statement/x"}', '/v1/statement/x'],
  ['a next page without an address', '{"id": "q", "nextUri": "x"}', '"nextUri": "x"'],
  ['rows that are no list', '{"id": "q", "data": {"rows": []}}', '"data"'],
  ['an error that says nothing', '{"id": "q", "error": null}', '"error": null'],
  ['null', 'null', 'found null'],
  ['nothing', '', 'found nothing'],
  ['half of it', '{"id": "q", "data"', 'found {"id": "q", "data"'],
] as const)('JSON that is no answer of Trino is no empty result: %s', async ([, body, found]) => {
  const { url } = await web((_, response) => response.end(body));
  const error = await failure(url);
  expect(error).toMatchObject({ errorName: 'NOT_TRINO', retryable: false });
  expect(error.message).toContain(`Trino at ${url}: expected the state of a query in JSON, found`);
  expect(error.message).toContain(found);
  await expect(client(url).server(AbortSignal.timeout(60_000))).rejects.toThrow(
    `Trino at ${url}: expected the version of Trino in JSON, found`,
  );
});

test.for([301, 302, 303, 307, 308])(
  'a redirect (%d) is not followed, and its query is not told',
  async (status) => {
    const elsewhere = await web((_, response) => response.end('{"id": "q"}'));
    const { url, asked } = await web((_, response) => {
      response.writeHead(status, { location: `${elsewhere.url}/login?code=hunter2` }).end();
    });
    const error = await failure(url);
    expect(error.retryable).toBe(false);
    expect(error.sentence).toBe(
      `Trino at ${url}: expected an answer, found a redirect to ${elsewhere.url}/login (HTTP ${status}); ${setAddress}`,
    );
    expect([asked, elsewhere.asked]).toEqual([['POST /v1/statement'], []]);
    await expect(client(url).server(AbortSignal.timeout(60_000))).rejects.toThrow('found a redirect');
    expect(elsewhere.asked).toEqual([]);
  },
);

test('a redirect to nowhere', async () => {
  const { url } = await web((_, response) => response.writeHead(302, { location: 'http://' }).end());
  expect((await failure(url)).message).toContain('found a redirect to nowhere (HTTP 302)');
});

test.for([
  [401, 'Unauthorized', false, 'check TRINO_USER and TRINO_PASSWORD'],
  [403, page, false, 'check TRINO_USER and TRINO_PASSWORD'],
  [404, 'Not Found', false, setAddress],
  [503, page, true, undefined],
] as const)(
  'status %d: whether it is tried again, and what to do',
  async ([status, body, retryable, remedy]) => {
    const { url } = await web((_, response) => response.writeHead(status).end(body));
    const error = await failure(url);
    expect(error).toMatchObject({ errorName: `HTTP_${status}`, retryable, remedy });
    const said = body === page ? 'a page for people, "Sign in to continue"' : body;
    expect(error.message).toBe(`Trino at ${url} answered ${status}: ${said}`);
  },
);

test.for([404, 410])(
  'a query that Trino has forgotten (%d) is asked again by the next attempt',
  async (status) => {
    const { url, asked } = await web((request, response) => {
      if (request.method === 'POST')
        response.end(JSON.stringify({ id: 'q_1', nextUri: 'http://127.0.0.1:1/v1/statement/queued/q_1/1' }));
      else response.writeHead(status).end('Query not found');
    });
    const error = await failure(url);
    expect(error).toMatchObject({ errorName: `HTTP_${status}`, retryable: true });
    expect(error.message).toBe(`Trino at ${url} no longer knows query q_1 (HTTP ${status})`);
    expect(asked.slice(0, 2)).toEqual(['POST /v1/statement', 'GET /v1/statement/queued/q_1/1']);
  },
);

test('an answer that breaks off is fetched again', async () => {
  let count = 0;
  const { url } = await web((request, response) => {
    count += 1;
    response.writeHead(200, { 'content-length': 11 });
    if (count > 1) response.end('{"id": "q"}');
    else response.write('{"id', () => request.socket.destroy());
  });
  expect(await client(url).run('select 1')).toEqual([]);
  expect(count).toBe(2);
});

test('https:// where there is no TLS', async () => {
  const { url } = await web((_, response) => response.end('{"id": "q"}'));
  const secure = url.replace('http:', 'https:');
  const error = await failure(secure);
  expect(error).toMatchObject({ errorName: 'UNREACHABLE', retryable: false });
  expect(error.sentence).toBe(
    `Trino at ${secure} cannot be reached: expected TLS, as https:// says, found another protocol; ` +
      'set TRINO_URL to the port of HTTPS, or to http:// if Trino takes no HTTPS',
  );
});

test('http:// where there is TLS: a connection that is closed may be opened later', async () => {
  const { server } = await makeCertificates();
  const options = { key: readFileSync(server.key), cert: readFileSync(server.certificate) };
  const secure = await listen(createSecureServer(options), 'https');
  const url = secure.replace('https:', 'http:');
  const error = await failure(url);
  expect(error).toMatchObject({ errorName: 'UNREACHABLE', retryable: true });
  expect(error.message).toBe(`Trino at ${url} cannot be reached: other side closed`);
  expect(error.remedy).toContain('if the port is one of HTTPS, set https:// in it');
  expect((await failure(secure)).message).toContain('certificate');
  const [check] = await checks(secure);
  expect(check).toMatchObject({ repair: expect.stringContaining('set NODE_EXTRA_CA_CERTS') as string });
});

test('a server of another protocol', async () => {
  const server = createRawServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('SSH-2.0-server\r\n');
    atEnd(() => socket.destroy());
  });
  const url = await listen(server);
  const error = await failure(url);
  expect(error).toMatchObject({ errorName: 'UNREACHABLE', retryable: false });
  expect(error.remedy).toBe(`${setAddress}; if the port is one of HTTPS, set https:// in it`);
  expect(error.message).toContain(`Trino at ${url} cannot be reached: expected HTTP, found another protocol`);
});

test('no server may come; a port that HTTP never uses cannot', async () => {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  expect(await failure(url)).toMatchObject({
    retryable: true,
    remedy: expect.stringContaining(checkServer) as string,
  });
  const barred = await failure('http://127.0.0.1:6000');
  expect(barred).toMatchObject({ retryable: false, remedy: expect.stringContaining(checkServer) as string });
  expect(barred.message).toBe('Trino at http://127.0.0.1:6000 cannot be reached: bad port');
});

test('a user whom no header can carry is named with the setting, before anything is asked', async () => {
  const { url, asked } = await web((_, response) => response.end('{"id": "q"}'));
  const { code, stderr } = await cli.run(['doctor'], {
    TRINO_URL: url,
    TRINO_LOCATION: 'local:///lake',
    TRINO_USER: 'Юлия',
  });
  expect(code).toBe(1);
  expect(stderr).toContain('TRINO_USER: expected letters of Latin-1 in one line; found "Юлия"');
  expect(asked).toEqual([]);
});
