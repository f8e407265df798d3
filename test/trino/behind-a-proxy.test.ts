import { expect, inject, test } from 'vitest';
import { catalog } from '../support/trino-server.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { startHttpProxy } from '../support/http-proxy.ts';

test('every page is fetched where the statement was sent, whatever address Trino names', async () => {
  const asked: string[] = [];
  // Trino sees its own address as the one that was asked, as behind a proxy that ends TLS.
  const target = inject('trinoUrl');
  const url = await startHttpProxy(target, {
    before: ({ method, url: path }) => {
      asked.push(`${method} ${path}`);
    },
    host: new URL(target).host,
  });

  const rows = await new TrinoClient({ url, user: 'test', catalog }).run('select 1');

  expect(rows).toEqual([[1]]);
  expect(asked[0]).toBe('POST /v1/statement');
  expect(asked.filter((line) => line.startsWith('GET /v1/statement/')).length).toBeGreaterThan(0);
});
