import { isGrpcServiceError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { PipelineError } from '../../domain/failures/failures.ts';
import { engineQueues } from '../../domain/run/run.ts';
import { requireParquetWriter } from '../../engines/trino/parquet-file.ts';
import { loadConfig } from '../../platform/config/config.ts';
import { isPolled } from '../../platform/temporal/worker-deployment.ts';
import { serveHealth } from '../../platform/observability/health-server.ts';
import type { PipelineLogger } from '../../platform/observability/logging.ts';
import { missingSearchAttributes } from '../../platform/temporal/search-attributes.ts';
import type { TemporalTarget } from '../../platform/temporal/connection.ts';
import { healthPages } from '../../workers/health.ts';
import { collectStartupGarbage } from '../../workers/memory.ts';
import type { Command } from '../command.ts';
import { describeFailure } from '../failure.ts';
import { howToPoll } from '../idle-queue.ts';
import { requireConfigured } from '../required-settings.ts';
import { openServices, processLogger } from '../services.ts';
import type { Services } from '../services.ts';
import { aborted, stopSignal } from '../stop-signal.ts';

export const workerCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const stop = stopSignal();
    requireConfigured(
      ['DATABASE_URL', 'OBJECT_STORE', 'TEMPORAL_ADDRESS'],
      'for a worker with everything embedded: ocp-pipeline dev',
    );
    requireParquetWriter(loadConfig());
    const services = await openServices(output.say, { temporal: true, objectStore: true, migrate: 'all' });
    // Before the SDK's runtime exists: only the end of a worker ends it, and with it the process.
    const temporal = await requireTemporal(services, output.say).catch(async (error: unknown) => {
      await services.close();
      throw error;
    });
    const logger = await processLogger(services.config, 'standard output');
    let stopHealth = async () => Promise.resolve();
    const close = async () => {
      await stopHealth();
      await services.close();
    };
    try {
      const { OCP_HEALTH_ADDRESS: healthAddress } = services.config;
      if (healthAddress !== undefined)
        stopHealth = await serveHealth(healthAddress, healthPages(services.observer, services.pool));
      const workers = await services.startWorkers({ deployed: true });
      collectStartupGarbage();
      const { TEMPORAL_WORKER_BUILD_ID: buildId } = services.config;
      logger.info({ namespace: temporal.namespace, buildId }, 'worker started');
      await warnOfNoTrino(services, logger);
      await Promise.race([aborted(stop), workers.finished]);
      logger.info('worker stopping: running activities end first');
      workers.stop();
      await workers.finished;
    } catch (error) {
      await closeAfterFailure(error, logger, close);
      throw error;
    }
    await close();
    return 0;
  },
};

/** A worker may be the first one that starts, so this is no reason to end. */
async function warnOfNoTrino(services: Services, logger: PipelineLogger): Promise<void> {
  const { OCP_POSTGRES_PIPELINE: postgres, TRINO_URL: url } = services.config;
  if (postgres === 'true' || url !== undefined) return;
  try {
    if (await isPolled(await services.client(), engineQueues.trino)) return;
  } catch {
    return;
  }
  logger.warn(
    { queue: engineQueues.trino },
    `OCP_POSTGRES_PIPELINE is false, but TRINO_URL is not set here and no worker polls ${engineQueues.trino}: payloads ` +
      `wait until one does; ${howToPoll(engineQueues.trino)}`,
  );
}

/** Time limit for closing connections after a worker failed. */
const closeAfterFailureMs = 5_000;

/**
 * Activities that did not end in time keep their connections, and closing waits for these. The process then exits
 * without them, and PostgreSQL rolls back their transactions.
 */
async function closeAfterFailure(
  error: unknown,
  logger: PipelineLogger,
  close: () => Promise<void>,
): Promise<void> {
  logger.error({ error }, 'worker failed');
  const giveUp = setTimeout(() => {
    logger.error('connections are still in use: ending without closing them');
    process.exit(1);
  }, closeAfterFailureMs);
  await close();
  clearTimeout(giveUp);
}

/** @throws PipelineError `ConfigInvalid` when the namespace lacks what runs need */
async function requireTemporal(services: Services, say: (line: string) => void): Promise<TemporalTarget> {
  const { temporal } = services;
  if (temporal === undefined) throw new Error('a worker asks for Temporal');
  await requireSearchAttributes(await services.client(), temporal.namespace, say);
  return temporal;
}

/**
 * Runs set these attributes: without them no run starts, and existing ones fail.
 *
 * @throws PipelineError `ConfigInvalid` with the command that registers them
 */
async function requireSearchAttributes(
  client: Client,
  namespace: string,
  say: (line: string) => void,
): Promise<void> {
  let missing: string[];
  try {
    missing = await missingSearchAttributes(client.connection as never, namespace);
  } catch (error) {
    // Workers need no permission to check: Temporal Cloud grants it to nobody. If the namespace is missing, they end
    // anyway.
    if (!isGrpcServiceError(error) || !mayNotLook.has(error.code)) throw error;
    say(`Search attributes are not checked: ${describeFailure(error).message}`);
    return;
  }
  if (missing.length > 0)
    throw new PipelineError(
      'ConfigInvalid',
      `Namespace ${namespace} lacks the search attributes ${missing.join(', ')}; ` +
        'register them, then start the worker: ocp-pipeline setup',
    );
}

/** PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED */
const mayNotLook: ReadonlySet<number> = new Set([7, 12, 16]);
