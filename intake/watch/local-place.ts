import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../domain/failures/failures.ts';
import { FileProblem, isLeftAlone, maxNameBytes, noteName, numberedNames, ownFolders } from './drop-place.ts';
import type { Box, DroppedFile, DropPlace, DropRoot, Moved } from './drop-place.ts';

const readBytes = 256 * 1024;

/** A directory of this machine. @param directory absolute path */
export function localRoot(directory: string): DropRoot {
  return {
    location: directory,
    check: async () => {
      const found = await stat(directory).catch((error: unknown) => {
        throw unusable(directory, error);
      });
      if (!found.isDirectory())
        throw new PipelineError('ConfigInvalid', `${directory}: not a folder; name the folder of the files`);
      await readdir(directory).catch((error: unknown) => {
        throw unusable(directory, error);
      });
    },
    look: async () => {
      const entries = await readdir(directory, { withFileTypes: true });
      const ours: readonly string[] = ownFolders;
      const seen = entries.filter(({ name }) => !isLeftAlone(name) && !ours.includes(name));
      return {
        folders: seen.filter((entry) => entry.isDirectory()).map(({ name }) => name),
        looseFiles: seen.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
      };
    },
    place: (folder) => new LocalPlace(folder === undefined ? directory : join(directory, folder)),
  };
}

/** Files are moved by renaming them, so a move happens completely or not at all. Links are not followed. */
class LocalPlace implements DropPlace {
  readonly location: string;
  readonly keepsVersions = true;

  constructor(directory: string) {
    this.location = directory;
  }

  /** A file goes through all boxes once, as every payload will. */
  async open(): Promise<void> {
    const name = `.probe-${randomUUID()}`;
    let path = join(this.location, name);
    try {
      await writeFile(path, '', { flag: 'wx' });
      for (const box of ownFolders) {
        await mkdir(this.#folder(box), { recursive: true });
        const next = join(this.#folder(box), name);
        await rename(path, next);
        path = next;
      }
    } catch (error) {
      throw unusable(this.location, error);
    } finally {
      await rm(path, { force: true }).catch(() => undefined); // what failed above says why
    }
  }

  async list(box: Box): Promise<DroppedFile[]> {
    const folder = this.#folder(box);
    const names = (await readdir(folder)).filter((name) => !isLeftAlone(name));
    const files: (DroppedFile & { atNs: bigint })[] = [];
    for (const name of names) {
      const found = await lstat(join(folder, name), { bigint: true }).catch(absent);
      if (found === undefined || found.isDirectory()) continue;
      const problem = problemOf(name, found);
      files.push({
        name,
        version: versionOf(found),
        byteCount: Number(found.size),
        atNs: found.mtimeNs,
        ...(problem === undefined ? {} : { problem }),
      });
    }
    return files.sort((left, right) => Number(left.atNs - right.atNs) || (left.name < right.name ? -1 : 1));
  }

  async *read(box: Box, { name, version }: DroppedFile): AsyncGenerator<Uint8Array> {
    const path = this.#path(box, name);
    // A file may have become a link or a pipe since it was listed.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(path, flags).catch((error: unknown) => {
      throw readProblem(error);
    });
    const changed = () => new FileProblem('changed', 'it changes while it is being read');
    try {
      if (versionOf(await handle.stat({ bigint: true })) !== version) throw changed();
      for (;;) {
        const { bytesRead, buffer } = await handle
          .read(Buffer.allocUnsafe(readBytes), 0, readBytes)
          .catch((error: unknown) => {
            throw readProblem(error);
          });
        if (bytesRead === 0) break;
        yield buffer.subarray(0, bytesRead);
      }
      const now = await lstat(path, { bigint: true }).catch(absent);
      // If it was moved meanwhile, its bytes are those that were read.
      if (now !== undefined && versionOf(now) !== version) throw changed();
    } finally {
      await handle.close();
    }
  }

  async freeName(box: Box, { name }: DroppedFile): Promise<string> {
    for (const candidate of numberedNames(name))
      if ((await lstat(this.#path(box, candidate)).catch(absent)) === undefined) return candidate;
    return name;
  }

  async move({ file, from, to, name }: Moved): Promise<'moved' | 'gone' | 'changed'> {
    const path = this.#path(from, file.name);
    const now = await lstat(path, { bigint: true }).catch(absent);
    if (now === undefined) return 'gone';
    if (versionOf(now) !== file.version) return 'changed';
    try {
      await rename(path, this.#path(to, name));
      return 'moved';
    } catch (error) {
      absent(error);
      return 'gone';
    }
  }

  async writeNote(box: Box, fileName: string, text: string): Promise<void> {
    const path = this.#path(box, noteName(fileName));
    const temporary = this.#path(box, `.${randomUUID()}.tmp`);
    try {
      await writeFile(temporary, text, { flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async removeNote(box: Box, fileName: string): Promise<void> {
    if ((await lstat(this.#path(box, fileName)).catch(absent)) === undefined)
      await rm(this.#path(box, noteName(fileName)), { force: true });
  }

  #folder(box: Box): string {
    return box === 'incoming' ? this.location : join(this.location, box);
  }

  #path(box: Box, name: string): string {
    return join(this.#folder(box), name);
  }
}

function versionOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}:${size}:${mtimeNs}`;
}

function problemOf(name: string, found: BigIntStats): string | undefined {
  if (found.isSymbolicLink()) return 'is a link, and links are not followed; put the file itself here';
  if (!found.isFile()) return 'is not a regular file; remove it';
  if (Buffer.byteLength(name) > maxNameBytes)
    return `has a name of more than ${maxNameBytes} bytes; rename it`;
  return undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** For what may have been moved by somebody else. @throws every other error */
function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
  return undefined;
}

function readProblem(error: unknown): FileProblem {
  const code = codeOf(error);
  if (code === 'ENOENT') return new FileProblem('gone', 'it has gone', { cause: error });
  if (code === 'ELOOP') return new FileProblem('changed', 'it became a link', { cause: error });
  return new FileProblem(
    'unreadable',
    `cannot be read (${code || String(error)}); give the user of this process read permission on it`,
    { cause: error },
  );
}

const adviceByCode: Readonly<Record<string, string>> = {
  ENOENT: 'no such folder; create it, or correct the path',
  ENOTDIR: 'not a folder; name the folder of the files',
  EACCES: 'no permission; give the user of this process read and write permission on the folder',
  EPERM: 'no permission; give the user of this process read and write permission on the folder',
  EROFS: 'read-only file system; files could not be moved out of the way',
  EXDEV: 'processing/, done/ and failed/ must be on the file system of the folder itself',
  EEXIST: 'processing, done and failed must be folders; move away what has one of these names',
  ENOSPC: 'the disk is full; free some space',
};

function unusable(directory: string, cause: unknown): PipelineError {
  const code = codeOf(cause);
  const advice = adviceByCode[code] ?? 'check that it is a folder whose files can be moved';
  return new PipelineError('ConfigInvalid', `${directory}: ${advice}${code === '' ? '' : ` (${code})`}`, {
    cause,
  });
}
