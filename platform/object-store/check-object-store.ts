import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { ObjectStore } from './object-store.ts';

/** What `checkObjectStore` found. */
export type ObjectStoreCheck =
  | { readonly ok: true; readonly location: string }
  | {
      readonly ok: false;
      readonly location: string;
      readonly failedStep: 'write' | 'read' | 'list' | 'delete';
      /** One sentence for the operator: what failed, where, what to do. */
      readonly message: string;
      readonly cause: unknown;
    };

/**
 * Write, read, list and delete a probe object of a few bytes below `probe/`; for `doctor`. Never throws. After a
 * failure the probe is removed if possible.
 */
export async function checkObjectStore(store: ObjectStore): Promise<ObjectStoreCheck> {
  const key = `probe/${randomUUID()}`;
  const bytes = Buffer.from(`probe of ocp-pipeline ${key}`);
  const steps = {
    write: async () => {
      await store.put(key, bytes);
    },
    read: async () => {
      const found = await buffer(await store.get(key));
      if (!found.equals(bytes))
        throw new PipelineError(
          'ObjectStoreFailed',
          `Object store ${store.location}: the probe ${key} was read back with different content (expected ${bytes.length} bytes, found ${found.length}); check whether a proxy in between rewrites objects`,
        );
    },
    list: async () => {
      for await (const found of store.list(key)) if (found.key === key) return;
      throw new PipelineError(
        'ObjectStoreFailed',
        `Object store ${store.location}: the probe ${key} is not listed; check that listing is permitted and consistent`,
      );
    },
    delete: async () => {
      await store.delete(key);
      if ((await store.head(key)) !== undefined)
        throw new PipelineError(
          'ObjectStoreFailed',
          `Object store ${store.location}: the probe ${key} still exists after it was deleted; check that deleting is permitted`,
        );
    },
  };
  for (const failedStep of ['write', 'read', 'list', 'delete'] as const) {
    try {
      await steps[failedStep]();
    } catch (cause) {
      await store.delete(key).catch(() => undefined); // it may be what has just failed
      const message = cause instanceof Error ? cause.message : String(cause);
      return { ok: false, location: store.location, failedStep, message, cause };
    }
  }
  return { ok: true, location: store.location };
}
