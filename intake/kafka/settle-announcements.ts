import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { ingestWorkflowId } from '../../domain/run/run.ts';
import { closeAnnouncement, decideAnswer, listOpenAnnouncements } from '../../payload/announcements.ts';
import type { OpenAnnouncement, Validation } from '../../payload/announcements.ts';
import type { ingestManifest } from '../../workflows/index.ts';
import { sendDecided } from './take-message.ts';
import type { ListenDeps } from './take-message.ts';

/** Rows per sweep; the next one continues. */
const sweepLimit = 200;

/**
 * Answer what no run answers: answers that a worker could not send, and announcements of payloads whose run was further
 * than its answer when they were announced.
 *
 * @param minSeconds how long an answer has to be open: its run is about to give it
 * @throws the first error of the database, of Temporal or of Kafka; what is left waits for the next sweep
 */
export async function settleAnnouncements(
  deps: ListenDeps,
  { minSeconds, signal }: { minSeconds: number; signal: AbortSignal },
): Promise<void> {
  for (const open of await listOpenAnnouncements(deps.pool, { minSeconds, limit: sweepLimit })) {
    signal.throwIfAborted();
    const { requestId, orgId } = open;
    if (open.validation === null) {
      const end = await endOf(deps, open);
      if (end === 'goes on') continue;
      if (end === 'no answer') {
        await closeAnnouncement(deps.pool, requestId);
        continue;
      }
      await decideAnswer(deps.pool, { requestId, orgId }, end);
    }
    await sendDecided(deps, requestId);
  }
}

/** How the run of an announced payload has ended, for its sender. */
async function endOf(
  { client }: ListenDeps,
  { orgId, requestId, announcedAt }: OpenAnnouncement,
): Promise<Validation | 'goes on' | 'no answer'> {
  if (orgId === null) return 'failure';
  const handle = client.workflow.getHandle<typeof ingestManifest>(ingestWorkflowId(orgId, requestId));
  try {
    const { status, startTime } = await handle.describe();
    if (status.name === 'RUNNING' || status.name === 'PAUSED') return 'goes on';
    // A run that began after the announcement has seen it, and had a reason not to answer.
    if (startTime > announcedAt) return 'no answer';
    return await validationOf(handle);
  } catch (error) {
    // Not started yet; the sweep of the inbox starts it.
    if (error instanceof WorkflowNotFoundError) return 'goes on';
    throw error;
  }
}

async function validationOf(
  handle: WorkflowHandle<typeof ingestManifest>,
): Promise<Validation | 'no answer'> {
  try {
    const { failedFileCount } = await handle.result();
    return failedFileCount === 0 ? 'success' : 'no answer';
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const type = error.cause instanceof ApplicationFailure ? error.cause.type : undefined;
    return type === 'ManifestInvalid' || type === 'PayloadUnavailable' ? 'failure' : 'no answer';
  }
}
