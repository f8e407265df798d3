import { expect, inject, test } from 'vitest';
import { loadConfig } from '../../../platform/config/config.ts';
import { Disposal } from '../../../platform/runtime/disposal.ts';
import { openServices } from '../../../platform/runtime/services.ts';
import type { ServerAddresses, Services } from '../../../platform/runtime/services.ts';
import { localTemporal } from '../../../platform/temporal/connection.ts';
import { createTestDatabase } from '../../support/database.ts';
import { waitUntil } from '../../support/wait-until.ts';

const database = await createTestDatabase();

async function open(
  given: Partial<ServerAddresses> = {},
  disposal = new Disposal(),
): Promise<{ services: Services; said: string[] }> {
  const said: string[] = [];
  const services = await openServices({
    config: loadConfig({}),
    addresses: { databaseUrl: database.url, objectStoreUrl: 's3://bucket', temporal: undefined, ...given },
    disposal,
    say: (line) => said.push(line),
    warn: (_fields, message) => said.push(message),
  });
  return { services, said };
}

/** Names of our programs that are connected to the test's database, the test itself left out. */
async function connected(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select application_name as name from pg_stat_activity
     where datname = current_database() and application_name <> 'test' order by application_name`,
  );
  return rows.map(({ name }) => name);
}

test('closing leaves no connection, and what was opened last can still work with what was opened before', async () => {
  const { services, said } = await open({ temporal: localTemporal(inject('temporalAddress')) });
  const client = await services.client();
  const workerPool = services.openPool(1, 'ocp-pipeline worker');
  await services.pool.query('select 1');
  await workerPool.query('select 1');
  expect(await connected()).toEqual(['ocp-pipeline', 'ocp-pipeline worker']);
  const answers: unknown[] = [];
  services.disposal.add('a consumer that hands over what it has', async () => {
    answers.push((await services.pool.query('select 1 as one')).rows);
    answers.push((await client.connection.workflowService.getSystemInfo({})).serverVersion);
  });
  await services.close();
  expect(answers).toEqual([[{ one: 1 }], expect.stringMatching(/^\d+\./)]);
  await waitUntil(async () => (await connected()).length === 0);
  await expect(services.pool.query('select 1')).rejects.toThrow('after calling end on the pool');
  await expect(client.connection.workflowService.getSystemInfo({})).rejects.toThrow();
  await expect(services.client()).rejects.toThrow('shutdown is in progress');
  expect(said).toEqual([]);
});

test('what fails to open or to close keeps nothing else open', async () => {
  const { services } = await open({ temporal: localTemporal('127.0.0.1:1') });
  await services.pool.query('select 1');
  await expect(services.client()).rejects.toThrow(/Temporal at 127\.0\.0\.1:\d+ .* cannot be reached/);
  services.disposal.add('a consumer', () => Promise.reject(new Error('lost its broker')));
  await expect(services.close()).rejects.toThrow('lost its broker');
  await waitUntil(async () => (await connected()).length === 0);
});

test('when services cannot be opened, what was opened before them is closed', async () => {
  const disposal = new Disposal();
  let stopped = 0;
  disposal.add('embedded servers', () => (stopped += 1));
  await expect(open({ objectStoreUrl: 'ftp://files' }, disposal)).rejects.toThrow(
    'Object store address cannot be used',
  );
  expect(stopped).toBe(1);
});

test('a process that did not ask for Temporal has no client', async () => {
  const { services } = await open();
  await expect(services.client()).rejects.toThrow('did not request Temporal');
  await services.close();
});
