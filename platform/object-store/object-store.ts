import type { Readable } from 'node:stream';
import { PipelineError } from '../../domain/failures/failures.ts';

/** Options of {@link ObjectStore.put}. */
export interface PutOptions {
  /**
   * Names and values stored with the object, for other readers of the bucket (Koku looks for `manifestid`). S3 stores
   * names in lower case. A directory has no place for them and drops them; this program never reads them.
   */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Aborting it ends the upload: the promise rejects with the signal's reason and the object stays as it was. */
  readonly signal?: AbortSignal;
  /** Hold less of the body in memory, where many are written at the same time; a bucket then takes longer for each. */
  readonly isSparing?: boolean;
  /** The writer; if the process is killed, what is left half-written can be removed by this name. */
  readonly owner?: string;
}

/** One object as {@link ObjectStore.list} reports it. */
export interface ListedObject {
  readonly key: string;
  readonly byteCount: number;
  readonly lastModified: Date;
}

/** One level of keys, see {@link ObjectStore.listFolder}. */
export interface FolderListing {
  readonly objects: readonly ListedObject[];
  /** without the path before and the slash behind */
  readonly folders: readonly string[];
}

/**
 * Payload archives, daily CSVs and reject objects: a directory (`file:///directory`) or a bucket
 * (`s3://bucket/prefix`).
 *
 * Keys are relative to that directory or prefix and follow `assertObjectKey`; an invalid key throws {@link
 * ObjectKeyInvalid}. An object and a key below it (`a` and `a/b`) cannot both exist in a directory, so do not create
 * such pairs. Every method throws {@link ObjectStoreError} if the store itself fails (unreachable, access denied, disk
 * full).
 */
export interface ObjectStore {
  /** Where the store is, for messages and logs; never contains credentials. */
  readonly location: string;

  /**
   * Write or replace an object. It appears completely or not at all: readers see the old bytes until the last byte is
   * stored, and a body that fails, or an abort, leaves the old object (or none) and nothing half-written. Of two
   * concurrent writers, one wins completely. The body is always read to its end or destroyed.
   *
   * @returns number of bytes stored
   * @throws the body's own error, unchanged, if reading it failed
   * @throws the signal's reason if aborted
   */
  put(
    key: string,
    body: Readable | Uint8Array,
    options?: PutOptions,
  ): Promise<{ readonly byteCount: number }>;

  /**
   * Read an object. The stream delivers the bytes of one version even if the object is replaced meanwhile; it fails
   * with {@link ObjectStoreError} if the connection breaks before the last byte, and with the signal's reason if
   * aborted. Read it to the end or destroy it: it holds a socket or a file.
   *
   * @throws ObjectNotFound if there is no such object
   */
  get(key: string, options?: { readonly signal?: AbortSignal }): Promise<Readable>;

  /** Size of an object, or undefined if there is none. */
  head(key: string): Promise<{ readonly byteCount: number } | undefined>;

  /** Remove an object; no error if it does not exist. */
  delete(key: string): Promise<void>;

  /**
   * All objects whose key starts with `prefix` (a plain string, not a folder: `a/b` also finds `a/bc`), in the order of
   * their keys' UTF-8 bytes. Objects put or removed meanwhile may or may not appear.
   */
  list(prefix: string): AsyncIterable<ListedObject>;

  /**
   * What lies directly in a folder: objects, and names of folders that hold others, in the order of UTF-8 bytes. What
   * lies deeper costs nothing.
   *
   * @param folder empty, or the beginning of keys up to and with a slash: `a/b/`
   */
  listFolder(folder: string): Promise<FolderListing>;

  /**
   * Remove what this owner's puts have left half-written; a put in progress fails. What others left more than an hour
   * ago is removed too. A bucket never shows a partial object: its lifecycle rule removes parts of an interrupted
   * upload, so there is nothing to do.
   */
  removeTemporary(owner: string): Promise<void>;

  /**
   * A cheap look whether objects could be stored and read, for readiness probes; `checkObjectStore` tries everything.
   *
   * @throws ObjectStoreError if the directory cannot be made or written to, or the bucket does not exist or answer
   */
  assertUsable(): Promise<void>;
}

/** A store as seen by the code that opened it. */
export interface OpenedObjectStore extends ObjectStore {
  /** Close connections; reads and writes in progress fail. */
  close(): void;
}

/** Works while the run is blocked too, where ingesting the payload again would only join it. */
const missingRemedy =
  'restore the object and decide "retry", or recreate it from the archived payload: ' +
  'ocp-pipeline replay MANIFEST --from split';

/** There is no object with this key. */
export class ObjectNotFound extends PipelineError {
  readonly key: string;

  constructor(key: string, location: string, { cause }: ErrorOptions = {}) {
    super('ObjectMissing', `Object ${key} not found in ${location}`, { remedy: missingRemedy, cause });
    this.name = 'ObjectNotFound';
    this.key = key;
  }
}

/** The key violates a rule of `assertObjectKey`; a mistake of the caller, so a retry is useless. */
export class ObjectKeyInvalid extends PipelineError {
  constructor(message: string) {
    super('ObjectMissing', message);
    this.name = 'ObjectKeyInvalid';
  }
}

/**
 * The store failed: the message says what, where and what to do; `cause` is the error of the file system or of the S3
 * client.
 */
export class ObjectStoreError extends PipelineError {
  constructor(message: string, { cause }: ErrorOptions) {
    super('ObjectStoreFailed', message, { cause });
    this.name = 'ObjectStoreError';
  }
}
