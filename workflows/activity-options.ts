import { proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import { taskQueues } from '../domain/run.ts';
import type { RunOptions } from '../domain/run.ts';
import type { Activities } from '../activities/index.ts';

/** Failures that trying again cannot mend. */
const nonRetryableErrorTypes = [
  'ManifestInvalid',
  'ReportHeaderInvalid',
  'DayNotOurs',
  'ObjectMissing',
  'SchemaTooOld',
  'ConfigInvalid',
];

/** Bytes of a fairness key that the server takes; organisation ids are ASCII. */
const longestFairnessKey = 64;

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

/**
 * There is no limit on attempts: an outage of PostgreSQL or of the object store heals alone, and the
 * schedule-to-close bound ends what does not. A cancelled activity is waited for, because an unset cancellation type
 * would let the run close while its COPY is still writing.
 */
export function bindActivities(options: RunOptions, orgId: string): BoundActivities {
  const bind = (specific: ActivityOptions): Activities =>
    proxyActivities<Activities>({
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: {
        initialInterval: options.retryInitialMs,
        backoffCoefficient: 2,
        maximumInterval: options.retryMaxMs,
        nonRetryableErrorTypes,
      },
      // Tenants share the slots evenly: one that sends hundreds of payloads does not hold up the others.
      priority: { fairnessKey: orgId.slice(0, longestFairnessKey) },
      ...specific,
    });
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
