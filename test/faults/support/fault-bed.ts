import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from '@temporalio/client';
import { inject } from 'vitest';
import { startRun } from '../../../intake/start-run.ts';
import type { StartedRun } from '../../../intake/start-run.ts';
import { loadConfig } from '../../../platform/config/config.ts';
import { openObjectStore } from '../../../platform/object-store/index.ts';
import type { ObjectStore } from '../../../platform/object-store/index.ts';
import { registerSource } from '../../../platform/tenants/sources.ts';
import { createArchiveFolder, withManifest } from '../../support/archives.ts';
import type { ArchiveFolder, Payload } from '../../support/archives.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createNamespace, testEnvironment } from '../../support/pipeline.ts';
import { startWorkerProcess } from './worker-process.ts';
import type { WorkerProcess } from './worker-process.ts';
import { atEnd } from '../../support/at-end.ts';

/** A registered cluster. */
export interface Target {
  clusterId: string;
  sourceUuid: string;
}

/** A run of a payload of a cluster. */
export interface FaultRun extends Target {
  handle: StartedRun['handle'];
}

/** What else a run is started with. */
export interface StartOptions {
  /** address to fetch the payload from; a file of its own otherwise */
  address?: string;
  /** files of the manifest that this archive brings; all otherwise */
  only?: readonly string[];
}

/** Servers of a scenario and the way to them; what is not given is the shared server or a directory. */
export interface FaultBedOptions {
  database?: TestDatabase;
  temporalAddress?: string;
  objectStoreUrl?: string;
  /** settings of the scenario */
  environment?: Record<string, string>;
}

/** A pipeline whose workers are processes of their own, so that they can be killed. */
export interface FaultBed {
  database: TestDatabase;
  client: Client;
  namespace: string;
  objectStore: ObjectStore;
  archives: ArchiveFolder;
  /** @param environment what this worker has otherwise, such as an address that leads through a proxy */
  startWorker(environment?: Record<string, string>): Promise<WorkerProcess>;
  /** register a cluster */
  addCluster(clusterId: string): Promise<Target>;
  /** start the run of a payload; its request id is the cluster's id, followed by the number of files with `only` */
  start(target: Target, payload: Payload, options?: StartOptions): Promise<FaultRun>;
}

/** One slot for every place at which a run is held. */
const slots = { OCP_LOAD_CONCURRENCY: '16', OCP_SQL_CONCURRENCY: '12', OCP_DATABASE_POOL_SIZE: '50' };

/** Create it, without a worker; it ends with the file's tests. */
export async function createFaultBed(options: FaultBedOptions = {}): Promise<FaultBed> {
  const database = options.database ?? (await createTestDatabase());
  const temporalAddress = options.temporalAddress ?? inject('temporalAddress');
  const environment = {
    ...testEnvironment,
    ...slots,
    DATABASE_URL: database.url,
    OBJECT_STORE: options.objectStoreUrl ?? pathToFileURL(await createFolder('objects')).href,
    ...options.environment,
  };
  const config = loadConfig(environment);
  const objectStore = openObjectStore({
    url: environment.OBJECT_STORE,
    s3: { endpoint: config.S3_ENDPOINT },
  });
  const { connection, namespace } = await createNamespace(temporalAddress);
  atEnd(() => connection.close());
  const client = new Client({ connection, namespace });
  const archives = await createArchiveFolder();
  const { orgId, pool, url: databaseUrl } = database;
  return {
    database,
    client,
    namespace,
    objectStore,
    archives,
    startWorker: (own = {}) =>
      startWorkerProcess({
        ...environment,
        TEMPORAL_ADDRESS: temporalAddress,
        TEMPORAL_NAMESPACE: namespace,
        ...own,
      }),
    addCluster: async (clusterId) => {
      const log = { info: () => undefined };
      const { sourceUuid } = await registerSource(
        { pool, databaseUrl, log },
        { orgId, clusterId, name: clusterId },
      );
      return { clusterId, sourceUuid };
    },
    start: async (target, payload, { address, only } = {}) => {
      const { clusterId } = target;
      const { handle } = await startRun(
        { client, pool, objectStore, config },
        {
          orgId,
          requestId: only === undefined ? clusterId : `${clusterId}.${only.length}-files`,
          payload: address ?? (await archives.pack(withManifest(payload, { cluster_id: clusterId }), only)),
        },
      );
      return { ...target, handle };
    },
  };
}

/** An empty directory that goes with the file's tests. */
export async function createFolder(purpose: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `ocp-faults-${purpose}-`));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
