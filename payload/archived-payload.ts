import type { Readable } from 'node:stream';
import { PipelineError } from '../domain/failures/failures.ts';
import type { InboxRow } from './inbox.ts';
import { ObjectNotFound } from '../platform/object-store/index.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/**
 * Read the archive of a payload that was stored in the object store before.
 * @throws PipelineError `ObjectMissing` (not retried) if somebody has removed it since
 */
export async function readArchive(
  { objectStore }: ActivityDependencies,
  inbox: Pick<InboxRow, 'orgId' | 'requestId'>,
  objectKey: string,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    return await objectStore.get(objectKey, { signal });
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error;
    const { orgId, requestId } = inbox;
    throw new PipelineError(
      'ObjectMissing',
      `the archived payload ${objectKey} is no longer in the object store ${objectStore.location}. Restore it there and ` +
        `decide "retry"; or abandon the run (ocp-pipeline replay ${requestId} --decide abandon), then ingest the payload again ` +
        `from its origin: ocp-pipeline ingest PAYLOAD --org ${orgId} --request-id ${requestId}`,
      { cause: error, details: { objectKey } },
    );
  }
}
