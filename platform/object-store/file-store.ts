import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  constants,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { BodyReader } from './body-reader.ts';
import { assertObjectKey, assertObjectPrefix, incomingFolder, isObjectKey } from './object-key.ts';
import { ObjectKeyInvalid, ObjectNotFound, ObjectStoreError } from './object-store.ts';
import type { FolderListing, ListedObject, OpenedObjectStore, PutOptions } from './object-store.ts';
import { objectStream } from './object-stream.ts';

/** Three times the maximum duration of a writing attempt: a file not written to since then is abandoned. */
const staleAfterMs = 60 * 60 * 1000;
const publishAttempts = 10;

/** Bytes read at a time: each read is a round trip to another thread. */
const readBytes = 256 * 1024;

/** What to do about an error code of the file system. */
const adviceByCode: Readonly<Record<string, string>> = {
  EACCES: 'give the user of this process read and write permission on the directory',
  EPERM: 'give the user of this process read and write permission on the directory',
  EROFS: 'the file system is mounted read-only',
  ENOSPC: 'the disk is full; free some space',
  EDQUOT: 'the disk quota is exhausted',
  EISDIR: 'other objects exist below this key, and in a directory a key is either an object or a folder',
  ENOTEMPTY: 'other objects exist below this key, and in a directory a key is either an object or a folder',
  ENOTDIR: 'a part of this key is itself an object, and in a directory a key is either an object or a folder',
  EEXIST: 'a part of this key is itself an object, and in a directory a key is either an object or a folder',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error));

/** Prefix of the names of an owner's half-written files. Owners may contain any character, file names may not. */
function ownerPart(owner: string): string {
  return `${createHash('sha256').update(owner).digest('hex').slice(0, 32)}.`;
}

/**
 * Objects as files below one directory, for a laptop, tests, or a shared volume.
 *
 * A body is written to `.incoming/` in the same directory, synced to disk and renamed, so a reader sees either the old
 * object or the new one. Files that a killed process left in `.incoming/` are removed after an hour: by the first
 * write, by every listing, and whenever a run looks for its own.
 * Memory: one chunk of the body.
 */
export class FileObjectStore implements OpenedObjectStore {
  readonly location: string;
  readonly #root: string;
  readonly #incoming: string;
  #swept = false;

  /** @param root absolute path; created by the first write */
  constructor(root: string) {
    this.#root = root;
    this.#incoming = join(root, incomingFolder);
    this.location = pathToFileURL(root).href;
  }

  async put(
    key: string,
    body: Readable | Uint8Array,
    options: PutOptions = {},
  ): Promise<{ byteCount: number }> {
    const reader = new BodyReader(body, options.signal);
    const temporary = join(
      this.#incoming,
      `${options.owner === undefined ? '' : ownerPart(options.owner)}${randomUUID()}`,
    );
    try {
      assertObjectKey(key);
      await mkdir(this.#incoming, { recursive: true });
      await this.#sweepOnce();
      await this.#writeDurably(temporary, reader);
      options.signal?.throwIfAborted();
      await this.#publish(temporary, join(this.#root, key));
      return { byteCount: reader.byteCount };
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined); // the sweep removes it later
      throw reader.reasonOf(error, (cause) => this.#translate('writing', key, cause));
    } finally {
      reader.close();
    }
  }

  async get(key: string, options: { signal?: AbortSignal } = {}): Promise<Readable> {
    assertObjectKey(key);
    options.signal?.throwIfAborted();
    try {
      const handle = await open(join(this.#root, key), 'r');
      const isFile = await handle.stat().then((found) => found.isFile());
      if (isFile)
        return objectStream(handle.createReadStream({ highWaterMark: readBytes }), options.signal, (cause) =>
          this.#translate('reading', key, cause),
        );
      await handle.close();
    } catch (error) {
      if (isAbsent(error)) throw new ObjectNotFound(key, this.location, { cause: error });
      throw this.#translate('reading', key, error);
    }
    throw new ObjectNotFound(key, this.location);
  }

  async head(key: string): Promise<{ byteCount: number } | undefined> {
    assertObjectKey(key);
    try {
      const found = await stat(join(this.#root, key));
      return found.isFile() ? { byteCount: found.size } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw this.#translate('looking for', key, error);
    }
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    const path = join(this.#root, key);
    try {
      await unlink(path);
    } catch (error) {
      if (isAbsent(error)) return;
      throw this.#translate('deleting', key, error);
    }
    await this.#removeEmptyFolders(dirname(path));
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    assertObjectPrefix(prefix);
    await this.#sweep();
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    try {
      yield* this.#walk(folder, prefix);
    } catch (error) {
      throw this.#translate('listing', prefix, error);
    }
  }

  async listFolder(folder: string): Promise<FolderListing> {
    assertObjectPrefix(folder);
    try {
      const names = await this.#namesIn(folder, folder);
      const objects: ListedObject[] = [];
      for (const name of names) {
        const found = name.endsWith('/') ? undefined : await this.#listed(name);
        if (found !== undefined) objects.push(found);
      }
      const isFolder = (name: string) => name.endsWith('/') && isObjectKey(name.slice(0, -1));
      return {
        objects,
        folders: names.filter(isFolder).map((name) => name.slice(folder.length, -1)),
      };
    } catch (error) {
      throw this.#translate('listing', folder, error);
    }
  }

  async *#walk(folder: string, prefix: string): AsyncGenerator<ListedObject> {
    for (const name of await this.#namesIn(folder, prefix)) {
      if (name.endsWith('/')) yield* this.#walk(name, prefix);
      else {
        const found = await this.#listed(name);
        if (found !== undefined) yield found;
      }
    }
  }

  /** Keys and, with a slash at the end, folders directly in a folder that start with `prefix`, in order. */
  async #namesIn(folder: string, prefix: string): Promise<string[]> {
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch(
      (error: unknown) => {
        if (isAbsent(error)) return []; // nothing there yet, or removed meanwhile
        throw error;
      },
    );
    // A folder sorts as its name with "/", as its keys do: `a-b` comes before `a/b`.
    return entries
      .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''))
      .filter((name) => name.startsWith(prefix) && name !== `${incomingFolder}/`)
      .sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  }

  async #listed(key: string): Promise<ListedObject | undefined> {
    if (!isObjectKey(key)) return undefined;
    const found = await stat(join(this.#root, key)).catch((error: unknown) => {
      if (isAbsent(error)) return undefined;
      throw error;
    });
    return found?.isFile() === true ? { key, byteCount: found.size, lastModified: found.mtime } : undefined;
  }

  async removeTemporary(owner: string): Promise<void> {
    const names = await readdir(this.#incoming).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw this.#translate('listing', incomingFolder, error);
    });
    for (const name of names)
      if (name.startsWith(ownerPart(owner))) await rm(join(this.#incoming, name), { force: true });
    // Runs that were terminated no longer look for their files.
    await this.#sweep();
  }

  async assertUsable(): Promise<void> {
    try {
      await mkdir(this.#incoming, { recursive: true });
      await access(this.#incoming, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      throw this.#translate('using', incomingFolder, error);
    }
  }

  /** Nothing to release: every file is closed after it was read or written. */
  close(): void {
    return;
  }

  /** Objects are as accessible as their directory: those who may not enter it may not read them either. */
  async #fileMode(): Promise<number> {
    return (await stat(this.#root)).mode & 0o666;
  }

  async #writeDurably(path: string, reader: BodyReader): Promise<void> {
    const handle = await open(path, 'wx', (await this.#fileMode()) | 0o600);
    try {
      for await (const chunk of reader.chunks()) await handle.appendFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /**
   * Rename into place, again if a concurrent `delete` removed the folder in between, and make the names durable too.
   */
  async #publish(temporary: string, path: string): Promise<void> {
    const folder = dirname(path);
    for (let attempt = 1; ; attempt += 1) {
      const created = await mkdir(folder, { recursive: true });
      try {
        await rename(temporary, path);
        await this.#syncFolders(folder, created === undefined ? folder : dirname(created));
        return;
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || attempt === publishAttempts) throw error;
      }
    }
  }

  async #syncFolders(from: string, upTo: string): Promise<void> {
    for (let folder = from; ; folder = dirname(folder)) {
      const handle = await open(folder, 'r');
      await handle.sync().finally(() => handle.close());
      if (folder === upTo || folder === dirname(folder)) return;
    }
  }

  /** Empty folders would accumulate for every day and month ever stored. */
  async #removeEmptyFolders(from: string): Promise<void> {
    for (let folder = from; this.#isBelowRoot(folder); folder = dirname(folder)) {
      try {
        await rmdir(folder);
      } catch {
        return; // not empty, or somebody else removed it: both are fine
      }
    }
  }

  #isBelowRoot(folder: string): boolean {
    const path = relative(this.#root, folder);
    return path !== '' && path !== '..' && !path.startsWith(`..${sep}`);
  }

  async #sweepOnce(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    await this.#sweep();
  }

  /** Best effort: a file that cannot be removed now is retried later, and must not stop the caller. */
  async #sweep(): Promise<void> {
    const names = await readdir(this.#incoming).catch(() => []);
    if (names.length === 0) return;
    const nowMs = await this.#fileSystemNowMs();
    for (const name of names) {
      const path = join(this.#incoming, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && nowMs - found.mtimeMs > staleAfterMs)
        await rm(path, { force: true }).catch(() => undefined);
    }
  }

  /**
   * The clock of the files' timestamps. This machine's clock may differ, on a network file system or if it is wrong,
   * and a file that is being written must not look an hour old. If it cannot be determined, nothing is stale.
   */
  async #fileSystemNowMs(): Promise<number> {
    const probe = join(this.#incoming, `${randomUUID()}.clock`);
    try {
      await writeFile(probe, '');
      return (await stat(probe)).mtimeMs;
    } catch {
      return Number.NEGATIVE_INFINITY;
    } finally {
      await rm(probe, { force: true }).catch(() => undefined);
    }
  }

  #translate(action: string, key: string, error: unknown): unknown {
    if (error instanceof Error && isOwn(error)) return error;
    const code = codeOf(error);
    const advice = adviceByCode[code] ?? 'check that the directory exists and that its disk works';
    return new ObjectStoreError(
      `Object store ${this.location}: ${action} ${key || 'all objects'} failed (${code || String(error)}); ${advice}`,
      { cause: error },
    );
  }
}

function isOwn(error: Error): boolean {
  return error instanceof ObjectStoreError || error instanceof ObjectKeyInvalid;
}
