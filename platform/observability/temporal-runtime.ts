import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import { contextOfRun } from './logging.ts';
import type { PipelineLogger } from './logging.ts';
import { metricsEndpoint, metricsFailure } from './metrics.ts';

type OurLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

const levels: Partial<Record<LogLevel, OurLevel>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * The state changes of the SDK's workers, and what they do not poll for because each polls one queue, are two dozen
 * lines per start. They are logged at debug level.
 */
function levelOf(level: LogLevel, message: string, meta: Record<string, unknown> | undefined): OurLevel {
  const ours = levels[level] ?? 'info';
  if (meta?.['sdkComponent'] !== 'worker') return ours;
  const isNoise = ours === 'info' || (ours === 'warn' && /^No [\w ]+ registered, not polling/.test(message));
  return isNoise ? 'debug' : ours;
}

/**
 * Install the runtime of the Temporal SDK, once per process and before any connection: logs of the SDK, of workflows
 * and of activities go to our logger; metrics are served if there is an address; signals are left to the program.
 *
 * @param options.metricsAddress serve the metrics of the SDK and ours here, `host:port`; not served if absent
 * @throws PipelineError `ConfigInvalid` if the metrics cannot be served there
 */
export function installTemporalRuntime(
  logger: PipelineLogger,
  { metricsAddress }: { metricsAddress?: string | undefined } = {},
): void {
  try {
    Runtime.install({
      logger: new DefaultLogger('TRACE', ({ level, message, meta }) => {
        logger[levelOf(level, message, meta)]({ ...contextOfRun(meta), ...meta }, message);
      }),
      telemetryOptions: {
        logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
        ...(metricsAddress === undefined ? {} : { metrics: metricsEndpoint(metricsAddress) }),
      },
      shutdownSignals: [],
    });
  } catch (error) {
    throw metricsAddress === undefined ? error : metricsFailure(metricsAddress, error);
  }
}

/**
 * End the runtime of a process that has no workers; the last worker ends it otherwise. Until then its threads keep the
 * process alive.
 */
export async function closeTemporalRuntime(): Promise<void> {
  await Runtime.instance().shutdown();
}
