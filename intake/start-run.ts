import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PipelineError } from '../domain/failures/failures.ts';
import type { ArchivedPayload } from '../payload/inbox.ts';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';
import { acceptPayload } from './accept-payload.ts';
import type { IntakeDeps } from './accept-payload.ts';
import { isRemote } from './payload-address.ts';
import { startWorkflow } from './start-workflow.ts';
import type { StartedWorkflow } from './start-workflow.ts';

/** A started (or joined) run of a payload. */
export interface StartedRun extends StartedWorkflow {
  payload: string;
}

export interface StartRunRequest {
  orgId: string;
  /** path, or an address with file:, s3:, http: or https: */
  payload: string;
  /** ingress request id; otherwise the payload's SHA-256, or that of the address */
  requestId?: string;
  /** start again although the same payload was processed before */
  again?: boolean;
}

/**
 * Accept a payload that a person names, and start its workflow: {@link acceptPayload} for a caller that waits for the
 * run.
 *
 * @throws PipelineError `PayloadUnavailable` if a local file does not exist
 */
export async function startRun(
  deps: IntakeDeps,
  { payload, ...request }: StartRunRequest,
): Promise<StartedRun> {
  const remote = isRemote(payload);
  const { run, notStarted } = await acceptPayload(deps, {
    way: 'command',
    ...request,
    bytes: remote ? { address: payload } : { path: localPath(payload) },
  });
  if (run === undefined) throw notStarted;
  return { payload: remote ? withoutSecrets(payload) : payload, ...run };
}

/**
 * Start the run of an archived payload again, as "Start Workflow Like This One" does; if a run is in progress, it is
 * joined.
 */
export async function restartRun(
  deps: Omit<IntakeDeps, 'objectStore'>,
  { orgId, requestId, inboxId }: ArchivedPayload,
): Promise<StartedRun> {
  const started = await startWorkflow(deps, { orgId, requestId, inboxId, payload: requestId, again: true });
  return { payload: requestId, ...started };
}

/** Path of a local payload. @throws PipelineError `PayloadUnavailable` if it is not a file */
export function localPath(payload: string): string {
  const url = payload.startsWith('file:') ? new URL(payload) : pathToFileURL(resolve(payload));
  const path = fileURLToPath(url);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new PipelineError(
      'PayloadUnavailable',
      `${payload}: no such file; give a path, or an s3: or https: address`,
    );
  if (!found.isFile())
    throw new PipelineError(
      'PayloadUnavailable',
      `${payload}: not a file; give the path of a tar.gz archive`,
    );
  return path;
}
