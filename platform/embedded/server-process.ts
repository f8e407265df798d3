import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open, rename, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess, isErrno } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

const logLimitBytes = 16 * 1024 * 1024;
const logTailBytes = 4096;
const pollIntervalMs = 25;

/** What to run as a server; its output is appended to `logFile`. */
export interface ServerCommand {
  /** Name for messages, such as "PostgreSQL". */
  name: string;
  command: string;
  args: readonly string[];
  workingDirectory: string;
  environment: NodeJS.ProcessEnv;
  logFile: string;
  /** Account to run as; only root may name another than its own. */
  account?: { uid: number; gid: number } | undefined;
}

/** A server process just started. */
export interface ServerProcess {
  identity: ProcessIdentity;
  /**
   * Wait until `isReady` says true.
   *
   * @throws Error with the last lines of the log when the process ends first or `timeoutMs` have passed
   */
  waitUntil(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void>;
}

/**
 * Start a server in a session of its own, so that Ctrl-C in the terminal reaches this program only and the worker
 * can finish before its servers go. The server does not keep this process alive and outlives it unless stopped.
 *
 * @throws Error when the program cannot be started at all
 */
export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  const log = await openLog(server.logFile);
  const logStart = (await log.stat()).size;
  let child: ChildProcess;
  try {
    child = spawn(server.command, server.args, {
      cwd: server.workingDirectory,
      env: server.environment,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...server.account,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } catch (error) {
    throw new Error(`${server.name} did not start: ${server.command}: ${String(error)}`, { cause: error });
  } finally {
    await log.close();
  }
  child.unref();
  const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
  if (identity === undefined) {
    throw new Error(await failure(server, logStart, 'ended at once'));
  }
  return {
    identity,
    waitUntil: async (isReady, timeoutMs) => {
      const deadline = Date.now() + timeoutMs;
      while (!(await isReady())) {
        if (child.exitCode !== null || child.signalCode !== null) {
          const how = child.signalCode ?? `exit code ${child.exitCode ?? 'unknown'}`;
          throw new Error(await failure(server, logStart, `ended with ${how}`));
        }
        if (Date.now() > deadline) {
          throw new Error(await failure(server, logStart, `was not ready after ${timeoutMs / 1000} s`));
        }
        await delay(pollIntervalMs);
      }
    },
  };
}

/** Open a log for appending; one that has grown too long is kept once more as `<file>.1`. */
async function openLog(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    if ((await stat(path)).size > logLimitBytes) {
      await rename(path, `${path}.1`);
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) {
      throw error;
    }
  }
  return open(path, 'a');
}

async function failure(server: ServerCommand, logStart: number, what: string): Promise<string> {
  const tail = await readTail(server.logFile, logStart);
  return `${server.name} ${what}; its last output, from ${server.logFile}:\n${tail || '(nothing)'}`;
}

async function readTail(path: string, from: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - logTailBytes);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.max(0, size - start)),
      0,
      undefined,
      start,
    );
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await file.close();
  }
}
