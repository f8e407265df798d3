import { Context, log } from '@temporalio/activity';
import type { ObjectStore } from '../platform/object-store/index.ts';

/**
 * The run that owns what it writes: the workflow id, which stays the same for an archive however many runs it takes.
 */
function owner(): string {
  return Context.current().info.workflowExecution?.workflowId ?? Context.current().info.activityId;
}

/** The store, in which everything that is put belongs to the run of the current activity. */
export function storeOfRun(store: ObjectStore): ObjectStore {
  const owned = { owner: owner() };
  return {
    location: store.location,
    put: (key, body, options) => store.put(key, body, { ...options, ...owned }),
    get: (key, options) => store.get(key, options),
    head: (key) => store.head(key),
    delete: (key) => store.delete(key),
    list: (prefix) => store.list(prefix),
    listFolder: (folder) => store.listFolder(folder),
    removeTemporary: (of) => store.removeTemporary(of),
    assertUsable: () => store.assertUsable(),
  };
}

/**
 * Remove what killed attempts of this run left half-written: when an attempt that writes starts, and when the run has
 * ended. Leftovers of a terminated run are removed by the next call for any run, once they are an hour old. If the
 * store cannot do so now, a later call will; this must not fail the run.
 */
export async function removeTemporaryOfRun(store: ObjectStore): Promise<void> {
  try {
    await store.removeTemporary(owner());
  } catch (error) {
    log.warn(
      'temporary objects of the run could not be removed; a later run or the staging sweep will remove them',
      {
        error,
      },
    );
  }
}
