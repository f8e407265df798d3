import { ApplicationFailure, log, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { TemporalFailure } from '@temporalio/common';
import { fields, optional, problemsOf } from '../domain/run/input-check.ts';
import type { FieldRules } from '../domain/run/input-check.ts';
import { defaultRunOptions } from '../domain/run/run.ts';
import type { RunOptions } from '../domain/run/run.ts';
import { passControlFlow } from './control-flow.ts';
import { searchAttributes } from './search-attributes.ts';

const optionRules: Readonly<Record<keyof RunOptions, FieldRules[string]>> = {
  manifestWaitMs: optional(fields.wait),
  manifestPollMaxMs: optional(fields.time),
  loadConcurrency: optional(fields.count),
  transferTimeoutMs: optional(fields.time),
  sqlTimeoutMs: optional(fields.time),
  blockedWaitMs: optional(fields.wait),
  retryInitialMs: optional(fields.time),
  retryMaxMs: optional(fields.time),
};

/** What the inputs of our workflows must be; each may also have `options`. */
export const inputRules = {
  ingestManifest: {
    orgId: fields.id,
    requestId: fields.id,
    inboxId: fields.uuid,
    carried: optional(fields.object),
  },
  resummarize: {
    orgId: fields.id,
    schema: fields.id,
    sourceUuid: fields.uuid,
    month: fields.month,
    from: optional(fields.day),
    until: optional(fields.day),
    delayMs: optional(fields.wait),
    settingsHash: optional(fields.id),
    step: optional(fields.step),
  },
  recalculateCosts: {
    orgId: fields.id,
    schema: fields.id,
    sourceUuid: fields.uuid,
    month: fields.month,
    delayMs: optional(fields.wait),
    settingsHash: optional(fields.id),
  },
  sweepStaging: { retentionDays: optional(fields.days), nowIso: optional(fields.instant) },
  purgeExpired: {
    nowIso: optional(fields.instant),
    busyPauseMs: optional(fields.time),
    busyAttempts: optional(fields.count),
  },
  watchSettings: { delayMs: fields.wait },
} as const satisfies Record<string, FieldRules>;

/**
 * The workflow, with an input that is checked before anything is done: people start runs in the Temporal UI. An invalid
 * input ends the run at once with an explanation; otherwise it would fail workflow tasks, which are retried forever
 * while the run appears to be running. Errors thrown by mistake fail the run for the same reason.
 *
 * @throws ApplicationFailure `InputInvalid`
 */
export function withCheckedInput<Input extends object, Result>(
  name: keyof typeof inputRules,
  workflow: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const problems = inputProblems(name, input);
    if (problems.length > 0) throw refused(`${name}: ${problems.join('; ')}`);
    try {
      return await workflow(withoutNulls(input));
    } catch (error) {
      passControlFlow(error);
      if (error instanceof TemporalFailure) throw error;
      log.error('workflow code failed', { error });
      const message = error instanceof Error ? error.message : String(error);
      throw ApplicationFailure.create({ type: 'Unexpected', message, nonRetryable: true });
    }
  };
}

function inputProblems(name: keyof typeof inputRules, input: unknown): string[] {
  // Cleanups have no required fields.
  const given = input === undefined && (name === 'sweepStaging' || name === 'purgeExpired') ? {} : input;
  const problems = problemsOf(given, inputRules[name]);
  const { options } = (given ?? {}) as { options?: unknown };
  if (options != null) problems.push(...problemsOf(options, optionRules, 'options'));
  return problems;
}

function refused(message: string): ApplicationFailure {
  upsertSearchAttributes([{ key: searchAttributes.pipelineState, value: 'failed' }]);
  setCurrentDetails(`**failed**: ${message}`);
  log.error('the input of a run was rejected', { reason: message });
  return ApplicationFailure.create({ type: 'InputInvalid', message, nonRetryable: true });
}

/** In JSON, null stands for an absent value. */
function withoutNulls<T extends object>(input: T): T {
  const given = Object.entries((input as T | undefined) ?? {}).filter(([, value]) => value !== null);
  return Object.fromEntries(given) as T;
}

/**
 * Limits of a run: those of its input, else the defaults. If the initial retry interval exceeds the maximum, it is
 * reduced: the server would reject such a retry policy again with each workflow task.
 */
export function runOptionsOf(given: Partial<RunOptions> = {}): RunOptions {
  const options = { ...defaultRunOptions, ...withoutNulls(given) };
  return { ...options, retryInitialMs: Math.min(options.retryInitialMs, options.retryMaxMs) };
}
