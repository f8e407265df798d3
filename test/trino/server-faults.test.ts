import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mkdir, writeFile } from 'node:fs/promises';
import { beforeAll, expect, inject, test } from 'vitest';
import type { Check } from '../../cli/checks.ts';
import { catalog } from '../support/trino-server.ts';
import type { TrinoServer } from '../support/trino-server.ts';
import type { OpenFailure } from '../../domain/run/decision.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import { openFailuresQuery, resolveFailureUpdate } from '../../workflows/messages.ts';
import { startRun } from '../../intake/start-run.ts';
import { loadConfig } from '../../platform/config/config.ts';
import { lastFailuresOf } from '../faults/support/attempts.ts';
import { createFaultBed, createFolder } from '../faults/support/fault-bed.ts';
import type { FaultBed, FaultRun, Target } from '../faults/support/fault-bed.ts';
import type { WorkerProcess } from '../faults/support/worker-process.ts';
import { between, readPayload, withManifest } from '../support/archives.ts';
import type { Payload } from '../support/archives.ts';
import { atEnd } from '../support/at-end.ts';
import { startProgram } from '../support/command-line.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';
import { page } from './catalogs.ts';
import { expectSameRelations } from './same-relations.ts';
import { securedTrino } from './secured.ts';
import type { Secured } from './secured.ts';
import { startTrino } from './trino-server.ts';
import type { TrinoOptions } from './trino-server.ts';

/*
 * A Trino of this file's own goes wrong in one way after the other, while runs of two clusters need it: it has no
 * workers, it is killed, it has no memory. `patient` tries its steps for as long as that takes, `brief` twice.
 */
let bed: FaultBed;
let trino: TrinoServer;
let directory: string;
let day: Payload;
let clean: Target;
let patient: FaultRun;
let worker: WorkerProcess;
let secured: Secured;
let lake: Record<string, string>;

/** Queries are held back while there are no workers, here for a minute instead of five. */
const withoutWorkers: TrinoOptions = {
  withoutWorkers: true,
  config: { 'node-scheduler.include-coordinator': 'false', 'query-manager.required-workers-max-wait': '60s' },
};
/** Not even one row can be grouped. */
const withoutMemory: TrinoOptions = {
  withoutWorkers: true,
  config: { 'query.max-memory': '1kB', 'query.max-memory-per-node': '1kB', 'query.max-total-memory': '1kB' },
};

async function start(options: TrinoOptions): Promise<void> {
  trino = await startTrino(directory, options);
}

/** The groups of docs/trino.md, for servers that start from now on. */
async function configureResourceGroups(): Promise<void> {
  const [, properties] = /```properties\n(resource-groups[^`]*)```/.exec(page) ?? [];
  const [, groups] = /```json\n([^`]*)```/.exec(page) ?? [];
  await mkdir(join(directory, 'etc'));
  await writeFile(join(directory, 'etc/resource-groups.properties'), properties ?? '');
  await writeFile(join(directory, 'etc/resource-groups.json'), groups ?? '');
}

async function startAgain(options: TrinoOptions = {}): Promise<void> {
  const port = Number(new URL(trino.url).port);
  await start({ ...options, port });
  expect(trino.url).toContain(String(port));
}

beforeAll(async () => {
  directory = await createFolder('trino');
  await start(withoutWorkers);
  atEnd(() => trino.stop());
  const objects = join(trino.directory, 'objects');
  await mkdir(objects);
  secured = await securedTrino();
  lake = { TRINO_URL: trino.url, TRINO_CATALOG: catalog, TRINO_LOCATION: 'local:///objects' };
  bed = await createFaultBed({
    objectStoreUrl: pathToFileURL(objects).href,
    environment: { ...lake, OCP_ACTIVITY_SQL_TIMEOUT: '5m' },
  });
  worker = await bed.startWorker();
  day = between(await readPayload('nise-small'), '2026-10-01 00:00', '2026-10-02 00:00');
  clean = await bed.addCluster('clean');
  expect(await (await bed.start(clean, day)).handle.result()).toMatchObject({ outcome: 'completed' });
  await setTenantSettings(bed.database.pool, bed.database.orgId, [['engine', 'trino']]);
  patient = await bed.start(await bed.addCluster('patient'), day);
});

/** The query that the run's heartbeat names. */
async function queryOf({ handle }: FaultRun): Promise<string | undefined> {
  const { raw } = await handle.describe();
  for (const { heartbeatDetails } of raw.pendingActivities ?? []) {
    const data = heartbeatDetails?.payloads?.[0]?.data;
    const { queryId } = JSON.parse(data == null ? '{}' : Buffer.from(data).toString()) as {
      queryId?: string;
    };
    if (queryId !== undefined) return queryId;
  }
  return undefined;
}

async function waitForFailure(run: FaultRun, text: string): Promise<void> {
  await waitUntil(async () => (await lastFailuresOf(run)).some((message) => message.includes(text)));
}

async function expectClean({ sourceUuid }: Target): Promise<void> {
  await expectSameRelations(bed.database, sourceUuid, clean.sourceUuid);
  expectSameTables(
    await snapshotTables(bed.database, sourceUuid),
    await snapshotTables(bed.database, clean.sourceUuid),
  );
}

/** What Trino says about a query. */
async function stateOf(queryId: string): Promise<{ state: string; errorCode?: { name: string } }> {
  const answer = await fetch(`${trino.url}/v1/query/${queryId}`, { headers: { 'X-Trino-User': 'test' } });
  return (await answer.json()) as { state: string; errorCode?: { name: string } };
}

test('the attempt after a killed worker ends the query that it left', async () => {
  let left = '';
  await waitUntil(async () => {
    left = (await queryOf(patient)) ?? '';
    return (await stateOf(left)).state === 'WAITING_FOR_RESOURCES';
  });
  await worker.kill();
  worker = await bed.startWorker();
  await waitUntil(async () => (await stateOf(left)).state === 'FAILED');
  expect((await stateOf(left)).errorCode?.name).toBe('USER_CANCELED');
});

test('without workers of Trino the step is tried again, and says what it waits for', async () => {
  await waitForFailure(patient, 'Insufficient active worker nodes');
});

test('Trino is killed during a query: the step is tried until it is back', async () => {
  await trino.kill();
  await waitForFailure(patient, 'cannot be reached');
});

test('a query runs out of memory: it is tried again, then waits for a decision with a clear error', async () => {
  await startAgain(withoutMemory);
  const target = await bed.addCluster('brief');
  const { database, client, objectStore, archives } = bed;
  const { handle } = await startRun(
    {
      client,
      pool: database.pool,
      objectStore,
      // Again after 15 s; 30 s more would be beyond the limit.
      config: loadConfig({ OCP_ACTIVITY_SQL_TIMEOUT: '40s', OCP_ACTIVITY_RETRY_INITIAL: '15s' }),
    },
    {
      orgId: database.orgId,
      requestId: 'brief',
      payload: await archives.pack(withManifest(day, { cluster_id: 'brief' })),
    },
  );
  let failure: OpenFailure | undefined;
  await waitUntil(async () => {
    [failure] = await handle.query(openFailuresQuery);
    return failure !== undefined;
  }, 240_000);
  expect(failure).toMatchObject({ step: 'aggregateDays', errorType: 'RetriesExhausted' });
  expect(failure?.message).toContain('aggregateDays: retries exhausted; last: Trino query');
  expect(failure?.message).toMatch(/\(EXCEEDED_(LOCAL|GLOBAL)_MEMORY_LIMIT\)/);

  // What comes now goes over HTTPS, with a password, and each customer has a resource group.
  await trino.stop();
  await configureResourceGroups();
  await startAgain(secured.options);
  await worker.kill();
  worker = await bed.startWorker(secured.environment);
  await handle.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failure?.failureId ?? '', action: 'retry' }],
  });
  expect(await handle.result()).toMatchObject({ outcome: 'completed' });
  await expectClean(target);
}, 480_000);

test('the run that lived through all of it has the tables of PostgreSQL', async () => {
  // It may have begun to wait for its next attempt, for two minutes.
  expect(await patient.handle.result()).toMatchObject({ outcome: 'completed' });
  await expectClean(patient);
}, 300_000);

test('with the groups of the documentation, each customer has its own', async () => {
  const { schema } = bed.database;
  const client = new TrinoClient({ url: trino.url, user: 'test', catalog });
  // Ten thousand times ten thousand rows, which nobody fetches.
  const rows = (name: string) => `unnest(sequence(1, 10000)) as ${name} (${name})`;
  const endless = `select a, b from ${rows('a')} cross join ${rows('b')}`;
  let third = '';
  const pages = [1, 2, 3].map((number) =>
    client.pages(endless, {
      tenant: 'org7654321',
      onQueryId: (queryId) => {
        if (number === 3) third = queryId;
      },
    }),
  );
  for (const running of pages.slice(0, 2)) await running.next();
  const waiting = pages[2]?.next();
  // A customer has two queries at a time; it does not hold up another one.
  await waitUntil(async () => third !== '' && (await stateOf(third)).state === 'QUEUED');
  expect(await client.run('select 1', { tenant: schema })).toEqual([[1]]);
  expect((await stateOf(third)).state).toBe('QUEUED');
  for (const running of pages.slice(0, 2)) await running.return(undefined);
  await waiting;
  await pages[2]?.return(undefined);

  // Without those that came while the server was starting, and failed.
  const groups = await client.run(
    `select distinct coalesce(source, ''), array_join(resource_group_id, '.') as name
     from system.runtime.queries
     where resource_group_id is not null order by name`,
  );
  expect(groups).toEqual([
    ['ocp-pipeline', 'ocp-pipeline.common'],
    [`ocp-pipeline.${schema}`, `ocp-pipeline.${schema}`],
    ['ocp-pipeline.org7654321', 'ocp-pipeline.org7654321'],
    // Whether the server answers was asked without a source.
    ['', 'others'],
  ]);
});

/** What doctor says about Trino. */
async function failedChecks(changes: Record<string, string>): Promise<Check[]> {
  const { ended } = startProgram(['doctor', '--json'], {
    DATABASE_URL: bed.database.url,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: bed.namespace,
    OBJECT_STORE: pathToFileURL(join(trino.directory, 'objects')).href,
    ...lake,
    ...secured.environment,
    ...changes,
  });
  return (JSON.parse((await ended).stdout) as Check[]).filter(({ ok }) => !ok);
}

test('a password over HTTPS, and a certificate of an authority of our own', async () => {
  expect(await failedChecks({})).toEqual([]);
  expect(await failedChecks({ TRINO_PASSWORD: 'another' })).toEqual([
    expect.objectContaining({
      what: 'a query on workers of Trino',
      found: expect.stringContaining('answered 401') as string,
      repair: 'check TRINO_USER and TRINO_PASSWORD',
    }),
  ]);
  expect(await failedChecks({ NODE_EXTRA_CA_CERTS: '' })).toEqual([
    expect.objectContaining({
      what: 'Trino',
      found: expect.stringContaining('certificate') as string,
      repair: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    }),
  ]);
});

test('https:// at the port of HTTP, and the other way round', async () => {
  expect(await failedChecks({ TRINO_URL: trino.url.replace('http:', 'https:') })).toEqual([
    expect.objectContaining({
      what: 'Trino',
      repair: 'set TRINO_URL to the port of HTTPS, or to http:// if Trino takes no HTTPS',
    }),
  ]);
  const plain = (secured.environment['TRINO_URL'] ?? '').replace('https:', 'http:');
  expect(await failedChecks({ TRINO_URL: plain, TRINO_PASSWORD: '' })).toEqual([
    expect.objectContaining({
      what: 'Trino',
      repair: expect.stringContaining('if the port is one of HTTPS, set https:// in it') as string,
    }),
  ]);
});
