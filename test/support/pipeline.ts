import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import './silent-runtime.ts';
import { atEnd } from './at-end.ts';
import { startRun } from '../../intake/start-run.ts';
import type { StartedRun, StartRunRequest } from '../../intake/start-run.ts';
import type { IngestManifestResult } from '../../domain/run/run.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import type { Config } from '../../platform/config/config.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { registerSearchAttributes } from '../../platform/temporal/search-attributes.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { startPipelineWorkers } from '../../workers/pipeline.ts';
import type { PipelineWorkers } from '../../workers/pipeline.ts';
import { createTestDatabase } from './database.ts';
import type { TestDatabase } from './database.ts';
import { waitUntil } from './wait-until.ts';

/** The time at which the fixtures' October of 2026 is last month: tests do not turn red as the data ages. */
export const testNow = '2026-11-05T12:00:00Z';

/** A whole pipeline of a test file's own: database, namespace, object store, worker. */
export interface TestPipeline {
  database: TestDatabase;
  namespace: string;
  client: Client;
  config: Config;
  objectStore: ObjectStore;
  workers: PipelineWorkers;
  start(request: Partial<StartRunRequest> & { payload: string }): Promise<StartedRun>;
  /** start, and wait for the result */
  ingest(payload: string, request?: Partial<StartRunRequest>): Promise<IngestManifestResult>;
  /** stop the workers, and start others whose environment differs: another time, other limits */
  restartWorkers(changes: Record<string, string>): Promise<void>;
  /** register a cluster of the test tenant */
  addSource(clusterId: string, name?: string): Promise<string>;
}

/** Environment of a test pipeline; short waits, so that nothing has to sleep. */
export const testEnvironment = {
  OCP_NOW: testNow,
  OCP_ACTIVITY_RETRY_INITIAL: '50ms',
  OCP_ACTIVITY_RETRY_MAX: '500ms',
  OCP_MANIFEST_POLL_MAX: '1s',
  OCP_DATABASE_POOL_SIZE: '20',
  // Tests serve payloads from this machine.
  OCP_LOCAL_DOWNLOADS: 'true',
};

/**
 * Create everything; it ends with the file's tests.
 * @param address Temporal server; the one that all test files share when none is given
 */
export async function createTestPipeline(
  environment: Record<string, string> = {},
  address = inject('temporalAddress'),
): Promise<TestPipeline> {
  const database = await createTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-objects-'));
  const own = { DATABASE_URL: database.url, OBJECT_STORE: pathToFileURL(directory).href };
  const configWith = (changes: Record<string, string>) =>
    loadConfig({ ...testEnvironment, ...own, ...environment, ...changes });
  const config = configWith({});
  const objectStore = openObjectStore({
    url: config.OBJECT_STORE ?? '',
    s3: { endpoint: config.S3_ENDPOINT },
  });
  const { connection, namespace } = await createNamespace(address);
  const client = new Client({ connection, namespace });
  const nativeConnection = await NativeConnection.connect({ address });
  const startWorkers = (changed: Config) =>
    startPipelineWorkers({
      connection: nativeConnection,
      namespace,
      workflowBundlePath: inject('workflowBundlePath'),
      graceMs: 2_000,
      dependencies: {
        pool: database.pool,
        databaseUrl: database.url,
        objectStore,
        config: changed,
        now: clock(changed),
      },
    });
  const workers = await startWorkers(config);
  let latest = workers;
  atEnd(async () => {
    latest.stop();
    await latest.finished;
    await nativeConnection.close();
    await connection.close();
    await rm(directory, { recursive: true, force: true });
  });
  const start = (request: Partial<StartRunRequest> & { payload: string }) =>
    startRun({ client, pool: database.pool, objectStore, config }, { orgId: database.orgId, ...request });
  return {
    database,
    namespace,
    client,
    config,
    objectStore,
    workers,
    start,
    restartWorkers: async (changes) => {
      latest.stop();
      await latest.finished;
      latest = await startWorkers(configWith(changes));
    },
    ingest: async (payload, request) => (await start({ payload, ...request })).handle.result(),
    addSource: async (clusterId, name = clusterId) => {
      const log = { info: () => undefined };
      const source = await registerSource(
        { pool: database.pool, databaseUrl: database.url, log },
        { orgId: database.orgId, clusterId, name },
      );
      return source.sourceUuid;
    },
  };
}

/** A Temporal namespace of one test file, with our search attributes; on the shared server when no address is given. */
export async function createNamespace(
  address = inject('temporalAddress'),
): Promise<{ connection: Connection; namespace: string }> {
  const connection = await Connection.connect({ address });
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  // The server learns of a new namespace with its next look at its store.
  await waitUntil(async () => {
    await registerSearchAttributes(connection, namespace);
    return true;
  });
  return { connection, namespace };
}
