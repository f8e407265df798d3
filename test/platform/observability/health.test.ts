import { createServer } from 'node:http';
import { once } from 'node:events';
import { beforeAll, expect, inject, test } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { migrateTenant } from '../../../platform/migrations/migrate.ts';
import { serveHealth } from '../../../platform/observability/health-server.ts';
import type { HealthCheck } from '../../../platform/observability/health-server.ts';
import { startOnFreePorts } from '../../../dev-stack/ports.ts';
import { openPool } from '../../../platform/database/database.ts';
import { healthPages, observeWorkers } from '../../../workers/health.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createNamespace } from '../../support/pipeline.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createObjectFolder } from './object-folder.ts';
import { startObservedWorker, startWorker } from './observed-worker.ts';
import type { ObservedWorker } from './observed-worker.ts';

let database: TestDatabase;
let environment: Record<string, string>;
let worker: ObservedWorker;

beforeAll(async () => {
  database = await createTestDatabase();
  const { connection, namespace } = await createNamespace();
  atEnd(() => connection.close());
  environment = {
    DATABASE_URL: database.url,
    OBJECT_STORE: await createObjectFolder(),
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
  };
  worker = await startObservedWorker(environment);
});

const read = async (path: string) => {
  const { status, body } = await worker.health(path);
  const { checks } = JSON.parse(body) as { checks: HealthCheck[] };
  return { status, checks };
};
const problems = (checks: HealthCheck[]) => checks.filter(({ problem }) => problem !== undefined);

test('a worker whose queues are polled, with a database and schemas that fit, is ready', async () => {
  const { status, checks } = await read('/readyz');
  expect(problems(checks)).toEqual([]);
  expect(status).toBe(200);
  expect(checks.map(({ what }) => what)).toEqual(
    expect.arrayContaining([
      'worker on ocp-pipeline',
      'worker on ocp-load',
      'worker on ocp-sql',
      'database',
      'schemas',
    ]),
  );
  expect((await read('/healthz')).status).toBe(200);
});

test('other paths and methods are refused', async () => {
  expect((await worker.health('/')).status).toBe(404);
  expect((await worker.health('/readyz?verbose=1')).status).toBe(200);
  const posted = await fetch(`http://${worker.healthAddress}/healthz`, { method: 'POST' });
  expect(posted.status).toBe(405);
});

test('a process whose workers have not started is alive but not ready', async () => {
  const pages = healthPages(observeWorkers(), database.pool);
  expect(problems(await (pages['/healthz']?.() ?? []))).toEqual([]);
  expect(problems(await (pages['/readyz']?.() ?? []))).toEqual([
    { what: 'workers', problem: 'starting: 0 of 0 run' },
  ]);
});

test('a tenant schema that is behind makes it unready and names the repair; one that is not ours does not', async () => {
  const { pool, url } = database;
  const pages = healthPages(observeWorkers(), pool);
  const schemas = async () =>
    (await (pages['/readyz']?.() ?? [])).find(({ what }) => what === 'schemas')?.problem;
  await pool.query(`insert into public.api_tenant (schema_name) values ('org77') on conflict do nothing`);
  expect(await schemas()).toBeUndefined();
  await migrateTenant(url, 'org77', { info: () => undefined });
  const newest = await pool.query<{ id: number; name: string }>(
    'delete from org77.ocp_migration where id = (select max(id) from org77.ocp_migration) returning id, name',
  );
  expect(await schemas()).toBe('org77 is behind: run ocp-pipeline migrate');
  await pool.query('insert into org77.ocp_migration (id, name, run_on) values ($1, $2, now())', [
    newest.rows[0]?.id,
    newest.rows[0]?.name,
  ]);
  expect(await schemas()).toBeUndefined();
});

test('a database that does not answer makes it unready, and the page does not say where it is', async () => {
  const pool = openPool({
    url: 'postgresql://someone:hidden-password@127.0.0.1:1/nowhere',
    size: 1,
    applicationName: 'test',
  });
  const checks = await (healthPages(observeWorkers(), pool)['/readyz']?.() ?? []);
  await pool.end();
  expect(checks.find(({ what }) => what === 'database')?.problem).toBe('cannot be checked (ECONNREFUSED)');
  expect(JSON.stringify(checks)).not.toMatch(/hidden-password|someone|127\.0\.0\.1/);
});

test('a check that throws is a problem, and no secret of it is shown', async () => {
  await startOnFreePorts([0], async ([port = 0]) => {
    const stop = await serveHealth(`127.0.0.1:${port}`, {
      '/readyz': () => Promise.reject(new TypeError('password=hidden')),
    });
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: 'unavailable',
      checks: [{ what: 'checks', problem: 'TypeError' }],
    });
    await stop();
    await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow();
  });
});

test('an address that is taken is reported with the variable that names it', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await expect(serveHealth(`127.0.0.1:${port}`, {})).rejects.toMatchObject({
    type: 'ConfigInvalid',
  });
  const failed = startWorker({ ...environment, OCP_METRICS_ADDRESS: `127.0.0.1:${port}` });
  expect(await failed.ended).not.toBe(0);
  expect(failed.output()).toContain(`OCP_METRICS_ADDRESS: metrics cannot be served at "127.0.0.1:${port}"`);
  other.close();
});

test('a worker that was asked to stop is no longer ready, ends with 0 and frees its addresses', async () => {
  worker.signal('SIGTERM');
  await waitUntil(async () => {
    const answer = await worker.health('/readyz').catch(() => undefined);
    return answer === undefined || answer.status === 503;
  });
  expect(await worker.ended).toBe(0);
  await expect(worker.health('/healthz')).rejects.toThrow();
});
