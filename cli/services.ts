import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { clock, loadConfig } from '../platform/config/config.ts';
import type { Config } from '../platform/config/config.ts';
import { openPool } from '../platform/database/database.ts';
import { openEmbeddedStack } from '../dev-stack/stack.ts';
import type { EmbeddedStack } from '../dev-stack/stack.ts';
import { createLogger } from '../platform/observability/logging.ts';
import type { PipelineLogger } from '../platform/observability/logging.ts';
import { installTemporalRuntime } from '../platform/observability/temporal-runtime.ts';
import { waitingMessage } from '../platform/migrations/connection.ts';
import type { MigrationLog } from '../platform/migrations/connection.ts';
import { migrateAll, migratePublic } from '../platform/migrations/migrate.ts';
import { packageVersion } from '../platform/config/package-root.ts';
import { openObjectStore } from '../platform/object-store/index.ts';
import type { ObjectStore } from '../platform/object-store/index.ts';
import {
  configuredTemporal,
  connectClient,
  connectWorker,
  localTemporal,
} from '../platform/temporal/connection.ts';
import type { TemporalTarget } from '../platform/temporal/connection.ts';
import { startTracing } from '../platform/observability/tracing.ts';
import type { Tracing } from '../platform/observability/traced-process.ts';
import { observeWorkers } from '../workers/health.ts';
import type { WorkerObserver } from '../workers/health.ts';
import { startPipelineWorkers } from '../workers/pipeline.ts';
import type { PipelineWorkers } from '../workers/pipeline.ts';
import { blockedRunsQuery, startSampling } from '../workers/sampling.ts';

/** Which servers a command needs, and whose. */
export interface ServiceNeeds {
  temporal?: boolean;
  objectStore?: boolean;
  /** bring `public` (or everything) up to date first; an embedded database is always brought up to date */
  migrate?: 'public' | 'all';
  /** use the embedded stack for everything, whatever is configured */
  embeddedOnly?: boolean;
}

/** Opened servers, each configured or embedded, decided one by one. */
export interface Services {
  config: Config;
  databaseUrl: string;
  pool: Pool;
  objectStoreUrl: string;
  objectStore: ObjectStore;
  /** undefined when not asked for */
  temporal: TemporalTarget | undefined;
  temporalUiUrl: string | undefined;
  embedded: { postgres: boolean; temporal: boolean; objectStore: boolean };
  client(): Promise<Client>;
  /** @param deployed run by `ocp-pipeline worker`: under the version that is configured */
  startWorkers(options?: { deployed: boolean }): Promise<PipelineWorkers>;
  /** sees the workers that {@link startWorkers} started */
  observer: WorkerObserver;
  /** Close connections, stop what this process started. */
  close(): Promise<void>;
}

/** Most connections of a process that runs no worker. */
const clientPoolSize = 4;

let logger: PipelineLogger | undefined;

/** The process's logger; workers in a terminal's process write to a file, so that the progress line stays readable. */
export function processLogger(config: Config, destination: 'standard output' | 'file'): PipelineLogger {
  if (logger === undefined) {
    logger = createLogger({
      level: config.OCP_LOG_LEVEL,
      ...(destination === 'file' ? { file: logFile(config) } : {}),
    });
    installTemporalRuntime(logger, { metricsAddress: config.OCP_METRICS_ADDRESS });
  }
  return logger;
}

/** Migrating is quick and not worth a line, but a person who waits for another process hears why. */
export function migrationLog(say: (line: string) => void): MigrationLog {
  return {
    info: (fields, message) => {
      if (message !== waitingMessage) return;
      const { schema, holder } = fields as { schema: string; holder: string };
      say(`schema ${schema}: ${message} (${holder})`);
    },
  };
}

/** Log file of workers that run inside a command. */
export function logFile(config: Config): string {
  return resolve(config.OCP_DATA_DIR, 'pipeline.log');
}

/**
 * Open the servers a command needs. What `DATABASE_URL`, `OBJECT_STORE` and Temporal's variables name is used as it is;
 * the rest is the embedded stack under `OCP_DATA_DIR`.
 */
export async function openServices(say: (line: string) => void, needs: ServiceNeeds): Promise<Services> {
  const loaded = loadConfig();
  const ours = needs.embeddedOnly === true;
  const configured = needs.temporal === true && !ours ? configuredTemporal() : undefined;
  // On one machine with everything embedded, payloads of this machine are what people try it with.
  const localDownloads = needs.temporal === true && configured === undefined ? 'true' : 'false';
  const config: Config = { ...loaded, OCP_LOCAL_DOWNLOADS: loaded.OCP_LOCAL_DOWNLOADS ?? localDownloads };
  const embedded = {
    postgres: ours || config.DATABASE_URL === undefined,
    temporal: needs.temporal === true && configured === undefined,
    objectStore: needs.objectStore === true && (ours || config.OBJECT_STORE === undefined),
  };
  const stack = Object.values(embedded).some(Boolean)
    ? await openEmbeddedStack({ dataDirectory: resolve(config.OCP_DATA_DIR), needs: embedded, say })
    : undefined;
  try {
    return await connect(say, needs, { config, stack, embedded, configured });
  } catch (error) {
    await stack?.stop();
    throw error;
  }
}

interface Found {
  config: Config;
  stack: EmbeddedStack | undefined;
  embedded: Services['embedded'];
  configured: TemporalTarget | undefined;
}

async function connect(say: (line: string) => void, needs: ServiceNeeds, found: Found): Promise<Services> {
  const { config, stack, embedded, configured } = found;
  const databaseUrl = (embedded.postgres ? stack?.databaseUrl : config.DATABASE_URL) ?? '';
  const objectStoreUrl =
    (embedded.objectStore ? stack?.objectStoreUrl : config.OBJECT_STORE) ?? 'file:///dev/null';
  const log = migrationLog(say);
  if (needs.migrate === 'all') await migrateAll(databaseUrl, log);
  else if (needs.migrate === 'public' || embedded.postgres) await migratePublic(databaseUrl, log);

  const temporal =
    configured ?? (stack?.temporalAddress === undefined ? undefined : localTemporal(stack.temporalAddress));
  const pools: Pool[] = [];
  let closing = false;
  const pool = (size: number, applicationName: string) => {
    const opened = openPool({
      url: databaseUrl,
      size,
      applicationName,
      onIdleError: (error) => {
        // Connections that are being closed may still hear the server go.
        if (!closing) say(error.message);
      },
    });
    pools.push(opened);
    return opened;
  };
  const connections: { close(): Promise<void> }[] = [];
  const objectStore = openObjectStore({ url: objectStoreUrl, s3: { endpoint: config.S3_ENDPOINT } });
  const target = () => {
    if (temporal === undefined) throw new Error('this command did not ask for Temporal');
    return temporal;
  };
  const observer = observeWorkers();
  let stopSampling = async () => Promise.resolve();
  const clientPool = pool(clientPoolSize, 'ocp-pipeline');
  const identity = config.HOSTNAME ?? `${process.pid}@${hostname()}`;
  let tracing: Promise<Tracing | undefined> | undefined;
  const traced = () =>
    (tracing ??= startTracing(config, {
      version: packageVersion(),
      instance: identity,
      onError: (error) => logger?.warn({ error }, 'traces were dropped'),
    }));
  const client = async () => {
    const interceptor = (await traced())?.client;
    const opened = await connectClient(target(), interceptor === undefined ? [] : [interceptor]);
    connections.push(opened.connection);
    return opened;
  };
  return {
    config,
    databaseUrl,
    pool: clientPool,
    objectStoreUrl,
    objectStore,
    temporal,
    temporalUiUrl: stack?.temporalUiUrl,
    embedded,
    client,
    observer,
    startWorkers: async ({ deployed } = { deployed: false }) => {
      const { connectionOptions, ...where } = target();
      const connection = await connectWorker({
        ...where,
        connectionOptions: { ...connectionOptions, plugins: [observer.plugin] },
      });
      connections.push(connection);
      if (config.OCP_METRICS_ADDRESS !== undefined) {
        const { workflow } = await client();
        stopSampling = startSampling({
          pool: clientPool,
          countBlocked: async () => (await workflow.count(blockedRunsQuery)).count,
          onError: (error) => logger?.warn({ error }, 'gauges keep their values: a sample failed'),
        });
      }
      const { TEMPORAL_WORKER_BUILD_ID: buildId, TEMPORAL_DEPLOYMENT_NAME: deploymentName } = config;
      return startPipelineWorkers({
        connection,
        namespace: target().namespace,
        identity,
        version: deployed && buildId !== undefined ? { deploymentName, buildId } : undefined,
        tracing: (await traced())?.worker,
        dependencies: {
          pool: pool(config.OCP_DATABASE_POOL_SIZE, 'ocp-pipeline worker'),
          databaseUrl,
          objectStore,
          config,
          now: clock(config),
        },
      });
    },
    close: async () => {
      closing = true;
      await stopSampling();
      await (await tracing)?.close();
      await Promise.all(connections.map((connection) => connection.close()));
      await Promise.all(pools.map((opened) => opened.end()));
      await stack?.stop();
    },
  };
}
