import { proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import { neverRetried } from '../domain/failures/failures.ts';
import { fairnessKeyOf, priorityKeys } from '../domain/run/priority.ts';
import type { PriorityKey } from '../domain/run/priority.ts';
import { taskQueues } from '../domain/run/run.ts';
import type { RunOptions } from '../domain/run/run.ts';
import type { Activities } from '../activities/index.ts';

/** The activities of a run, each on the queue of the resource it needs and with the bounds of the run. */
export interface BoundActivities {
  /** object store and COPY, minutes */
  transfer: Activities;
  load: Activities;
  /** rewriting summaries, minutes */
  sql: Activities;
  /** one small transaction */
  short: Activities;
}

/** Whose work it is and how urgent; read at every call, because a run knows its month only after the download. */
export interface RunPriority {
  readonly orgId: string;
  key: PriorityKey;
}

const allPriorityKeys = Object.values(priorityKeys);

/**
 * Bind the activities to queues, bounds and the priority that holds at each call.
 *
 * There is no limit on attempts: an outage of PostgreSQL or of the object store heals alone, and the
 * schedule-to-close bound ends what does not. A cancelled activity is waited for, because an unset cancellation type
 * would let the run close while its COPY is still writing.
 */
export function bindActivities(options: RunOptions, priority: RunPriority): BoundActivities {
  const proxy = (specific: ActivityOptions, priorityKey: PriorityKey): Activities =>
    proxyActivities<Activities>({
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: {
        initialInterval: options.retryInitialMs,
        backoffCoefficient: 2,
        maximumInterval: options.retryMaxMs,
        nonRetryableErrorTypes: [...neverRetried],
      },
      // Tenants share the slots evenly: one that sends hundreds of payloads does not hold up the others.
      priority: { priorityKey, fairnessKey: fairnessKeyOf(priority.orgId) },
      ...specific,
    });
  const bind = (specific: ActivityOptions): Activities => {
    const byKey = new Map(allPriorityKeys.map((key) => [key, proxy(specific, key)]));
    return new Proxy({} as Activities, {
      get: (_, name: keyof Activities) => byKey.get(priority.key)?.[name],
    });
  };
  return {
    transfer: bind({
      taskQueue: taskQueues.load,
      startToCloseTimeout: '20 minutes',
      heartbeatTimeout: '30 seconds',
      scheduleToCloseTimeout: options.transferTimeoutMs,
    }),
    load: bind({
      taskQueue: taskQueues.load,
      startToCloseTimeout: '30 minutes',
      heartbeatTimeout: '30 seconds',
      scheduleToCloseTimeout: options.sqlTimeoutMs,
    }),
    sql: bind({
      taskQueue: taskQueues.sql,
      startToCloseTimeout: '30 minutes',
      heartbeatTimeout: '30 seconds',
      scheduleToCloseTimeout: options.sqlTimeoutMs,
    }),
    short: bind({
      taskQueue: taskQueues.pipeline,
      startToCloseTimeout: '1 minute',
      scheduleToCloseTimeout: Math.min(options.sqlTimeoutMs, 3_600_000),
    }),
  };
}
