import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { PipelineError } from '../domain/failures.ts';
import type { ingestManifest } from '../workflows/index.ts';

/** Phases that a run can be reset to, and the activity that each begins with. */
export const resetPhases = {
  download: 'downloadPayload',
  split: 'splitPayload',
  load: 'pendingPieces',
  complete: 'completeManifest',
  aggregate: 'aggregateDays',
  tags: 'applyTagMapping',
  reports: 'refreshUiSummaries',
  validate: 'validateDays',
} as const;
export type ResetPhase = keyof typeof resetPhases;

const { ResetReapplyExcludeType } = proto.temporal.api.enums.v1;

/**
 * Do a phase of a run and everything behind it again, as "Reset" in the Temporal UI does: a run that is going on is
 * terminated, a finished one may be reset too. Earlier decisions and signals are not applied again.
 *
 * @throws PipelineError `ConfigInvalid` when the present run has not come to that phase
 */
export async function resetRun(
  client: Client,
  workflowId: string,
  phase: ResetPhase,
): Promise<WorkflowHandle<typeof ingestManifest>> {
  const { runId } = await client.workflow.getHandle(workflowId).describe();
  const handle = client.workflow.getHandle<typeof ingestManifest>(workflowId, runId);
  const { events } = await handle.fetchHistory();
  const eventId = events?.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === resetPhases[phase],
  )?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId;
  if (eventId == null)
    throw new PipelineError(
      'ConfigInvalid',
      `${workflowId}: its last run has not come to ${phase}; without --from it is started again`,
    );
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
  });
  return client.workflow.getHandle<typeof ingestManifest>(workflowId, newRunId);
}
