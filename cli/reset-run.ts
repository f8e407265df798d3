import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';
import { PipelineError } from '../domain/failures/failures.ts';
import { steps } from '../domain/run/steps.ts';
import type { StepName } from '../domain/run/steps.ts';
import { currentVersion, pinnedTo, pinnedVersion } from '../platform/temporal/worker-deployment.ts';
import type { ingestManifest } from '../workflows/index.ts';

/** Phases that a run can be reset to, and the first activity of each: those of the payload, then the chain of steps. */
export const resetPhases = {
  download: 'downloadPayload',
  split: 'splitPayload',
  load: 'pendingPieces',
  complete: 'completeManifest',
  ...(Object.fromEntries(steps.map(({ name, activity }) => [name, activity])) as Record<StepName, string>),
} as const;
export type ResetPhase = keyof typeof resetPhases;

const { ResetReapplyExcludeType } = proto.temporal.api.enums.v1;

/**
 * Repeat a phase of a run and everything after it, as "Reset" in the Temporal UI does: a running workflow is
 * terminated, a finished one may be reset too. Earlier decisions and signals are not reapplied. If a run continued as
 * new, the run that executed the phase is searched. The new run goes to the current version of the workers.
 *
 * @throws PipelineError `ConfigInvalid` if the run has not reached that phase
 */
export async function resetRun(
  client: Client,
  workflowId: string,
  phase: ResetPhase,
): Promise<WorkflowHandle<typeof ingestManifest>> {
  const { runId: lastRunId } = await client.workflow.getHandle(workflowId).describe();
  const { runId, eventId } = await findPhase(client, workflowId, lastRunId, phase);
  const { runId: newRunId } = await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId: eventId,
    resetReapplyExcludeTypes: [
      ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
      ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
    ],
    requestId: randomUUID(),
    reason: `ocp-pipeline replay --from ${phase}`,
    ...(await onCurrentVersion(client, workflowId)),
  });
  // The result of this run, or of those that it continues as; everything else is queried from the running one.
  return client.workflow.getHandle<typeof ingestManifest>(workflowId, undefined, {
    firstExecutionRunId: newRunId,
  });
}

/** The new run would be bound to the version of the old one, whose workers may be long gone. */
async function onCurrentVersion(client: Client, workflowId: string) {
  const pinned = await pinnedVersion(client, workflowId);
  const current = pinned && (await currentVersion(client, pinned.deploymentName));
  if (current === undefined || current.buildId === pinned?.buildId) return {};
  return {
    postResetOperations: [
      {
        updateWorkflowOptions: {
          workflowExecutionOptions: { versioningOverride: pinnedTo(current) },
          updateMask: { paths: ['versioning_override'] },
        },
      },
    ],
  };
}

type EventId = NonNullable<temporal.api.history.v1.IHistoryEvent['eventId']>;

/** The workflow task that first scheduled the phase's activity, in the last run or one that it continues. */
async function findPhase(
  client: Client,
  workflowId: string,
  lastRunId: string,
  phase: ResetPhase,
): Promise<{ runId: string; eventId: EventId }> {
  for (let runId: string | undefined = lastRunId; runId;) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const scheduled = events?.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === resetPhases[phase],
    );
    const eventId = scheduled?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId;
    if (eventId != null) return { runId, eventId };
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
  }
  throw new PipelineError(
    'ConfigInvalid',
    `${workflowId}: its last run has not come to ${phase}; without --from it is started again`,
  );
}
