import { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { compareEngines } from '../../../activities/compare-engines.ts';
import { checkWorkers } from '../../../cli/worker-checks.ts';
import { engineQueues, taskQueues } from '../../../domain/run/run.ts';
import { billingMonth, usageDay } from '../../../domain/time/usage-day.ts';
import { listComparisons, recordComparison } from '../../../engines/comparison.ts';
import { userOfTrino } from '../../../engines/engine-in-use.ts';
import { startRun } from '../../../intake/start-run.ts';
import { clock, loadConfig } from '../../../platform/config/config.ts';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import { tryLock } from '../../../platform/database/locks.ts';
import { openObjectStore } from '../../../platform/object-store/index.ts';
import { registerSource } from '../../../platform/tenants/sources.ts';
import { setTenantSettings } from '../../../platform/tenants/tenant.ts';
import type { resummarize } from '../../../workflows/index.ts';
import { atEnd } from '../../support/at-end.ts';
import { startProgram } from '../../support/command-line.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { payloadPath } from '../../support/fixtures.ts';
import { createNamespace, testNow } from '../../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../../support/tables.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createObjectFolder } from './object-folder.ts';
import { startObservedWorker } from './observed-worker.ts';
import type { ObservedWorker } from './observed-worker.ts';

/*
 * A customer in shadow whose comparisons do not come about: no worker knows Trino, and later, with PostgreSQL as the
 * shadow, another run of the cluster holds its lock.
 */
const month = billingMonth('2026-10');
const days = ['2026-10-01', '2026-10-02', '2026-10-03'].map(usageDay);
/** How long the comparison waits for a worker: five minutes, or the time limit of statements if that is less. */
const sqlTimeoutMs = 40_000;

let database: TestDatabase;
let client: Client;
let worker: ObservedWorker;
let environment: Record<string, string>;
let sourceUuid: string;

const services = () => {
  const config = loadConfig(environment);
  const objectStore = openObjectStore({ url: config.OBJECT_STORE ?? '', s3: { endpoint: undefined } });
  return { client, pool: database.pool, databaseUrl: database.url, objectStore, config, now: clock(config) };
};

beforeAll(async () => {
  database = await createTestDatabase();
  const { connection, namespace } = await createNamespace();
  atEnd(() => connection.close());
  client = new Client({ connection, namespace });
  environment = { DATABASE_URL: database.url, OBJECT_STORE: await createObjectFolder(), OCP_NOW: testNow };
  worker = await startObservedWorker({
    ...environment,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
  });
  const source = await registerSource(
    { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
    { orgId: database.orgId, clusterId: 'my-ocp-cluster-small', name: 'small' },
  );
  sourceUuid = source.sourceUuid;
  const { handle } = await startRun(services(), {
    orgId: database.orgId,
    payload: payloadPath('nise-small'),
  });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 3 });
});

/** Days that were not compared, by what the worker's endpoint says of the engine. */
async function failedDays(engine: string): Promise<number | undefined> {
  const found = (await worker.scrape()).filter(
    ({ name, labels }) =>
      name === 'ocp_postgres_shadow_days_total' &&
      labels['engine'] === engine &&
      labels['outcome'] === 'failed',
  );
  return found[0]?.value;
}

test('doctor looks for workers of the Trino engine as soon as an organisation is in shadow', async () => {
  const { config, pool } = services();
  expect(await userOfTrino(pool, config)).toBeUndefined();
  await setTenantSettings(pool, database.orgId, [['shadow', 'trino']]);
  expect(await userOfTrino(pool, config)).toBe(`organisation ${database.orgId}`);
  const checks = await checkWorkers(client, config.TEMPORAL_DEPLOYMENT_NAME, true);
  expect(checks.filter(({ ok }) => !ok)).toMatchObject([
    { what: `workers on ${engineQueues.trino}`, found: 'none' },
  ]);
});

test('the run of an organisation in shadow ends without a worker for the shadow, and its days count as failed', async () => {
  const { orgId, schema } = database;
  const before = await snapshotTables(database, sourceUuid);
  expect(await failedDays('unknown')).toBe(0);
  const result = await client.workflow.execute<typeof resummarize>('resummarize', {
    workflowId: 'resummarize:in-shadow',
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month, options: { sqlTimeoutMs } }],
  });
  expect(result).toMatchObject({ daysSummarised: 3 });
  await waitUntil(async () => (await failedDays('unknown')) !== 0);
  expect(await failedDays('unknown')).toBe(3);
  const isTold = () =>
    worker.lines().some(({ msg }) => msg === 'days were not compared with the shadow engine');
  await waitUntil(() => Promise.resolve(isTold()));
  expectSameTables(await snapshotTables(database, sourceUuid), before);
});

test('status says that an organisation in shadow is not compared, and what to do', async () => {
  const status = (...args: string[]) =>
    startProgram(['status', ...args], {
      ...environment,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: client.options.namespace,
    }).ended;
  const told =
    'in shadow, but its days are not compared: no worker polls ocp-trino; start one with TRINO_URL: ocp-pipeline worker; ' +
    'then compare what came meanwhile: ocp-pipeline resummarize';
  const { orgId } = database;
  expect((await status()).stdout).toContain(`Organisation ${orgId} is ${told}`);
  expect(JSON.parse((await status('--json', '--org', orgId)).stdout)).toMatchObject({
    comparisons: [],
    notCompared: [{ orgId, problem: told }],
  });
  expect(JSON.parse((await status('--json', '--org', '7654321')).stdout)).toMatchObject({ notCompared: [] });
});

test('days that another run of the cluster holds all the time are recorded as failed, not as equal', async () => {
  const { pool, schema, orgId } = database;
  await setTenantSettings(pool, orgId, [
    ['engine', 'trino'],
    ['shadow', 'postgres'],
  ]);
  await inTenantTransaction(pool, schema, (inTenant) =>
    inTenant.query(`update ocp_source_month set engine = 'trino'`),
  );
  const compare = () =>
    new MockActivityEnvironment().run(() => compareEngines(services(), { schema, sourceUuid, month, days }));
  const held = await inTenantTransaction(pool, schema, async (inTenant) => {
    expect(await tryLock(inTenant, 'source', sourceUuid)).toBe(true);
    return compare();
  });
  expect(held).toEqual({ outcome: 'failed', dayCount: 0, differentRowCount: 0 });
  expect(await listComparisons(pool, schema, 10)).toMatchObject([
    {
      shadow: 'postgres',
      failedDayCount: 3,
      equalDayCount: 0,
      problem: expect.stringContaining('another run of the cluster') as string,
    },
  ]);
  // Without the other run they are equal: PostgreSQL computed them before.
  expect(await compare()).toEqual({ outcome: 'equal', dayCount: 3, differentRowCount: 0 });
  expect(await listComparisons(pool, schema, 10)).toMatchObject([{ failedDayCount: 0, equalDayCount: 3 }]);
});

test('what another run found during a comparison that failed stays', async () => {
  const { pool, schema } = database;
  const failed = { failedDays: days, problem: 'away' };
  await recordComparison(pool, { schema, sourceUuid }, 'postgres', { ...failed, tookMs: 3_600_000 });
  expect(await listComparisons(pool, schema, 10)).toMatchObject([{ failedDayCount: 0, equalDayCount: 3 }]);
  await recordComparison(pool, { schema, sourceUuid }, 'postgres', { ...failed, tookMs: 0 });
  expect(await listComparisons(pool, schema, 10)).toMatchObject([{ failedDayCount: 3, problem: 'away' }]);
});
