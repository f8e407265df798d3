import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { serveHttp } from '../support/http-app.ts';
import { createTestPipeline } from '../support/pipeline.ts';

test('stopping does not wait for connections that a browser opened in advance', async () => {
  const { app, url } = await serveHttp(await createTestPipeline());
  const unused = connect(Number(new URL(url).port), '127.0.0.1');
  await once(unused, 'connect');
  // The server has taken it, because this one, of the same listener, comes after it.
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const closed = once(unused, 'close');
  await app.close();
  await closed;
});
