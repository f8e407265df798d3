import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { BodyReader } from './body-reader.ts';
import { assertObjectKey, assertObjectPrefix, isObjectKey } from './object-key.ts';
import { ObjectNotFound } from './object-store.ts';
import type { FolderListing, ListedObject, OpenedObjectStore, PutOptions } from './object-store.ts';
import { objectStream } from './object-stream.ts';
import { isKeyAbsent, translateS3Error, withoutRequest } from './s3-errors.ts';
import { sparingParts, uploadToS3, usualParts } from './s3-upload.ts';

// The SDK's warning about Node 20 is for those who build with it; our README says which versions have how long.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const connectionTimeoutMs = 5_000;
/** A socket without any data for this long is closed. It also limits how long a reader of `get` may pause. */
const idleTimeoutMs = 5 * 60_000;

/** Which bucket, and how to reach it. */
export interface S3StoreOptions {
  readonly bucket: string;
  /** Prepended to every key, without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  /** Address of an S3 server other than AWS; buckets are then addressed in the path. */
  readonly endpoint?: string;
  /** Default: `AWS_REGION`, then the AWS profile. */
  readonly region?: string;
}

/**
 * Objects in an S3 bucket, AWS or compatible. Credentials and other options that are not given come from the AWS SDK's
 * usual environment variables, profile or role. The SDK tries three times on transient errors; longer outages are
 * retried by the caller.
 * Memory: up to 32 MiB per upload, 15 MiB if it is sparing.
 */
export class S3ObjectStore implements OpenedObjectStore {
  readonly location: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #keyPrefix: string;

  constructor({ bucket, prefix, endpoint, region }: S3StoreOptions) {
    this.#bucket = bucket;
    this.#keyPrefix = prefix === '' ? '' : `${prefix}/`;
    const server = endpoint === undefined ? '' : ` at ${new URL(endpoint).origin}`;
    this.location = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}${server}`;
    this.#client = new S3Client({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      requestHandler: { connectionTimeout: connectionTimeoutMs, socketTimeout: idleTimeoutMs },
    });
  }

  async put(
    key: string,
    body: Readable | Uint8Array,
    options: PutOptions = {},
  ): Promise<{ byteCount: number }> {
    const reader = new BodyReader(body, options.signal);
    try {
      const parts = options.isSparing === true ? sparingParts : usualParts;
      const target = { client: this.#client, ...this.#address(key), metadata: options.metadata, parts };
      await uploadToS3(target, reader.chunks(), options.signal);
      return { byteCount: reader.byteCount };
    } catch (error) {
      throw reader.reasonOf(error, (cause) => this.#translate(`writing ${key}`, cause));
    } finally {
      reader.close();
    }
  }

  async get(key: string, options: { signal?: AbortSignal } = {}): Promise<Readable> {
    const { bucket, key: fullKey } = this.#address(key);
    const { signal } = options;
    const translate = (cause: unknown): unknown => this.#translate(`reading ${key}`, cause);
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: bucket, Key: fullKey }),
        signal === undefined ? {} : { abortSignal: signal },
      );
      if (answer.Body instanceof Readable) return objectStream(answer.Body, signal, translate);
      throw new Error('The S3 server sent no response body');
    } catch (error) {
      signal?.throwIfAborted();
      if (isKeyAbsent(error)) throw new ObjectNotFound(key, this.location, { cause: withoutRequest(error) });
      throw translate(error);
    }
  }

  async head(key: string): Promise<{ byteCount: number } | undefined> {
    const { bucket, key: fullKey } = this.#address(key);
    try {
      const answer = await this.#client.send(new HeadObjectCommand({ Bucket: bucket, Key: fullKey }));
      return { byteCount: answer.ContentLength ?? 0 };
    } catch (error) {
      if (isKeyAbsent(error)) return undefined;
      throw this.#translate(`looking for ${key}`, error);
    }
  }

  /** An address with which anybody may read an object for a while: a secret. */
  async presignedAddress(key: string, seconds: number): Promise<string> {
    const { bucket, key: fullKey } = this.#address(key);
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
    return getSignedUrl(this.#client, new GetObjectCommand({ Bucket: bucket, Key: fullKey }), {
      expiresIn: seconds,
    });
  }

  /** Nothing is half-written in a bucket; its lifecycle rule removes parts of an interrupted upload. */
  removeTemporary(): Promise<void> {
    return Promise.resolve();
  }

  /** Asks for a list: only then is a missing bucket told apart from a missing object. */
  async assertUsable(): Promise<void> {
    try {
      await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: this.#keyPrefix, MaxKeys: 1 }),
      );
    } catch (error) {
      throw this.#translate('listing an object', error);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async delete(key: string): Promise<void> {
    const { bucket, key: fullKey } = this.#address(key);
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: bucket, Key: fullKey }));
    } catch (error) {
      if (!isKeyAbsent(error)) throw this.#translate(`deleting ${key}`, error);
    }
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    assertObjectPrefix(prefix);
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: this.#keyPrefix + prefix },
    );
    try {
      for await (const page of pages) yield* this.#objectsOf(page);
    } catch (error) {
      throw this.#translate(`listing ${prefix || 'all objects'}`, error);
    }
  }

  async listFolder(folder: string): Promise<FolderListing> {
    assertObjectPrefix(folder);
    const before = this.#keyPrefix + folder;
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: before, Delimiter: '/' },
    );
    const objects: ListedObject[] = [];
    const folders: string[] = [];
    try {
      for await (const page of pages) {
        objects.push(...this.#objectsOf(page));
        for (const { Prefix } of page.CommonPrefixes ?? []) {
          const name = (Prefix ?? '').slice(before.length, -1);
          if (isObjectKey(folder + name)) folders.push(name);
        }
      }
      return { objects, folders };
    } catch (error) {
      throw this.#translate(`listing ${folder || 'all objects'}`, error);
    }
  }

  *#objectsOf({ Contents = [] }: ListObjectsV2CommandOutput): Generator<ListedObject> {
    for (const found of Contents) {
      const key = (found.Key ?? '').slice(this.#keyPrefix.length);
      // Consoles mark folders with an empty object `folder/`, and other writers may use keys that we cannot name: not
      // ours.
      if (isObjectKey(key))
        yield { key, byteCount: found.Size ?? 0, lastModified: found.LastModified ?? new Date(0) };
    }
  }

  #address(key: string): { bucket: string; key: string } {
    assertObjectKey(key);
    return { bucket: this.#bucket, key: this.#keyPrefix + key };
  }

  #translate(what: string, error: unknown): unknown {
    return translateS3Error(what, this.location, error);
  }
}
