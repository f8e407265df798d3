import { Context, log } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ingestWorkflowId } from '../domain/run/run.ts';
import { eraseAddress, listAddresses } from '../payload/inbox.ts';
import type { AddressedPayload } from '../payload/inbox.ts';
import { purgeAnnouncements } from '../retention/purge-announcements.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/** No object key has this prefix; listing it costs one request. */
const noObject = 'none/';

/** A run is started right after its address is stored. */
const startingMinutes = 10;
const batchSize = 200;

/**
 * Remove what runs and processes that ended abruptly left behind: objects left half-written for an hour or more, and
 * addresses of payloads whose run was terminated, cancelled before any of it ran, or ended under an earlier version.
 * Also announcements that nobody waits for any more.
 * A directory store removes its leftovers on every listing. A bucket never shows a partial object: parts of an
 * interrupted upload are removed by the bucket's lifecycle rule.
 */
export async function removeTemporaryObjects(deps: ActivityDependencies): Promise<void> {
  await deps.objectStore.list(noObject)[Symbol.asyncIterator]().next();
  await eraseEndedAddresses(deps, Context.current().client);
  const deletedCount = await purgeAnnouncements(deps.pool, () => {
    Context.current().heartbeat();
  });
  if (deletedCount > 0) log.info('announcements of long ago were deleted', { deletedCount });
}

/** Erase stored addresses of runs that are not running. Rerun: erased addresses are not found again. */
async function eraseEndedAddresses({ pool }: ActivityDependencies, client: Client): Promise<void> {
  let erasedCount = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const payloads = await listAddresses(pool, { minutes: startingMinutes, after, limit: batchSize });
    for (const { orgId, requestId, inboxId } of payloads) {
      after = inboxId;
      Context.current().heartbeat();
      if (await isRunning(client, { orgId, requestId, inboxId })) continue;
      await eraseAddress(pool, orgId, requestId);
      erasedCount += 1;
    }
    if (payloads.length < batchSize) break;
  }
  if (erasedCount > 0) log.info('download addresses of ended runs were erased', { erasedCount });
}

async function isRunning(client: Client, { orgId, requestId }: AddressedPayload): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(ingestWorkflowId(orgId, requestId)).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
