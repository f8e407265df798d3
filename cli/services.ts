import { resolve } from 'node:path';
import { PipelineError } from '../domain/failures/failures.ts';
import type { EmbeddedStack } from '../dev-stack/stack.ts';
import { requireParquetWriter } from '../engines/trino/parquet-file.ts';
import { loadConfig } from '../platform/config/config.ts';
import type { Config } from '../platform/config/config.ts';
import { waitingMessage } from '../platform/migrations/connection.ts';
import type { MigrationLog } from '../platform/migrations/connection.ts';
import { migrateAll, migratePublic } from '../platform/migrations/migrate.ts';
import { supersededVersion } from '../platform/migrations/superseded.ts';
import { createLogger } from '../platform/observability/logging.ts';
import type { PipelineLogger } from '../platform/observability/logging.ts';
import { Disposal } from '../platform/runtime/disposal.ts';
import { openServices as openRuntimeServices } from '../platform/runtime/services.ts';
import type { ServerAddresses, Services as RuntimeServices } from '../platform/runtime/services.ts';
import { configuredTemporal, localTemporal } from '../platform/temporal/connection.ts';
import type { TemporalTarget } from '../platform/temporal/connection.ts';
import { observeWorkers } from '../workers/health.ts';
import type { WorkerObserver } from '../workers/health.ts';
import type { PipelineWorkers } from '../workers/pipeline.ts';

/** Which servers a command needs, and whose. */
export interface ServiceNeeds {
  temporal?: boolean;
  objectStore?: boolean;
  /** migrate `public` (or everything) first; an embedded database is always migrated */
  migrate?: 'public' | 'all';
  /** use the embedded stack for everything, whatever is configured */
  embeddedOnly?: boolean;
}

/** Opened servers, each configured or embedded, decided separately. */
export interface Services extends RuntimeServices {
  temporalUiUrl: string | undefined;
  embedded: { postgres: boolean; temporal: boolean; objectStore: boolean };
  /** @param deployed run by `ocp-pipeline worker`: under the configured version */
  startWorkers(options?: { deployed: boolean }): Promise<PipelineWorkers>;
  /** sees the workers that {@link startWorkers} started */
  observer: WorkerObserver;
}

let logger: PipelineLogger | undefined;

/**
 * The logger of a process with workers, and the runtime of Temporal's SDK, which logs to it. Workers in a terminal's
 * process log to a file, so that the progress line stays readable.
 */
export async function processLogger(
  config: Config,
  destination: 'standard output' | 'file',
): Promise<PipelineLogger> {
  if (logger === undefined) {
    logger = createLogger({
      level: config.OCP_LOG_LEVEL,
      ...(destination === 'file' ? { file: logFile(config) } : {}),
    });
    const { installTemporalRuntime } = await import('../platform/observability/temporal-runtime.ts');
    installTemporalRuntime(logger, { metricsAddress: config.OCP_METRICS_ADDRESS });
  }
  return logger;
}

/** A migration is quick and not worth a line, but a person who waits for another process should know why. */
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
 * Open the servers that a command needs. Servers given by `DATABASE_URL`, `OBJECT_STORE` and Temporal's variables are
 * used; the rest is the embedded stack under `OCP_DATA_DIR`.
 */
export async function openServices(say: (line: string) => void, needs: ServiceNeeds): Promise<Services> {
  const loaded = loadConfig();
  const ours = needs.embeddedOnly === true;
  const configured = needs.temporal === true && !ours ? configuredTemporal() : undefined;
  // With everything embedded on one machine, people try it with payloads on that machine.
  const localDownloads = needs.temporal === true && configured === undefined ? 'true' : 'false';
  const config: Config = { ...loaded, OCP_LOCAL_DOWNLOADS: loaded.OCP_LOCAL_DOWNLOADS ?? localDownloads };
  const embedded = {
    postgres: ours || config.DATABASE_URL === undefined,
    temporal: needs.temporal === true && configured === undefined,
    objectStore: needs.objectStore === true && (ours || config.OBJECT_STORE === undefined),
  };
  if (embedded.temporal) {
    requireOwnTrino(config);
    requireParquetWriter(config);
  }
  const disposal = new Disposal();
  return disposal.closingOnFailure(async () => {
    const stack = await openEmbedded(config, embedded, disposal, say);
    const addresses = addressesOf(config, { stack, embedded, configured });
    const log = migrationLog(say);
    const migrate =
      needs.migrate === 'all'
        ? migrateAll
        : needs.migrate === 'public' || embedded.postgres
          ? migratePublic
          : undefined;
    await migrate?.(addresses.databaseUrl, log).catch((error: unknown) => {
      throw embedded.postgres ? startAfresh(config, error) : error;
    });
    const warn = (fields: object, message: string) => logger?.warn(fields, message);
    const services = await openRuntimeServices({ config, addresses, disposal, say, warn });
    const observer = observeWorkers();
    return {
      ...services,
      temporalUiUrl: stack?.temporalUiUrl,
      embedded,
      observer,
      startWorkers: async ({ deployed } = { deployed: false }) => {
        // Loaded here and nowhere else: clients do without Temporal's native core.
        const { startWorkers } = await import('../workers/start-workers.ts');
        return startWorkers(services, { observer, deployed });
      },
    };
  });
}

/** With the embedded Temporal there are no workers but those of this process. */
function requireOwnTrino(config: Config): void {
  if (config.OCP_POSTGRES_PIPELINE === 'false' && config.TRINO_URL === undefined)
    throw new PipelineError(
      'ConfigInvalid',
      'TRINO_URL: expected a value, because OCP_POSTGRES_PIPELINE is false and the workers run in this process; found none',
    );
}

/** The embedded stack is loaded only here: a production worker does without it. */
async function openEmbedded(
  config: Config,
  needs: Services['embedded'],
  disposal: Disposal,
  say: (line: string) => void,
): Promise<EmbeddedStack | undefined> {
  if (!Object.values(needs).some(Boolean)) return undefined;
  const { openEmbeddedStack } = await import('../dev-stack/stack.ts').catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
      ? notInstalled(config, needs, error)
      : error;
  });
  return disposal.open(
    'the embedded servers',
    () => openEmbeddedStack({ dataDirectory: resolve(config.OCP_DATA_DIR), needs, say }),
    (stack) => stack.stop(),
  );
}

/** Users of embedded servers know the directory, not the database. */
function startAfresh(config: Config, error: unknown): unknown {
  if (!(error instanceof PipelineError) || error.type !== 'SchemaSuperseded') return error;
  const directory = resolve(config.OCP_DATA_DIR);
  return new PipelineError(
    'SchemaSuperseded',
    `The data in ${directory} was created by ocp-pipeline ${supersededVersion}, before the first release, ` +
      `and cannot be migrated to this version; to start afresh, run: rm -r '${directory}'`,
    { cause: error },
  );
}

/** The container image and `npm ci --omit=dev` leave the embedded servers out. */
function notInstalled(config: Config, needs: Services['embedded'], cause: unknown): PipelineError {
  const { DATABASE_URL, OBJECT_STORE } = config;
  const unset = [
    ...(needs.postgres && DATABASE_URL === undefined ? ['DATABASE_URL'] : []),
    ...(needs.objectStore && OBJECT_STORE === undefined ? ['OBJECT_STORE'] : []),
    ...(needs.temporal && configuredTemporal() === undefined ? ['TEMPORAL_ADDRESS'] : []),
  ];
  const what = unset.length === 0 ? 'this command' : `${unset.join(', ')}: not set; this command`;
  return new PipelineError(
    'ConfigInvalid',
    `${what} needs the embedded servers, which this installation does not have (the container image has none); ` +
      'set the addresses of your servers, or work in a clone of the repository: npm run demo',
    { cause },
  );
}

interface Found {
  stack: EmbeddedStack | undefined;
  embedded: Services['embedded'];
  configured: TemporalTarget | undefined;
}

function addressesOf(config: Config, { stack, embedded, configured }: Found): ServerAddresses {
  const local = stack?.temporalAddress;
  return {
    databaseUrl: (embedded.postgres ? stack?.databaseUrl : config.DATABASE_URL) ?? '',
    objectStoreUrl:
      (embedded.objectStore ? stack?.objectStoreUrl : config.OBJECT_STORE) ?? 'file:///dev/null',
    temporal: configured ?? (local === undefined ? undefined : localTemporal(local)),
  };
}
