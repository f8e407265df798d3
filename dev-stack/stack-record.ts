import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { z } from 'zod';
import { PipelineError } from '../domain/failures/failures.ts';
import { isErrno } from './process-identity.ts';

const retryMs = 100;
const announceAfterMs = 1_000;
/** Installing a Temporal server may take minutes and happens under the lock. */
const waitLimitMs = 20 * 60_000;
/** A lock that was not refreshed for this long belongs to a dead process; it is refreshed every half of it. */
const staleAfterMs = 10_000;

const identity = { pid: z.int().positive(), startTime: z.string() };
const owner = z.object(identity);
const port = z.int().positive();

const stackRecord = z.object({
  postgres: z.object({ owner, server: z.object({ ...identity, port }) }).optional(),
  temporal: z
    .object({ owner, server: z.object({ ...identity, port, uiPort: port, marker: z.string() }) })
    .optional(),
});

/**
 * Content of `stack.json`: for each running server its process, its ports, and the process that started it or took it
 * over and will stop it. A server whose owner is no longer running is an orphan.
 */
export type StackRecord = z.infer<typeof stackRecord>;

/**
 * Read `stack.json`; empty if it does not exist or cannot be read: the servers are then found in other ways or started
 * anew.
 */
export async function readStackRecord(directory: string): Promise<StackRecord> {
  let text: string;
  try {
    text = await readFile(recordPath(directory), 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      return {};
    }
    throw error;
  }
  try {
    return stackRecord.parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Replace `stack.json` atomically and durably: it is how the next start finds servers left behind by a crash. */
export async function writeStackRecord(directory: string, record: StackRecord): Promise<void> {
  const path = recordPath(directory);
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}

/**
 * Run `act` while no other process starts or stops servers of this data directory.
 *
 * The lock of a dead process is broken after ten seconds.
 *
 * @throws PipelineError `EmbeddedServerFailed` if another process holds it for twenty minutes
 */
export async function withStackLock<T>(
  directory: string,
  say: (line: string) => void,
  act: () => Promise<T>,
): Promise<T> {
  return withFileLock(join(directory, 'stack.lock'), 'the embedded servers', say, act);
}

/** Run `act` while holding an inter-process lock; messages use `what` for the thing that it protects. */
export async function withFileLock<T>(
  lockPath: string,
  what: string,
  say: (line: string) => void,
  act: () => Promise<T>,
): Promise<T> {
  const release = await acquire(lockPath, what, say);
  try {
    return await act();
  } finally {
    await release().catch((error: unknown) => {
      // Somebody broke the lock or removed the directory; there is nothing left to release.
      if (!isErrno(error, 'ERELEASED', 'ENOTACQUIRED', 'ENOENT', 'ECOMPROMISED')) {
        throw error;
      }
    });
  }
}

async function acquire(
  lockPath: string,
  what: string,
  say: (line: string) => void,
): Promise<() => Promise<void>> {
  const announce = setTimeout(
    () => say(`waiting for another process that is setting up ${what}`),
    announceAfterMs,
  );
  try {
    return await lock(lockPath, {
      lockfilePath: lockPath,
      realpath: false,
      stale: staleAfterMs,
      retries: { retries: waitLimitMs / retryMs, factor: 1, minTimeout: retryMs, maxTimeout: retryMs },
      onCompromised: (error) =>
        say(`the lock of ${what} was taken over by another process: ${error.message}`),
    });
  } catch (error) {
    if (!isErrno(error, 'ELOCKED')) throw error;
    throw new PipelineError(
      'EmbeddedServerFailed',
      `Another process holds the lock of ${what}; end it, or remove ${lockPath} if there is no such process`,
      {
        cause: error,
      },
    );
  } finally {
    clearTimeout(announce);
  }
}

function recordPath(directory: string): string {
  return join(directory, 'stack.json');
}
