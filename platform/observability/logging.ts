import { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { redactSecrets } from '../../domain/failures/redaction.ts';
import type { LogContext } from '../../domain/run/log-context.ts';
import { firstDay, lastDay } from '../../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../../domain/time/usage-day.ts';

/** Our logger: JSON lines, the pipeline's name on each, errors with their stack, never secrets. */
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
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
      // On the finished line: secrets are also found inside messages, stacks and errors of libraries.
      hooks: { streamWrite: redactSecrets },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    options.file === undefined
      ? pino.destination({ dest: 1, sync: false })
      : pino.destination({ dest: options.file, mkdir: true, sync: false, mode: 0o600 }),
  );
}

/** What the lines of an activity contain beyond its input; ends with the activity. */
const added = new WeakMap<Context, LogContext>();

/** Set what the running activity is about, once it is known; its later lines contain it. */
export function addLogContext(context: LogContext): void {
  added.set(Context.current(), { ...added.get(Context.current()), ...context });
}

/**
 * Workflows whose manifest is remembered, for the lines of their code and of activities that get only ids. One workflow
 * id is one archive, however many runs it takes (continued as new, reset, started again).
 */
const maxRemembered = 1_000;
const rememberedRuns = new Map<string, LogContext>();

function remember(workflowId: string, context: LogContext): void {
  const known = rememberedRuns.get(workflowId);
  rememberedRuns.delete(workflowId);
  rememberedRuns.set(workflowId, { ...known, ...context });
  for (const [oldest] of rememberedRuns) {
    if (rememberedRuns.size <= maxRemembered) break;
    rememberedRuns.delete(oldest);
  }
}

/** What is remembered about the run that a line of workflow code belongs to. */
export function contextOfRun(meta: Record<string, unknown> | undefined): LogContext {
  const workflowId = meta?.['sdkComponent'] === 'workflow' ? meta['workflowId'] : undefined;
  return typeof workflowId === 'string' ? (rememberedRuns.get(workflowId) ?? {}) : {};
}

/**
 * Adds {@link LogContext} to the lines of every activity. It is taken from the activity's input, from inputs and
 * results of the run's earlier activities in this process, and from {@link addLogContext}; the last wins.
 */
export const activityLogContext: ActivityInterceptorsFactory = (context) => {
  const { workflowExecution, workflowType } = context.info;
  // Other workflows process many sources: nothing applies to the whole run.
  const workflowId = workflowType === 'ingestManifest' ? workflowExecution?.workflowId : undefined;
  let given: LogContext = {};
  return {
    inbound: {
      execute: async (input, next) => {
        given = contextOf(input.args[0]);
        if (workflowId !== undefined) remember(workflowId, given);
        const result = await next(input);
        if (workflowId !== undefined) remember(workflowId, contextOf(result));
        return result;
      },
    },
    outbound: {
      getLogAttributes: (input, next) => ({
        ...next(input),
        ...(workflowId === undefined ? {} : rememberedRuns.get(workflowId)),
        ...given,
        ...added.get(context),
      }),
    },
  };
};

/** The names of these fields in inputs and results of activities. */
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
