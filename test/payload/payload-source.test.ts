import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isLocalAddress } from '../../payload/local-addresses.ts';
import { openPayload } from '../../payload/payload-source.ts';
import { textOf } from './archives.ts';

/** A real HTTP server on a port of its own. @returns its address with a secret in the query */
async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/payload?X-Amz-Signature=secret`;
}

async function refusal(
  address: string,
  options: Parameters<typeof openPayload>[1] = {},
): Promise<{ retryable: boolean; message: string }> {
  const error: unknown = await openPayload(address, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'PipelineError', type: 'PayloadUnavailable' });
  const { retryable, message } = error as { retryable: boolean; message: string };
  expect(message).not.toContain('secret');
  return { retryable, message };
}

test('a file is opened by its address, also with blanks and umlauts in its name', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'payload source ä'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'a b.tar.gz'), 'payload');
  expect(await textOf(await openPayload(pathToFileURL(join(directory, 'a b.tar.gz')).href, {}))).toBe(
    'payload',
  );
});

test('a file that is not there, a directory and a host in the address are not tried again', async () => {
  expect(await refusal('file:///no/such/payload.tar.gz')).toMatchObject({ retryable: false });
  expect((await refusal(pathToFileURL(tmpdir()).href)).message).toContain('not a regular file');
  expect(await refusal(pathToFileURL(tmpdir()).href)).toMatchObject({ retryable: false });
  expect(await refusal('file://host/payload.tar.gz')).toMatchObject({ retryable: false });
});

test('a download is streamed', async () => {
  const address = await served((request, response) => {
    response.end(request.url);
  });
  expect(await textOf(await openPayload(address, {}))).toBe('/payload?X-Amz-Signature=secret');
});

test.for([401, 403, 404, 410])(
  'HTTP %d is not tried again, and the message keeps the secret',
  async (status) => {
    const address = await served((_request, response) => response.writeHead(status).end('no'));
    const { retryable, message } = await refusal(address);
    expect(retryable).toBe(false);
    expect(message).toContain(`answered ${status}`);
  },
);

test.for([204, 408, 429, 500, 502, 503])('HTTP %d is tried again', async (status) => {
  const address = await served((_request, response) => response.writeHead(status).end());
  expect(await refusal(address)).toMatchObject({ retryable: true });
});

test('a server that cannot be reached is tried again', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  expect(await refusal(`http://127.0.0.1:${port}/?secret`)).toMatchObject({ retryable: true });
});

test('a connection that breaks in the middle fails the stream', async () => {
  const address = await served((_request, response) => {
    response.writeHead(200, { 'content-length': '1000000' });
    response.write('x'.repeat(1000), () => response.destroy());
  });
  await expect(openPayload(address, {}).then(textOf)).rejects.toThrow();
});

test('an abort ends the download, before the answer and during it', async () => {
  const stop = new AbortController();
  const address = await served((_request, response) => {
    response.write('x');
  });
  const stream = await openPayload(address, { signal: stop.signal });
  const reading = textOf(stream);
  stop.abort();
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  await expect(openPayload(address, { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
});

test.for(['', 'payload.tar.gz', 'ftp://host/payload?secret', 'data:text/plain,hello', 's3://bucket'])(
  'the address %j cannot be used',
  async (address) => {
    expect(await refusal(address)).toMatchObject({ retryable: false });
  },
);

describe('redirects', () => {
  /** Redirects `?left=n` to itself n times, then answers. */
  const counting: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://host');
    const left = Number(url.searchParams.get('left'));
    if (left === 0) response.end('payload');
    else response.writeHead(302, { location: `/next?left=${left - 1}&X-Amz-Signature=secret` }).end();
  };

  test('are followed, five of them', async () => {
    const address = await served(counting);
    expect(await textOf(await openPayload(`${address}&left=5`, {}))).toBe('payload');
    expect(await refusal(`${address}&left=6`)).toMatchObject({
      retryable: false,
      message: expect.stringContaining('more than 5 redirects') as string,
    });
  });

  test.for(['ftp://host/secret', 'file:///etc/passwd', 'gopher://host/', 'data:,x', 's3://bucket/key'])(
    'to %j are refused as what they are',
    async (location) => {
      const address = await served((_request, response) => response.writeHead(301, { location }).end());
      expect(await refusal(address)).toMatchObject({
        retryable: false,
        message: expect.stringMatching(
          /the server redirects to the scheme \w+:; expected http: or https:$/,
        ) as string,
      });
    },
  );

  test('to nowhere are refused', async () => {
    const address = await served((_request, response) => response.writeHead(307).end());
    expect(await refusal(address)).toMatchObject({ retryable: false });
  });

  test('take user info to its own server only', async () => {
    const seen: (string | undefined)[] = [];
    const other = await served((request, response) => {
      seen.push(request.headers.authorization);
      response.end('payload');
    });
    const address = await served((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: other }).end();
    });
    await textOf(await openPayload(address.replace('://', '://user:secret@'), {}));
    expect(seen).toEqual([`Basic ${btoa('user:secret')}`, undefined]);
  });
});

describe('addresses of this machine and its link', () => {
  test.for([
    '127.0.0.1',
    '127.8.9.10',
    '0.0.0.0',
    '169.254.169.254',
    '::1',
    '::',
    '[::1]',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'fd00:ec2::254',
  ])('%s is one', (address) => {
    expect(isLocalAddress(address)).toBe(true);
  });

  test.for([
    '10.0.0.1',
    '192.168.1.1',
    '1.1.1.1',
    '128.0.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    'localhost',
  ])('%s is none', (address) => {
    expect(isLocalAddress(address)).toBe(false);
  });

  // 2130706433 = 127 · 2^24 + 1
  test.for([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0',
  ])('http://%s is refused without a request', async (host) => {
    let asked = 0;
    const address = await served((_request, response) => {
      asked += 1;
      response.end();
    });
    expect(await refusal(address.replace('127.0.0.1', host), { refuseLocal: true })).toMatchObject({
      retryable: false,
      message: expect.stringContaining('OCP_LOCAL_DOWNLOADS=true') as string,
    });
    expect(asked).toBe(0);
  });

  test('are refused behind a redirect too', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((found) => found !== undefined && !found.internal && found.family === 'IPv4');
    if (outside === undefined) throw new Error('this test needs a network interface besides loopback');
    const server = createServer((_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/?secret' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, outside.address, resolve));
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const { retryable, message } = await refusal(`http://${outside.address}:${port}/`, { refuseLocal: true });
    expect(retryable).toBe(false);
    expect(message).toContain('http://169.254.169.254/latest/meta-data/: it leads to 169.254.169.254');
  });
});

test('an S3 object that we may not read is not tried again, and is named', async () => {
  const endpoint = await served((_request, response) => {
    response
      .writeHead(403, { 'content-type': 'application/xml' })
      .end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
  });
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'someone')
    .stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    .stubEnv('AWS_REGION', 'us-east-1');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const found = await refusal('s3://their-bucket/a/payload.tar.gz', {
    s3: { endpoint: new URL(endpoint).origin },
  });
  expect(found.retryable).toBe(false);
  expect(found.message).toMatch(
    /^s3:\/\/their-bucket\/a\/payload\.tar\.gz: the S3 server denied access to the object \(AccessDenied, HTTP 403\)/,
  );
});
