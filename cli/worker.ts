import { ConfigInvalid } from '../platform/config.ts';
import { serveHealth } from '../platform/health-server.ts';
import type { PipelineLogger } from '../platform/logging.ts';
import { healthPages } from '../workers/health.ts';
import { collectStartupGarbage } from '../workers/memory.ts';
import type { Command } from './command.ts';
import { openServices, processLogger } from './services.ts';
import { aborted, stopSignal } from './stop-signal.ts';

export const workerCommand: Command<object> = {
  name: 'worker',
  summary: 'Run workers against the configured PostgreSQL, object store and Temporal',
  options: (parser) => parser,
  run: async (_options, output) => {
    const stop = stopSignal();
    requireConfigured();
    const services = await openServices(output.say, { temporal: true, objectStore: true, migrate: 'all' });
    const logger = processLogger(services.config, 'standard output');
    let stopHealth = async () => Promise.resolve();
    const close = async () => {
      await stopHealth();
      await services.close();
    };
    try {
      if (services.temporal === undefined || services.embedded.temporal)
        throw new ConfigInvalid(
          'TEMPORAL_ADDRESS: not set; for a worker with everything embedded: ocp-pipeline dev',
        );
      const { OCP_HEALTH_ADDRESS: healthAddress } = services.config;
      if (healthAddress !== undefined)
        stopHealth = await serveHealth(healthAddress, healthPages(services.observer, services.pool));
      const workers = await services.startWorkers({ deployed: true });
      collectStartupGarbage();
      const { TEMPORAL_WORKER_BUILD_ID: buildId } = services.config;
      logger.info({ namespace: services.temporal.namespace, buildId }, 'worker started');
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

/** Longest time for closing connections after a worker failed. */
const closeAfterFailureMs = 5_000;

/**
 * Activities that did not end in time keep their connections, and closing waits for these: then the process ends without,
 * and PostgreSQL rolls back what it hears no more of.
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

/** A worker that quietly started servers of its own would work on the wrong database. */
function requireConfigured(): void {
  const missing = ['DATABASE_URL', 'OBJECT_STORE'].filter((name) => (process.env[name] ?? '') === '');
  if (missing.length > 0)
    throw new ConfigInvalid(
      `${missing.join(', ')}: not set; for a worker with everything embedded: ocp-pipeline dev`,
    );
}
