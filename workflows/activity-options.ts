import { proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import { neverRetried } from '../domain/failures/failures.ts';
import { fairnessKeyOf, priorityKeys } from '../domain/run/priority.ts';
import type { PriorityKey } from '../domain/run/priority.ts';
import { engineQueues, taskQueues } from '../domain/run/run.ts';
import type { Elsewhere, RunOptions } from '../domain/run/run.ts';
import type { Activities } from '../activities/index.ts';

/** Activities with the same queue and time limits. */
type Group = 'transfer' | 'load' | 'sql' | 'shadow' | 'short' | 'forward' | 'watch' | 'maintenance';

/** Which group an activity belongs to; the compiler asks for new ones. */
const groupOf = {
  downloadPayload: 'transfer',
  splitPayload: 'transfer',
  loadReportDay: 'load',
  aggregateDays: 'sql',
  applyTagMapping: 'sql',
  checkCloudInfrastructure: 'sql',
  applyCostModel: 'sql',
  refreshUiSummaries: 'sql',
  validateDays: 'sql',
  compareEngines: 'shadow',
  ensurePartitions: 'short',
  pendingPieces: 'short',
  completeManifest: 'short',
  recordCompletion: 'short',
  recordFailure: 'short',
  answerAnnouncement: 'short',
  forwardRosFiles: 'forward',
  skipFiles: 'short',
  abandonFiles: 'short',
  tenantBatches: 'short',
  recordCleanUp: 'short',
  requestResummarize: 'watch',
  listTenants: 'maintenance',
  sweepTenant: 'maintenance',
  removeTemporaryObjects: 'maintenance',
  purgeTenant: 'maintenance',
} as const satisfies Readonly<Record<keyof Activities, Group>>;

/** Activities that may answer that an engine does the work on its own queue, where they are then called again. */
const engineActivities = ['loadReportDay', 'aggregateDays'] as const;

/** Activities of an engine, on its queue. */
export type EngineActivities = Pick<Activities, (typeof engineActivities)[number]>;

/** The activities, each in its group and in no other; beside them those of the engines. */
export type BoundActivities = {
  [G in Group]: {
    [Name in keyof Activities as (typeof groupOf)[Name] extends G ? Name : never]: Activities[Name];
  };
} & Readonly<Record<keyof typeof engineQueues, EngineActivities>>;

/** The activities as their callers see them: whichever queue the work is done on. */
export type SettledActivities = {
  [G in keyof BoundActivities]: {
    [Name in keyof BoundActivities[G]]: Settled<BoundActivities[G][Name]>;
  };
};

type Settled<Activity> = Activity extends (input: infer Input) => Promise<infer Result>
  ? (input: Input) => Promise<Exclude<Result, Elsewhere>>
  : never;

/** Queue and time limits of each group. Only long activities send heartbeats. */
const bounds: Readonly<Record<Group, (options: RunOptions) => ActivityOptions>> = {
  // Object store and COPY, minutes.
  transfer: (options) => ({
    taskQueue: taskQueues.load,
    startToCloseTimeout: '20 minutes',
    heartbeatTimeout: '30 seconds',
    scheduleToCloseTimeout: options.transferTimeoutMs,
  }),
  load: (options) => ({
    taskQueue: taskQueues.load,
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: '30 seconds',
    scheduleToCloseTimeout: options.sqlTimeoutMs,
  }),
  // Rewriting summaries, minutes.
  sql: (options) => ({
    taskQueue: taskQueues.sql,
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: '30 seconds',
    scheduleToCloseTimeout: options.sqlTimeoutMs,
  }),
  // Beside the run, which goes on without it: nobody waits long for a worker, nor for further attempts.
  shadow: (options) => ({
    taskQueue: engineQueues.trino,
    scheduleToStartTimeout: Math.min(options.sqlTimeoutMs, 300_000),
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: '30 seconds',
    retry: { maximumAttempts: 2 },
  }),
  // One small transaction.
  short: (options) => ({
    taskQueue: taskQueues.pipeline,
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: Math.min(options.sqlTimeoutMs, 3_600_000),
  }),
  // Files for others: the run ends without them if that takes too long.
  forward: (options) => ({
    taskQueue: taskQueues.load,
    startToCloseTimeout: '20 minutes',
    heartbeatTimeout: '30 seconds',
    scheduleToCloseTimeout: Math.min(options.transferTimeoutMs, 3_600_000),
  }),
  // Checking a batch of tenants: it heartbeats after each, so that an attempt resumes where the previous one ended.
  watch: (options) => ({
    taskQueue: taskQueues.pipeline,
    startToCloseTimeout: '20 minutes',
    heartbeatTimeout: '30 seconds',
    scheduleToCloseTimeout: Math.min(options.sqlTimeoutMs, 3_600_000),
  }),
  // Cleanups: long, rare, and on their own queue so that they do not hold up payloads.
  maintenance: (options) => ({
    taskQueue: taskQueues.maintenance,
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '60 seconds',
    scheduleToCloseTimeout: options.sqlTimeoutMs,
  }),
};

/**
 * Work of an engine waits without a limit until somebody polls its queue: nothing is wrong with it. So its attempts are
 * counted, as many as there would be within the time limit if each failed at once.
 */
const engineBounds = (taskQueue: string, options: RunOptions): ActivityOptions => ({
  taskQueue,
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '30 seconds',
  retry: { maximumAttempts: attemptsWithin(options.sqlTimeoutMs, options) },
});

function attemptsWithin(limitMs: number, { retryInitialMs, retryMaxMs }: RunOptions): number {
  let attempts = 1;
  for (let [at, pauseMs] = [0, retryInitialMs]; at + pauseMs <= limitMs; attempts += 1) {
    at += pauseMs;
    pauseMs = Math.min(2 * pauseMs, retryMaxMs);
  }
  return attempts;
}

/** Whose work it is and how urgent; read at every call, because a run knows its month only after the download. */
export interface RunPriority {
  readonly orgId: string;
  key: PriorityKey;
}

const allPriorityKeys = Object.values(priorityKeys);

/**
 * Bind the activities to queues, time limits and the priority at the time of each call; without a priority, the
 * server's default.
 *
 * There is no limit on attempts: the run recovers from outages of PostgreSQL or of the object store by itself, and the
 * schedule-to-close time-out ends other failures. A cancelled activity is waited for, because with an unset
 * cancellation type the run would close while its COPY is still writing.
 */
export function bindActivities(options: RunOptions, priority?: RunPriority): BoundActivities {
  const proxy = (bounds: ActivityOptions, priorityKey: PriorityKey | undefined): Activities =>
    proxyActivities<Activities>({
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      // Tenants share the slots evenly: one that sends hundreds of payloads does not hold up the others.
      ...(priority === undefined || priorityKey === undefined
        ? {}
        : { priority: { priorityKey, fairnessKey: fairnessKeyOf(priority.orgId) } }),
      ...bounds,
      retry: {
        initialInterval: options.retryInitialMs,
        backoffCoefficient: 2,
        maximumInterval: options.retryMaxMs,
        nonRetryableErrorTypes: [...neverRetried],
        ...bounds.retry,
      },
    });
  const bind = (bounds: ActivityOptions, has: (name: keyof Activities) => boolean): Partial<Activities> => {
    const keys = priority === undefined ? [undefined] : allPriorityKeys;
    const byKey = new Map(keys.map((priorityKey) => [priorityKey, proxy(bounds, priorityKey)]));
    return new Proxy<Partial<Activities>>(
      {},
      { get: (_, name: keyof Activities) => (has(name) ? byKey.get(priority?.key)?.[name] : undefined) },
    );
  };
  const groups = (Object.keys(bounds) as Group[]).map((group) => [
    group,
    bind(bounds[group](options), (name) => groupOf[name] === group),
  ]);
  const engines = Object.entries(engineQueues).map(([engine, queue]) => [
    engine,
    bind(engineBounds(queue, options), (name) => (engineActivities as readonly string[]).includes(name)),
  ]);
  return Object.fromEntries([...groups, ...engines]) as BoundActivities;
}
