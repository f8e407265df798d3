import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, inject, test } from 'vitest';
import { catalog } from '../support/trino-server.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { atEnd } from '../support/at-end.ts';

test('every page is fetched where the statement was sent, whatever address Trino names', async () => {
  const { host, hostname, port } = new URL(inject('trinoUrl'));
  const asked: string[] = [];
  // Trino sees its own address as the one that was asked, as behind a proxy that ends TLS.
  const proxy = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { method, url: path, headers } = incoming;
    const onward = forward({ hostname, port, method, path, headers: { ...headers, host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  atEnd(() => new Promise<void>((resolve) => proxy.close(() => resolve())));
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  const rows = await new TrinoClient({ url, user: 'test', catalog }).run('select 1');

  expect(rows).toEqual([[1]]);
  expect(asked[0]).toBe('POST /v1/statement');
  expect(asked.filter((line) => line.startsWith('GET /v1/statement/')).length).toBeGreaterThan(0);
});
