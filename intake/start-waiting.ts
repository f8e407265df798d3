import { listWaiting, markStarted } from '../payload/inbox.ts';
import type { IntakeDeps } from './accept-payload.ts';
import { startWorkflow } from './start-workflow.ts';

/** Rows per sweep; the next one continues. */
const sweepLimit = 500;
/** How long one start may take; when Temporal is away the sweep ends with its first row. */
const startPatienceMs = 10_000;

/**
 * Start the runs of payloads that were accepted while Temporal was away, or whose process died before it could start
 * them. Several processes may sweep at the same time: a run that another one started is joined.
 *
 * @param minSeconds how long a payload has to have waited: its own process is about to start it
 * @returns how many were started or found to be running
 * @throws the first error of the database or of Temporal; what is left waits for the next sweep
 */
export async function startWaiting(
  deps: Omit<IntakeDeps, 'objectStore'>,
  { minSeconds, signal }: { minSeconds: number; signal?: AbortSignal },
): Promise<number> {
  let started = 0;
  for (const { orgId, requestId, inboxId } of await listWaiting(deps.pool, {
    minSeconds,
    limit: sweepLimit,
  })) {
    signal?.throwIfAborted();
    await deps.client.withDeadline(Date.now() + startPatienceMs, () =>
      startWorkflow(deps, { orgId, requestId, inboxId, payload: requestId }),
    );
    await markStarted(deps.pool, inboxId);
    started += 1;
  }
  return started;
}
