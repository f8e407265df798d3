import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOlderPostgres } from './older-postgres.ts';
import type { OlderPostgres } from './older-postgres.ts';

let server: OlderPostgres;
beforeAll(async () => {
  server = await startOlderPostgres(15);
});
afterAll(async () => {
  await server.stop();
});

async function ask(sql: string): Promise<unknown> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ answer: unknown }>(sql);
    return rows[0]?.answer;
  } finally {
    await client.end();
  }
}

test('it is version 15 with UTF-8, and listens on loopback only', async () => {
  expect(await ask(`select current_setting('server_version_num')::int / 10000 as answer`)).toBe(15);
  expect(await ask(`select current_setting('server_encoding') as answer`)).toBe('UTF8');
  expect(await ask(`select current_setting('listen_addresses') as answer`)).toBe('127.0.0.1');
});

test('what was committed survives a kill, and the address stays the same', async () => {
  await ask('create table kept as select 42 as answer');
  await ask('checkpoint'); // the tests run without fsync and with asynchronous commit
  await server.kill();
  await expect(ask('select 1 as answer')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await server.start();
  expect(await ask('select answer from kept')).toBe(42);
});
