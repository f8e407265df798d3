import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';
import { ingestWorkflowId } from '../domain/run/run.ts';
import type { ArchivedPayload } from '../payload/inbox.ts';
import { freesPayload, idleEngine } from './idle-queue.ts';
import { searchAttributes } from '../workflows/search-attributes.ts';

/** The last run of one archive. */
export interface RunStatus {
  workflowId: string;
  /** as in Temporal: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED, …; NOT FOUND if it was forgotten */
  status: string;
  /** phase, or that it is blocked; undefined if it was never set */
  state?: string;
  /** why nothing happens although nothing failed, and what to do; absent if something does */
  problem?: string;
  /** activities that are running, or wait for their next attempt */
  activities: ActivityStatus[];
}

/** One activity that has not ended. */
export interface ActivityStatus {
  activity: string;
  /** from 1 */
  attempt: number;
  state: 'waiting for a worker' | 'running' | 'waiting to be tried again' | 'paused';
  /** failure of the previous attempt */
  lastFailure?: string;
  /** ISO 8601, UTC; only while it waits for a retry */
  nextAttemptAt?: string;
}

const { PendingActivityState } = proto.temporal.api.enums.v1;

/** Ask Temporal about the last run of each archive. Needs no worker. */
export async function runStatuses(
  client: Client,
  payloads: readonly ArchivedPayload[],
): Promise<RunStatus[]> {
  return Promise.all(
    payloads.map(async ({ orgId, requestId }) => {
      const workflowId = ingestWorkflowId(orgId, requestId);
      try {
        const description = await client.workflow.getHandle(workflowId).describe();
        const problem = await idleEngine(client, description.raw.pendingActivities ?? [], freesPayload);
        return { ...runStatus(workflowId, description), ...(problem === undefined ? {} : { problem }) };
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        return { workflowId, status: 'NOT FOUND', activities: [] };
      }
    }),
  );
}

function runStatus(workflowId: string, description: WorkflowExecutionDescription): RunStatus {
  const state = description.typedSearchAttributes.get(searchAttributes.pipelineState);
  return {
    workflowId,
    status: description.status.name,
    ...(state === undefined ? {} : { state }),
    activities: (description.raw.pendingActivities ?? []).map(activityStatus),
  };
}

function activityStatus(activity: temporal.api.workflow.v1.IPendingActivityInfo): ActivityStatus {
  const lastFailure = activity.lastFailure?.message;
  const attempt = activity.attempt ?? 1;
  const waitsToRetry =
    attempt > 1 && activity.state === PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED;
  const next = Number(activity.nextAttemptScheduleTime?.seconds ?? 0);
  return {
    activity: activity.activityType?.name ?? '',
    attempt,
    state: stateOf(activity, waitsToRetry),
    ...(lastFailure == null ? {} : { lastFailure }),
    ...(waitsToRetry && next > 0 ? { nextAttemptAt: new Date(next * 1_000).toISOString() } : {}),
  };
}

function stateOf(
  { paused, state }: temporal.api.workflow.v1.IPendingActivityInfo,
  waitsToRetry: boolean,
): ActivityStatus['state'] {
  if (paused === true) return 'paused';
  if (state !== PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED) return 'running';
  return waitsToRetry ? 'waiting to be tried again' : 'waiting for a worker';
}

/** Whether the run is in progress, is retrying, or waits for a decision: one phrase. */
export function runPhrase({ status, state, problem, activities }: RunStatus): string {
  if (status !== 'RUNNING') return status.toLowerCase().replaceAll('_', ' ');
  if (state === 'blocked') return 'blocked: waiting for a decision (ocp-pipeline replay)';
  if (activities.some((activity) => activity.state === 'paused')) return 'paused by an operator';
  if (problem !== undefined) return problem;
  const attempt = Math.max(0, ...activities.map((activity) => activity.attempt));
  return attempt > 1 ? `retrying, attempt ${attempt}` : (state ?? 'running');
}

/**
 * State of a manifest that no run has finished, in one phrase: the current run of any of its archives, else how the
 * last of their runs ended.
 */
export function unfinishedPhrase(runs: readonly RunStatus[]): string {
  const running = runs.filter(({ status }) => status === 'RUNNING');
  const blocked = running.find(({ state }) => state === 'blocked');
  const first = blocked ?? running.find(({ state }) => state !== 'waiting') ?? running[0];
  if (first !== undefined) return first.state === 'waiting' ? 'waiting for files' : runPhrase(first);
  const ended = runs.filter(({ status }) => status !== 'NOT FOUND');
  // A run that ended badly needs attention; the others have done their part.
  const worst = ended.find(({ status }) => status !== 'COMPLETED') ?? ended[0];
  if (worst === undefined) return 'unfinished, and no run of it is known';
  return worst.status === 'COMPLETED' ? 'unfinished' : `${runPhrase(worst)}, unfinished`;
}
