/** The object store seam: what the rest of the program imports. */
export { checkObjectStore } from './check-object-store.ts';
export { ObjectKeyInvalid, ObjectNotFound, ObjectStoreError } from './object-store.ts';
export type { ListedObject, ObjectStore } from './object-store.ts';
export { openBucket, openObjectStore } from './open-object-store.ts';
export type { Bucket, OpenObjectStoreOptions } from './open-object-store.ts';
