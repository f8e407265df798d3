import { Context } from '@temporalio/activity';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { ActivityInterceptorsFactory, LogLevel } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { firstDay, lastDay } from '../domain/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/usage-day.ts';
import { metricsEndpoint, metricsFailure } from './metrics.ts';

/** Our logger: JSON lines, the pipeline's name on each, errors with their stack, secrets never. */
export type PipelineLogger = Logger;

/** What a line is about, as far as it is known when the line is written. */
export interface LogContext {
  /** id of the manifest in the ledger and in Koku's tables */
  manifest_id?: number;
  provider_uuid?: string;
  cluster_id?: string;
  start_date?: UsageDay;
  /** last day, included */
  end_date?: UsageDay;
}

/**
 * @param options.file write to this file instead of standard output
 * @param options.level least level that is written
 */
export function createLogger(options: { level: string; file?: string }): PipelineLogger {
  return pino(
    {
      level: options.level,
      base: { pipeline: 'postgres' },
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
      // On the finished line: a secret is also found inside messages, stacks and errors of libraries.
      hooks: { streamWrite: redactSecrets },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    options.file === undefined
      ? pino.destination({ dest: 1, sync: false })
      : pino.destination({ dest: options.file, mkdir: true, sync: false }),
  );
}

/** Values of fields with these names, at any depth; user and password of addresses; query strings, which sign presigned addresses. */
const secrets: readonly [RegExp, string][] = [
  [
    /("(?:[\w-]*(?:password|secret|token|authorization|api_?key)|downloadUrl)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi,
    '$1"[redacted]"',
  ],
  [/\b(password=)[^\s"'&\\]+/gi, '$1[redacted]'],
  [/([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'/\\]*@/gi, '$1'],
  [/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'?\\]*)\?[^\s"'\\]*/gi, '$1'],
];

/** Cut what may be secret out of a text: passwords, tokens, user info and query strings of addresses. */
export function redactSecrets(line: string): string {
  return secrets.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}

const levels: Partial<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Send the logs of the Temporal SDK, of workflows and of activities to ours. Once per process, before any connection.
 *
 * @param options.metricsAddress serve the metrics of the SDK and ours here, `host:port`; nowhere when it is not given
 * @throws ConfigInvalid when the metrics cannot be served there
 */
export function installTemporalLogger(
  logger: PipelineLogger,
  { metricsAddress }: { metricsAddress?: string | undefined } = {},
): void {
  try {
    Runtime.install({
      logger: new DefaultLogger('TRACE', ({ level, message, meta }) => {
        logger[levels[level] ?? 'info']({ ...contextOfRun(meta), ...meta }, message);
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

/** What the lines of an activity say beyond its input; goes with the activity. */
const added = new WeakMap<Context, LogContext>();

/** Say what the running activity is about, once it is known; its later lines carry it. */
export function addLogContext(context: LogContext): void {
  added.set(Context.current(), { ...added.get(Context.current()), ...context });
}

/** Runs whose manifest is remembered, for the lines of their workflow code and of activities that are given ids only. */
const mostRemembered = 1_000;
const rememberedRuns = new Map<string, LogContext>();

function remember(runId: string, context: LogContext): void {
  const known = rememberedRuns.get(runId);
  rememberedRuns.delete(runId);
  rememberedRuns.set(runId, { ...known, ...context });
  for (const [oldest] of rememberedRuns) {
    if (rememberedRuns.size <= mostRemembered) break;
    rememberedRuns.delete(oldest);
  }
}

function contextOfRun(meta: Record<string, unknown> | undefined): LogContext {
  const runId = meta?.['sdkComponent'] === 'workflow' ? meta['runId'] : undefined;
  return typeof runId === 'string' ? (rememberedRuns.get(runId) ?? {}) : {};
}

/**
 * Puts {@link LogContext} on the lines of every activity. It is read from the activity's input, from what the run's
 * earlier activities in this process were given and found, and from {@link addLogContext}; the last wins.
 */
export const activityLogContext: ActivityInterceptorsFactory = (context) => {
  const { workflowExecution, workflowType } = context.info;
  // Other workflows work on many sources: there is nothing to remember that holds for the whole run.
  const runId = workflowType === 'ingestManifest' ? workflowExecution?.runId : undefined;
  let given: LogContext = {};
  return {
    inbound: {
      execute: async (input, next) => {
        given = contextOf(input.args[0]);
        if (runId !== undefined) remember(runId, given);
        const result = await next(input);
        if (runId !== undefined) remember(runId, contextOf(result));
        return result;
      },
    },
    outbound: {
      getLogAttributes: (input, next) => ({
        ...next(input),
        ...(runId === undefined ? {} : rememberedRuns.get(runId)),
        ...given,
        ...added.get(context),
      }),
    },
  };
};

/** What inputs and results of activities call these things. */
interface Subject {
  manifestId?: unknown;
  sourceUuid?: unknown;
  clusterId?: unknown;
  month?: unknown;
  billingMonth?: unknown;
  force?: { from: UsageDay; until: UsageDay };
  payload?: unknown;
}

function contextOf(subject: unknown): LogContext {
  if (typeof subject !== 'object' || subject === null) return {};
  const { manifestId, sourceUuid, clusterId, month, billingMonth, force, payload } = subject as Subject;
  const ofMonth = month ?? billingMonth;
  return {
    ...contextOf(payload),
    ...(typeof manifestId === 'number' ? { manifest_id: manifestId } : {}),
    ...(typeof sourceUuid === 'string' ? { provider_uuid: sourceUuid } : {}),
    ...(typeof clusterId === 'string' ? { cluster_id: clusterId } : {}),
    ...(typeof ofMonth === 'string'
      ? { start_date: firstDay(ofMonth as BillingMonth), end_date: lastDay(ofMonth as BillingMonth) }
      : {}),
    ...(force === undefined ? {} : { start_date: force.from, end_date: force.until }),
  };
}
