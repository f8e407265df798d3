import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openPayload } from '../../platform/payload-source.ts';
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

async function refusal(address: string): Promise<{ retryable: boolean; message: string }> {
  const error: unknown = await openPayload(address, {}).then(
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
