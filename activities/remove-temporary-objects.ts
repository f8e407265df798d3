import type { ActivityDependencies } from './dependencies.ts';

/** No object begins with this; listing it costs one request. */
const noObject = 'none/';

/**
 * Remove what killed processes left half-written for a day. A directory store does so with every listing, and a bucket
 * never shows half an object: parts of an upload that was cut off go by the bucket's lifecycle rule.
 */
export async function removeTemporaryObjects(deps: ActivityDependencies): Promise<void> {
  await deps.objectStore.list(noObject)[Symbol.asyncIterator]().next();
}
