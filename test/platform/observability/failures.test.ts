import { Client } from '@temporalio/client';
import { beforeAll, expect, inject, test } from 'vitest';
import { breakAggregation, mendAggregation } from '../../support/broken-aggregation.ts';
import { refuseRows } from '../../support/refuse-rows.ts';
import { atEnd } from '../../support/at-end.ts';
import { startRun } from '../../../intake/start-run.ts';
import type { StartedRun } from '../../../intake/start-run.ts';
import { taskQueues } from '../../../domain/run/run.ts';
import { loadConfig } from '../../../platform/config/config.ts';
import { openObjectStore } from '../../../platform/object-store/index.ts';
import { registerSource } from '../../../platform/tenants/sources.ts';
import { createArchiveFolder, readPayload } from '../../support/archives.ts';
import type { ArchiveFolder } from '../../support/archives.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { podFileAlone } from '../../support/held-load.ts';
import { createNamespace, testNow } from '../../support/pipeline.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createObjectFolder } from './object-folder.ts';
import { startObservedWorker } from './observed-worker.ts';
import type { ObservedWorker, Sample } from './observed-worker.ts';

/** Steps of a run behind the daily summary, and the table whose change each makes last. */
const steps: [step: string, table: string, when: string][] = [
  ['applyTagMapping', 'ocp_day', 'new.tags_version is distinct from old.tags_version'],
  ['checkCloudInfrastructure', 'ocp_source_month', 'new.infrastructure_checked_at is not null'],
  ['applyCostModel', 'ocp_day', 'new.cost_version is not null'],
  ['validateDays', 'ocp_day', 'new.validated_version is not null'],
];

let database: TestDatabase;
let client: Client;
let folder: ArchiveFolder;
let worker: ObservedWorker;
let environment: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase();
  const { connection, namespace } = await createNamespace();
  atEnd(() => connection.close());
  client = new Client({ connection, namespace });
  folder = await createArchiveFolder();
  environment = {
    DATABASE_URL: database.url,
    OBJECT_STORE: await createObjectFolder(),
    OCP_NOW: testNow,
    OCP_ACTIVITY_RETRY_INITIAL: '50ms',
    OCP_ACTIVITY_RETRY_MAX: '500ms',
    BLOCKED_WAIT: '100ms',
  };
  worker = await startObservedWorker({
    ...environment,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
  });
  await registerSource(
    { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
    { orgId: database.orgId, clusterId: 'operator-sample-cluster', name: 'sample' },
  );
});

async function start(payload: string): Promise<StartedRun> {
  const config = loadConfig(environment);
  const objectStore = openObjectStore({ url: config.OBJECT_STORE ?? '', s3: { endpoint: undefined } });
  return startRun({ client, pool: database.pool, objectStore, config }, { orgId: database.orgId, payload });
}

/** Sum of the series of a metric that have these labels, whatever else they have. */
function valueOf(samples: readonly Sample[], name: string, labels: Record<string, string>): number {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length === 0) throw new Error(`${name} ${JSON.stringify(labels)}: no series`);
  return found.reduce((sum, { value }) => sum + value, 0);
}
const metric = async (name: string, labels: Record<string, string>) =>
  valueOf(await worker.scrape(), name, labels);

test('every counter stands at 0 before its first failure', async () => {
  const samples = await worker.scrape();
  for (const [step] of steps)
    expect(valueOf(samples, 'ocp_postgres_step_errors_total', { step, type: 'DatabaseError' })).toBe(0);
  for (const workflow of ['ingestManifest', 'resummarize', 'sweepStaging', 'purgeExpired', 'watchSettings'])
    expect(valueOf(samples, 'ocp_postgres_runs_failed_total', { workflow, type: 'RetriesExhausted' })).toBe(
      0,
    );
});

/** One failed run: the worker counts it after the end of the run was told to whoever waits for it. */
const untilCounted = (workflow: string, type: string) =>
  waitUntil(async () => (await metric('ocp_postgres_runs_failed_total', { workflow, type })) === 1);

test('each step that fails is counted under its name, although its run goes through', async () => {
  const mends = new Map<string, () => Promise<void>>();
  const { pool, schema } = database;
  // Each fails at its last change.
  for (const [step, table, when] of steps)
    mends.set(step, await refuseRows(pool, { schema, table, event: 'update', when }));
  const { handle } = await start(
    await folder.pack(podFileAlone(await readPayload('operator-sample'), 'app')),
  );
  for (const [step, mend] of mends) {
    await waitUntil(
      async () => (await metric('ocp_postgres_step_errors_total', { step, type: 'DatabaseError' })) > 0,
    );
    await mend();
  }
  expect(await handle.result()).toMatchObject({ outcome: 'completed' });
  expect(await metric('ocp_postgres_runs_failed_total', { workflow: 'ingestManifest' })).toBe(0);
});

test('a run that fails at once, and one about which nobody decides, are counted, and shown until they are replayed', async () => {
  const bad = await start(await folder.write(Buffer.from('no archive')));
  await expect(bad.handle.result()).rejects.toMatchObject({ cause: { type: 'ManifestInvalid' } });
  await breakAggregation(database);
  const archive = await folder.pack(podFileAlone(await readPayload('operator-sample'), 'other'));
  const undecided = await start(archive);
  await expect(undecided.handle.result()).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
  const failed = (type: string) => metric('ocp_postgres_manifests_failed', { type });
  for (const type of ['ManifestInvalid', 'SchemaTooOld']) await untilCounted('ingestManifest', type);
  // A worker samples the gauges every minute.
  await waitUntil(
    async () => (await failed('ManifestInvalid')) === 1 && (await failed('SchemaTooOld')) === 1,
  );
  expect(await metric('ocp_postgres_manifests_blocked', {})).toBe(0);

  await mendAggregation(database);
  const again = await start(archive);
  expect(await again.handle.result()).toMatchObject({ outcome: 'completed' });
  await waitUntil(async () => (await failed('SchemaTooOld')) === 0);
  expect(await failed('ManifestInvalid')).toBe(1);
});

test('a sweep and a rebuild that fail are counted, and the sweep is shown until one succeeds', async () => {
  const { pool, schema, orgId } = database;
  const sweep = (workflowId: string) =>
    client.workflow.execute('sweepStaging', { workflowId, taskQueue: taskQueues.pipeline, args: [{}] });
  const tenants = () => metric('ocp_postgres_cleanup_failed_tenants', { workflow: 'sweepStaging' });
  expect(await tenants()).toBe(0);
  await pool.query(`alter table ${schema}.ocp_label_set rename to mislaid`);
  await expect(sweep('broken')).rejects.toMatchObject({ cause: { type: 'CleanupIncomplete' } });
  await pool.query(`alter table ${schema}.mislaid rename to ocp_label_set`);
  await expect(
    client.workflow.execute('resummarize', {
      workflowId: 'rebuild',
      taskQueue: taskQueues.pipeline,
      args: [
        {
          orgId,
          schema: 'no_such_schema',
          sourceUuid: crypto.randomUUID(),
          month: '2026-10',
          options: { blockedWaitMs: 100 },
        },
      ],
    }),
  ).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
  await untilCounted('sweepStaging', 'CleanupIncomplete');
  await untilCounted('resummarize', 'SchemaTooOld');
  await waitUntil(async () => (await tenants()) === 1);
  await sweep('mended');
  await waitUntil(async () => (await tenants()) === 0);
});
