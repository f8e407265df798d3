import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  log,
  setHandler,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { LogContext } from '../domain/run/log-context.ts';
import { decisionActions } from '../domain/run/decision.ts';
import type { DecisionAction, OpenFailure, ResolveFailureInput } from '../domain/run/decision.ts';
import { fields, optional, problemsOf } from '../domain/run/input-check.ts';
import type { FieldRules } from '../domain/run/input-check.ts';
import type { Activities } from '../activities/index.ts';
import { isElsewhere } from '../domain/run/run.ts';
import type { Elsewhere } from '../domain/run/run.ts';
import type { BoundActivities, EngineActivities, SettledActivities } from './activity-options.ts';
import { isFinal } from '../domain/failures/failures.ts';
import { passControlFlow } from './control-flow.ts';
import { openFailuresQuery, resolveFailureUpdate } from './messages.ts';

const maxFailures = 1_000;
/** Texts in the details are for people. */
const maxFailuresShown = 20;

/** The subject of a failure. */
type Subject = Pick<OpenFailure, 'subject' | 'pieceId' | 'month'>;

interface Waiting {
  failure: OpenFailure;
  action?: DecisionAction;
}

/** Failures that an operator has to decide about, and the wait for the decision. */
export class Decisions {
  readonly #waiting = new Map<string, Waiting>();
  readonly #waitMs: number;
  readonly #onChange: (open: OpenFailure[]) => void;
  readonly #about: () => LogContext;
  #abandoned = false;

  /**
   * @param onChange called when a failure opens or is resolved
   * @param about what the run is about, for log lines
   */
  constructor(waitMs: number, onChange: (open: OpenFailure[]) => void, about: () => LogContext = () => ({})) {
    this.#waitMs = waitMs;
    this.#onChange = onChange;
    this.#about = about;
    setHandler(openFailuresQuery, () => this.#open(), {
      description: 'Steps that gave up and wait for a decision',
    });
    setHandler(resolveFailureUpdate, (input) => this.#resolve(input), {
      validator: (input: ResolveFailureInput | undefined) => {
        this.#check(input);
      },
      description:
        'Resolve a failure: { "failureId": "…", "action": "retry" | "skip" | "abandon", "note": "…" }; openFailures lists them',
    });
  }

  /** An operator abandoned the run, as opposed to nobody deciding in time. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /**
   * Wait for an operator's decision about a step that gave up.
   * @returns the decision; abandon if nobody decided in time
   */
  async decide(step: string, subject: Subject, error: unknown, canSkip: boolean): Promise<DecisionAction> {
    const { type, message } = causeOf(error);
    const now = Date.now();
    const failure: OpenFailure = {
      failureId: `${step}:${subject.subject}:${now}`,
      step,
      ...subject,
      errorType: type,
      message,
      canSkip,
      since: new Date(now).toISOString(),
      until: new Date(now + this.#waitMs).toISOString(),
    };
    if (this.#waiting.size >= maxFailures) return 'abandon';
    const waiting: Waiting = { failure };
    this.#waiting.set(failure.failureId, waiting);
    this.#onChange(this.#open());
    log.error('step gave up: waiting for a decision', { ...this.#about(), ...failure });
    await condition(() => waiting.action !== undefined, this.#waitMs);
    this.#waiting.delete(failure.failureId);
    this.#onChange(this.#open());
    return waiting.action ?? 'abandon';
  }

  /** The run ends: nothing waits any more, and an Update that arrives now is told so. */
  close(): void {
    this.#waiting.clear();
  }

  /** Before a run ends: an Update that was accepted gets its answer. */
  async settled(): Promise<void> {
    await condition(allHandlersFinished);
  }

  #open(): OpenFailure[] {
    return [...this.#waiting.values()]
      .filter((waiting) => waiting.action === undefined)
      .map(({ failure }) => failure);
  }

  #resolve(input: ResolveFailureInput) {
    const waiting = this.#waiting.get(input.failureId);
    if (waiting !== undefined) waiting.action = input.action;
    if (input.action === 'abandon') this.#abandoned = true;
    log.info('decision about a failure', { ...this.#about(), ...input });
    return { failureId: input.failureId, action: input.action, openCount: this.#open().length };
  }

  /** @throws Error with an explanation: what is wrong, what is expected, and the open ids */
  #check(input: unknown): void {
    const problems = problemsOf(input, decisionRules);
    if (problems.length > 0) throw new Error(`${problems.join('; ')}; ${this.#openIds()}`);
    const { failureId, action } = input as ResolveFailureInput;
    const waiting = this.#waiting.get(failureId);
    if (waiting === undefined || waiting.action !== undefined)
      throw new Error(`No open failure ${failureId.slice(0, 200)}; ${this.#openIds()}`);
    if (action === 'skip' && !waiting.failure.canSkip)
      throw new Error(
        `${waiting.failure.step} cannot be skipped, because only files can; retry or abandon it; ${this.#openIds()}`,
      );
  }

  #openIds(): string {
    const ids = this.#open().map((failure) => failure.failureId);
    if (ids.length === 0) return 'none is open';
    const more = ids.length > maxIdsNamed ? ` and ${ids.length - maxIdsNamed} more` : '';
    return `open: ${ids.slice(0, maxIdsNamed).join(', ')}${more}`;
  }
}

const maxIdsNamed = 5;

/** The argument of the Update `resolveFailure`. */
const decisionRules: FieldRules = {
  failureId: { expected: 'the id of an open failure', holds: fields.id.holds },
  action: {
    expected: decisionActions.join(', '),
    holds: (value) => decisionActions.includes(value as DecisionAction),
  },
  note: optional({ expected: 'a string', holds: (value) => typeof value === 'string' }),
};

/** Markdown for the details of a run: what waits for a decision, and how to decide. */
export function decisionLines(open: readonly OpenFailure[]): string[] {
  if (open.length === 0) return [];
  const lines = open
    .slice(0, maxFailuresShown)
    .flatMap((failure) => [
      `- \`${failure.failureId}\` (${failure.errorType}): ${failure.message}`,
      `  Decide with the Update \`resolveFailure\`: retry${failure.canSkip ? ', skip' : ''} or abandon; fails at ${failure.until}`,
    ]);
  const more = open.length - maxFailuresShown;
  return [
    '',
    '**Waiting for a decision**',
    '',
    ...lines,
    ...(more > 0 ? [`- and ${more} more: query \`openFailures\``] : []),
  ];
}

/** An operator decided to skip a file. */
export class Skipped extends Error {}

/**
 * Make every activity that gives up wait for an operator instead of failing the run: retry runs it again, abandon fails
 * the run. What an engine does on its own queue is called again there.
 *
 * @param options.canSkip whether the caller can continue without what was skipped: skipping throws {@link Skipped}
 * @param options.onWorked called with every activity that succeeded, and its result
 */
export function withDecisions(
  activities: BoundActivities,
  decisions: Decisions,
  { canSkip = false, onWorked = () => undefined }: GuardOptions = {},
): SettledActivities {
  const guard = <Group extends object>(group: Group): Group =>
    new Proxy(group, {
      get: (target, name) => {
        const activity = Reflect.get(target, name) as (input: unknown) => Promise<unknown>;
        const step = name as keyof Activities;
        return (input: unknown) =>
          untilDecided(
            { decisions, canSkip, step, input, onWorked },
            {
              first: () => activity(input),
              elsewhere: ({ engine }) => onEngine(activities[engine], step, input),
            },
          );
      },
    });
  const groups = Object.entries(activities).map(([name, group]) => [
    name,
    // A shadow that gives up is nobody's decision.
    name === 'shadow' ? group : guard(group),
  ]);
  return Object.fromEntries(groups) as SettledActivities;
}

function onEngine(engine: EngineActivities, step: keyof Activities, input: unknown): Promise<unknown> {
  const activity = engine[step as keyof EngineActivities] as (input: unknown) => Promise<unknown>;
  return activity(input);
}

interface GuardOptions {
  canSkip?: boolean;
  onWorked?: (activity: keyof Activities, result: unknown) => void;
}

interface GuardedStep extends Required<GuardOptions> {
  decisions: Decisions;
  step: keyof Activities;
  input: unknown;
}

/** The call of an activity, and what to do if it answers that an engine does the work. */
interface Call {
  first: () => Promise<unknown>;
  elsewhere: (answer: Elsewhere) => Promise<unknown>;
}

async function untilDecided(guarded: GuardedStep, call: Call): Promise<unknown> {
  const { decisions, canSkip, step, input, onWorked } = guarded;
  for (;;) {
    try {
      let result = await call.first();
      if (isElsewhere(result)) result = await call.elsewhere(result);
      onWorked(step, result);
      return result;
    } catch (error) {
      passControlFlow(error);
      if (isFinal(causeOf(error).type)) throw error;
      const action = await decisions.decide(step, subjectOf(input), error, canSkip);
      if (action === 'skip') throw new Skipped(`${step} was skipped`);
      if (action === 'abandon') throw error;
    }
  }
}

/** The subject of a step, in one word. */
function subjectOf(input: unknown): Subject {
  const { pieceId, month, inboxId } = (input ?? {}) as { pieceId?: number; month?: string; inboxId?: string };
  if (pieceId !== undefined) return { subject: `piece ${pieceId}`, pieceId };
  return month === undefined ? { subject: inboxId ?? 'run' } : { subject: month, month };
}

/**
 * Type and message of the failure of an activity, or of the workflow itself. An activity whose retries are exhausted
 * has the type `RetriesExhausted`, whatever its last attempt failed with: a failure that a retry may fix is not final.
 */
export function causeOf(error: unknown): { type: string; message: string; details: unknown[] } {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  const exhausted =
    error instanceof ActivityFailure &&
    (error.retryState === 'TIMEOUT' || error.retryState === 'MAXIMUM_ATTEMPTS_REACHED');
  if (cause instanceof ApplicationFailure && !exhausted)
    return { type: cause.type ?? 'Unexpected', message: cause.message, details: cause.details ?? [] };
  const activity = error instanceof ActivityFailure ? `${error.activityType}: ` : '';
  const { message, last } = lastAttempt(cause);
  const parts = [activity + (exhausted ? 'retries exhausted' : message), last ?? (exhausted ? message : '')];
  return { type: 'RetriesExhausted', message: parts.filter(Boolean).join('; last: '), details: [] };
}

/** A timeout says nothing by itself; the server attaches the failure of the last attempt as its cause. */
function lastAttempt(error: unknown): { message: string; last?: string } {
  if (!(error instanceof Error)) return { message: String(error) };
  const last = error instanceof TimeoutFailure ? error.failure?.cause?.message : undefined;
  return { message: error.message, ...(last == null ? {} : { last }) };
}
