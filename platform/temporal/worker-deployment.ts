import type { Client, WorkflowClient } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';
import { PipelineError } from '../../domain/failures/failures.ts';
import { taskQueues } from '../../domain/run/run.ts';

/** A worker version, as known to the server. */
export interface DeployedVersion {
  buildId: string;
  /** current: new runs go to it; draining: older runs are still bound to it; drained: its workers can be stopped */
  state: 'current' | 'ramping' | 'draining' | 'drained' | 'inactive';
  /** when one of its workers last polled the workflow queue, ISO 8601; null if that is long ago */
  lastPollAt: string | null;
  /** running workflows that only workers of this version get */
  pinnedRunCount: number;
}

/** A version of a deployment. */
export interface VersionOfDeployment {
  deploymentName: string;
  buildId: string;
}

const pauseMs = 1_000;
/** The server's clock may be slightly behind ours. */
const clockSkewMs = 500;

/**
 * Versions that ever polled, newest first.
 * @returns an empty list if no versioned worker has polled yet
 */
export async function listVersions(client: Client, deploymentName: string): Promise<DeployedVersion[]> {
  const { workflowService, options } = client;
  try {
    const { workerDeploymentInfo: info } = await workflowService.describeWorkerDeployment({
      namespace: options.namespace,
      deploymentName,
    });
    const current = info?.routingConfig?.currentDeploymentVersion?.buildId;
    const ramping = info?.routingConfig?.rampingDeploymentVersion?.buildId;
    const stateOf = (buildId: string, status: number): DeployedVersion['state'] => {
      if (buildId === current) return 'current';
      return buildId === ramping ? 'ramping' : (drainageStates[status] ?? 'inactive');
    };
    return await Promise.all(
      (info?.versionSummaries ?? []).map(async ({ deploymentVersion, drainageInfo }) => {
        const buildId = deploymentVersion?.buildId ?? '';
        const version = { deploymentName, buildId };
        const lastPoll = (await lastPolls(client, version)).get(taskQueues.pipeline);
        return {
          buildId,
          state: stateOf(buildId, drainageInfo?.status ?? 0),
          lastPollAt: lastPoll?.toISOString() ?? null,
          pinnedRunCount: (await client.workflow.count(pinnedRunsQuery(version))).count,
        };
      }),
    );
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** By `VersionDrainageStatus` of the server. */
const drainageStates: readonly DeployedVersion['state'][] = ['inactive', 'draining', 'drained'];

/** Running workflows that are bound to a version. */
function pinnedRunsQuery({ deploymentName, buildId }: VersionOfDeployment): string {
  return `TemporalWorkerDeploymentVersion="${deploymentName}:${buildId}" and ExecutionStatus="Running"`;
}

/**
 * A worker polls again after a minute at most, and the server lists a stopped or killed worker for another five
 * minutes. So an older poll is that of a worker that is gone.
 */
export const maxPollMs = 75_000;

const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;

/** What queues are asked with: a client, or its part for workflows. */
export type QueueClient = Pick<WorkflowClient, 'workflowService'> & { options: { namespace: string } };

/** When a queue was last polled. */
export async function pollersOf(
  client: QueueClient,
  queue: string,
): Promise<{ buildId?: string; deploymentName?: string; at: Date }[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: queue === taskQueues.pipeline ? TASK_QUEUE_TYPE_WORKFLOW : TASK_QUEUE_TYPE_ACTIVITY,
  });
  return pollers.map(({ lastAccessTime, deploymentOptions }) => ({
    ...(deploymentOptions?.buildId ? { buildId: deploymentOptions.buildId } : {}),
    ...(deploymentOptions?.deploymentName ? { deploymentName: deploymentOptions.deploymentName } : {}),
    at: new Date(Number(lastAccessTime?.seconds ?? 0) * 1_000 + (lastAccessTime?.nanos ?? 0) / 1e6),
  }));
}

/** Whether any worker polls a queue, of whatever version. */
export async function isPolled(client: QueueClient, queue: string): Promise<boolean> {
  const pollers = await pollersOf(client, queue);
  return pollers.some(({ at }) => Date.now() - at.getTime() < maxPollMs);
}

/** When workers of a version last polled, by queue; a queue that they have not polled recently is absent. */
async function lastPolls(client: Client, version: VersionOfDeployment): Promise<Map<string, Date>> {
  const polls = new Map<string, Date>();
  await Promise.all(
    Object.values(taskQueues).map(async (queue) => {
      const times = (await pollersOf(client, queue))
        .filter(
          (poller) => poller.buildId === version.buildId && poller.deploymentName === version.deploymentName,
        )
        .map(({ at }) => at.getTime());
      if (times.length > 0) polls.set(queue, new Date(Math.max(...times)));
    }),
  );
  return polls;
}

/** The version that a run is bound to; undefined if any worker may take it. */
export async function pinnedVersion(
  client: Client,
  workflowId: string,
): Promise<VersionOfDeployment | undefined> {
  const { workflowExecutionInfo } = await client.workflowService.describeWorkflowExecution({
    namespace: client.options.namespace,
    execution: { workflowId },
  });
  const info = workflowExecutionInfo?.versioningInfo;
  const { deploymentName, buildId } =
    info?.versioningOverride?.pinned?.version ?? info?.deploymentVersion ?? {};
  return deploymentName && buildId ? { deploymentName, buildId } : undefined;
}

/**
 * Make sure that a worker can execute a run.
 * @throws PipelineError `ConfigInvalid` naming the version that the run is bound to, if that version has no workers
 */
export async function expectWorkersOf(client: Client, workflowId: string): Promise<void> {
  const version = await pinnedVersion(client, workflowId);
  if (version === undefined) return;
  const last = (await lastPolls(client, version)).get(taskQueues.pipeline);
  if (last !== undefined && Date.now() - last.getTime() < maxPollMs) return;
  throw new PipelineError(
    'ConfigInvalid',
    `${workflowId} is bound to version ${version.buildId} of ${version.deploymentName}, which has no running workers (${lastText(last)}); ` +
      `start one with TEMPORAL_WORKER_BUILD_ID=${version.buildId}, or move its runs: ocp-pipeline deployment move ${version.buildId}`,
  );
}

function lastText(last: Date | undefined): string {
  return last === undefined
    ? 'none has polled for minutes'
    : `last poll ${Math.round((Date.now() - last.getTime()) / 1_000)} s ago`;
}

/** The version that new runs go to; undefined if there is none. */
export async function currentVersion(
  client: Client,
  deploymentName: string,
): Promise<VersionOfDeployment | undefined> {
  try {
    const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
      namespace: client.options.namespace,
      deploymentName,
    });
    const buildId = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
    return buildId ? { deploymentName, buildId } : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Binds a run to a version, whatever it was bound to before. */
export function pinnedTo(
  version: VersionOfDeployment,
): temporal.api.workflow.v1.VersioningOverride.$Properties {
  const { PINNED_OVERRIDE_BEHAVIOR_PINNED } =
    proto.temporal.api.workflow.v1.VersioningOverride.PinnedOverrideBehavior;
  return { pinned: { behavior: PINNED_OVERRIDE_BEHAVIOR_PINNED, version } };
}

/**
 * Bind all running workflows of one version to another, whose workers then continue them.
 * @returns the ids of the runs
 */
export async function moveRuns(
  client: Client,
  from: VersionOfDeployment,
  to: VersionOfDeployment,
): Promise<string[]> {
  const moved: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query: pinnedRunsQuery(from) })) {
    await client.workflowService.updateWorkflowExecutionOptions({
      namespace: client.options.namespace,
      workflowExecution: { workflowId, runId },
      workflowExecutionOptions: { versioningOverride: pinnedTo(to) },
      updateMask: { paths: ['versioning_override'] },
      identity: client.options.identity,
    });
    moved.push(workflowId);
  }
  return moved;
}

/**
 * Route new runs to a version; running workflows stay with theirs. Waits until workers of the version poll all queues,
 * so that a deploy job may start together with the workers. Only a poll after the call counts: a worker that has ended
 * stays listed for minutes. Workers poll at least once a minute, so this takes up to a minute.
 *
 * @param waitMs how long to wait, milliseconds
 * @throws PipelineError `ConfigInvalid` naming the queues that no worker of that version polls
 */
export async function setCurrentVersion(
  client: Client,
  version: VersionOfDeployment,
  waitMs: number,
  onWait: (missing: string[]) => void = () => undefined,
): Promise<void> {
  const since = Date.now() - clockSkewMs;
  const deadline = Date.now() + waitMs;
  for (;;) {
    const polls = await lastPolls(client, version);
    const missing = Object.values(taskQueues).filter((queue) => (polls.get(queue)?.getTime() ?? 0) < since);
    if (missing.length === 0) break;
    if (Date.now() >= deadline)
      throw new PipelineError(
        'ConfigInvalid',
        `Version ${version.buildId} of ${version.deploymentName}: expected workers on all queues, found none on ` +
          `${missing.join(', ')}${polls.size === 0 ? '' : ` within ${waitMs / 1_000} s (${lastText(polls.get(missing[0] ?? ''))}; workers poll once a minute)`}; ` +
          `start workers with TEMPORAL_WORKER_BUILD_ID=${version.buildId}`,
      );
    onWait(missing);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, deadline - Date.now())));
  }
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: client.options.namespace,
    ...version,
    identity: client.options.identity,
  });
}

/** gRPC status of "there is no such deployment or version". */
const notFound = 5;

function isNotFound(error: unknown): boolean {
  return (error as { code?: unknown }).code === notFound;
}
