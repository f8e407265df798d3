import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { PipelineError } from '../../domain/failures/failures.ts';
import { ObjectNotFound } from '../../platform/object-store/index.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { FileProblem, isLeftAlone, maxNameBytes, noteName, numberedNames, ownFolders } from './drop-place.ts';
import type { Box, DroppedFile, DropPlace, DropRoot, Moved } from './drop-place.ts';

/** A bucket, or a prefix of one. */
export function bucketRoot(store: ObjectStore): DropRoot {
  return {
    location: store.location,
    check: async () => {
      await store.listFolder('').catch((error: unknown) => {
        throw unusable(store.location, error);
      });
    },
    look: async () => {
      const { objects, folders } = await store.listFolder('');
      const ours: readonly string[] = ownFolders;
      return {
        folders: folders.filter((name) => !isLeftAlone(name) && !ours.includes(name)),
        looseFiles: objects.map(({ key }) => key).filter((name) => !isLeftAlone(name)),
      };
    },
    place: (folder) => new BucketPlace(store, folder === undefined ? '' : `${folder}/`),
  };
}

/**
 * An object is moved by copying and then deleting it. If the process ends in between, the next look finds it in both
 * boxes; the copy is recognised by its bytes, and only the deletion is repeated.
 */
class BucketPlace implements DropPlace {
  readonly location: string;
  readonly keepsVersions = false;
  readonly #store: ObjectStore;
  readonly #prefix: string;

  constructor(store: ObjectStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
    this.location = prefix === '' ? store.location : `${store.location} (${prefix})`;
  }

  async open(): Promise<void> {
    const key = this.#key('processing', `.probe-${randomUUID()}`);
    try {
      await this.#store.put(key, Buffer.from('probe of ocp-pipeline'));
      await this.#store.delete(key);
    } catch (error) {
      throw unusable(this.location, error);
    }
  }

  async list(box: Box): Promise<DroppedFile[]> {
    const folder = this.#key(box, '');
    const { objects } = await this.#store.listFolder(folder);
    return objects
      .map(({ key, byteCount, lastModified }) => ({
        name: key.slice(folder.length),
        version: `${byteCount}:${lastModified.getTime()}`,
        byteCount,
        lastModified,
      }))
      .filter(({ name }) => !isLeftAlone(name))
      .sort((left, right) => left.lastModified.getTime() - right.lastModified.getTime())
      .map(({ name, version, byteCount }) => ({
        name,
        version,
        byteCount,
        ...(Buffer.byteLength(name) > maxNameBytes
          ? { problem: `has a name of more than ${maxNameBytes} bytes; rename it` }
          : {}),
      }));
  }

  /** An object does not change while it is read: a replacement is another object. */
  async *read(box: Box, { name }: DroppedFile): AsyncGenerator<Uint8Array> {
    const stream = await this.#store.get(this.#key(box, name)).catch((error: unknown) => {
      throw error instanceof ObjectNotFound
        ? new FileProblem('gone', 'it has gone', { cause: error })
        : error;
    });
    yield* stream as AsyncIterable<Uint8Array>;
  }

  /** The name of a copy that an interrupted move left is free for the same bytes. */
  async freeName(box: Box, file: DroppedFile, sha256: string | undefined): Promise<string> {
    for (const name of numberedNames(file.name)) {
      const found = await this.#store.head(this.#key(box, name));
      if (found === undefined) return name;
      if (found.byteCount === file.byteCount && (await this.#hashOf(box, name)) === sha256) return name;
    }
    return file.name;
  }

  async move({ file, from, to, name, sha256 }: Moved): Promise<'moved' | 'gone' | 'changed'> {
    const source = this.#key(from, file.name);
    const target = this.#key(to, name);
    if ((await this.#store.head(source)) === undefined) return 'gone';
    const isCopied = (await this.#store.head(target)) !== undefined;
    try {
      // The copy becomes visible only if these are the bytes that are meant: somebody may have replaced the object.
      if (!isCopied)
        await this.#store.put(
          target,
          Readable.from(verified(this.read(from, file), sha256), { objectMode: false }),
        );
    } catch (error) {
      if (error instanceof FileProblem && error.kind !== 'unreadable') return error.kind;
      throw error;
    }
    await this.#store.delete(source);
    return 'moved';
  }

  async writeNote(box: Box, fileName: string, text: string): Promise<void> {
    await this.#store.put(this.#key(box, noteName(fileName)), Buffer.from(text));
  }

  async removeNote(box: Box, fileName: string): Promise<void> {
    if ((await this.#store.head(this.#key(box, fileName))) === undefined)
      await this.#store.delete(this.#key(box, noteName(fileName)));
  }

  async #hashOf(box: Box, name: string): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of (await this.#store.get(this.#key(box, name))) as AsyncIterable<Uint8Array>)
      hash.update(chunk);
    return hash.digest('hex');
  }

  #key(box: Box, name: string): string {
    return `${this.#prefix}${box === 'incoming' ? '' : `${box}/`}${name}`;
  }
}

async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  sha256: string | undefined,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  if (sha256 !== undefined && hash.digest('hex') !== sha256)
    throw new FileProblem('changed', 'it was replaced meanwhile');
}

function unusable(location: string, cause: unknown): PipelineError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PipelineError('ConfigInvalid', `${location}: cannot be watched: ${why}`, { cause });
}
