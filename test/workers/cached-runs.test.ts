import { Client } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { beforeAll, expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { startRun } from '../../intake/start-run.ts';
import { loadConfig } from '../../platform/config/config.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import type { ingestManifest } from '../../workflows/index.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { createObjectFolder } from '../platform/observability/object-folder.ts';
import { startObservedWorker } from '../platform/observability/observed-worker.ts';
import type { ObservedWorker } from '../platform/observability/observed-worker.ts';
import { createArchiveFolder } from '../support/archives.ts';
import { createTestDatabase } from '../support/database.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { createNamespace, testEnvironment } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { onePod } from './tiny-payloads.ts';

const cachedRuns = 1;
const clusters = ['a', 'b', 'c'] as const;

let worker: ObservedWorker;
let start: (archive: string) => Promise<WorkflowHandle<typeof ingestManifest>>;
/** of each cluster one archive of a manifest that has two */
let waiting: WorkflowHandle<typeof ingestManifest>[];
/** and the other, on its way in no run yet */
let lateArchives: string[];

async function sum(name: string): Promise<number> {
  const samples = await worker.scrape();
  return samples.filter((sample) => sample.name === name).reduce((total, { value }) => total + value, 0);
}

beforeAll(async () => {
  const database = await createTestDatabase();
  const { connection, namespace } = await createNamespace();
  atEnd(() => connection.close());
  const environment = {
    ...testEnvironment,
    DATABASE_URL: database.url,
    OBJECT_STORE: await createObjectFolder(),
    OCP_CACHED_RUNS: String(cachedRuns),
  };
  worker = await startObservedWorker({
    ...environment,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
  });
  const { pool, url: databaseUrl, orgId } = database;
  const client = new Client({ connection, namespace });
  const config = loadConfig(environment);
  const objectStore = openObjectStore({ url: environment.OBJECT_STORE, s3: { endpoint: undefined } });
  const folder = await createArchiveFolder();
  start = async (path) =>
    (await startRun({ client, pool, objectStore, config }, { orgId, payload: path })).handle;
  const archives = await Promise.all(
    clusters.map(async (clusterId) => {
      await registerSource(
        { pool, databaseUrl, log: { info: () => undefined } },
        { orgId, clusterId, name: clusterId },
      );
      const payload = buildPayload(onePod('2026-10-06', [0, 1], 1), { clusterId, filesPerKind: 2 });
      return Promise.all([...payload.files.keys()].map((file) => folder.pack(payload, [file])));
    }),
  );
  lateArchives = archives.map(([, second = '']) => second);
  waiting = await Promise.all(archives.map(([first = '']) => start(first)));
  for (const handle of waiting)
    await waitUntil(async () => (await handle.query(progressQuery)).state === 'waiting');
});

test('a worker keeps no more runs under way than it is told', async () => {
  await waitUntil(async () => (await sum('temporal_sticky_cache_size')) <= cachedRuns);
  const evictionCount = await sum('temporal_sticky_cache_total_forced_eviction');
  expect(evictionCount).toBeGreaterThanOrEqual(clusters.length - cachedRuns);
});

test('it goes on with the others all the same, and keeps none that ended', async () => {
  const late = await Promise.all(lateArchives.map(start));
  const results = await Promise.all([...waiting, ...late].map((handle) => handle.result()));
  expect(results.map(({ release }) => release)).toEqual(Array(2 * clusters.length).fill('complete'));
  expect(results.reduce((total, { daysSummarised }) => total + daysSummarised, 0)).toBe(clusters.length);
  await waitUntil(async () => (await sum('temporal_sticky_cache_size')) === 0);
});
