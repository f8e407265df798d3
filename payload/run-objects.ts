import { Context, log } from '@temporalio/activity';
import type { ObjectStore } from '../platform/object-store/index.ts';

/** Whose run this is, for what it writes: the workflow id, which is one archive's however many runs it takes. */
function owner(): string {
  return Context.current().info.workflowExecution?.workflowId ?? Context.current().info.activityId;
}

/** The store, where everything that is put belongs to the run whose activity this is. */
export function storeOfRun(store: ObjectStore): ObjectStore {
  const owned = { owner: owner() };
  return {
    location: store.location,
    put: (key, body, options) => store.put(key, body, { ...options, ...owned }),
    get: (key, options) => store.get(key, options),
    head: (key) => store.head(key),
    delete: (key) => store.delete(key),
    list: (prefix) => store.list(prefix),
    removeTemporary: (of) => store.removeTemporary(of),
  };
}

/**
 * Remove what killed attempts of this run have left half-written: at the begin of an attempt that writes, and when the run has
 * ended. What a run that was terminated has left goes with the next call for any run, once it is an hour old. A store that cannot
 * do so now does it another time; that must not fail the run.
 */
export async function removeTemporaryOfRun(store: ObjectStore): Promise<void> {
  try {
    await store.removeTemporary(owner());
  } catch (error) {
    log.warn(
      'temporary objects of the run could not be removed; a later run or the sweep of staging does so',
      {
        error,
      },
    );
  }
}
