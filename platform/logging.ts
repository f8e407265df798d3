import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger } from 'pino';

/** Our logger: JSON lines, the pipeline's name on each, errors with their stack, secrets never. */
export type PipelineLogger = Logger;

/**
 * @param options.file write to this file instead of standard output
 * @param options.level least level that is written
 */
export function createLogger(options: { level: string; file?: string }): PipelineLogger {
  return pino(
    {
      level: options.level,
      base: { pipeline: 'postgres' },
      serializers: { error: pino.stdSerializers.err },
      redact: ['*.password', '*.downloadUrl', '*.url', 'password', 'downloadUrl'],
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    options.file === undefined
      ? pino.destination({ dest: 1, sync: false })
      : pino.destination({ dest: options.file, mkdir: true, sync: false }),
  );
}

const levels: Partial<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Send the logs of the Temporal SDK, of workflows and of activities to ours. Once per process, before any connection. */
export function installTemporalLogger(logger: PipelineLogger): void {
  Runtime.install({
    logger: new DefaultLogger('TRACE', ({ level, message, meta }) => {
      logger[levels[level] ?? 'info'](meta ?? {}, message);
    }),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
    shutdownSignals: [],
  });
}
