import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { open, readFile, rename, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { PipelineError } from '../domain/failures/failures.ts';
import { identifyProcess, isErrno } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

const logLimitBytes = 16 * 1024 * 1024;
const logHeadBytes = 1024;
const logTailBytes = 3072;
const pollIntervalMs = 25;
const ownerOnly = 0o600;
/** Files created by servers are accessible to their owner only. */
const serverMask = 0o077;

/** What to run as a server; its output is appended to `logFile`. */
export interface ServerCommand {
  /** Name for messages, such as "PostgreSQL". */
  name: string;
  command: string;
  args: readonly string[];
  workingDirectory: string;
  environment: NodeJS.ProcessEnv;
  logFile: string;
  /** Account to run as; only root may choose another one than its own. */
  account?: { uid: number; gid: number } | undefined;
}

/** A server exited before it was ready. */
export class ServerEnded extends PipelineError {
  constructor(message: string) {
    super('EmbeddedServerFailed', message);
  }
}

/** A server process that was just started. */
export interface ServerProcess {
  identity: ProcessIdentity;
  /**
   * Wait until `isReady` returns true.
   *
   * @throws ServerEnded with the first and last lines of its output if the process exits first
   * @throws PipelineError `EmbeddedServerFailed` with the same after `timeoutMs`
   */
  waitUntil(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void>;
}

/**
 * Start a server in its own session, so that Ctrl-C in the terminal reaches this program only and the worker can finish
 * before its servers stop. The server does not keep this process alive and outlives it unless stopped.
 *
 * @throws PipelineError `EmbeddedServerFailed` if the program cannot be started at all
 * @throws ServerEnded if it has already exited
 */
export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  const log = await openLog(server.logFile);
  const logStart = (await log.stat()).size;
  let child: ChildProcess;
  try {
    child = spawnMasked(server.command, server.args, {
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
    throw new PipelineError(
      'EmbeddedServerFailed',
      `${server.name} did not start: ${server.command}: ${String(error)}`,
      { cause: error },
    );
  } finally {
    await log.close();
  }
  child.unref();
  const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
  if (identity === undefined) {
    throw new ServerEnded(await failure(server, logStart, 'exited at once'));
  }
  return {
    identity,
    waitUntil: async (isReady, timeoutMs) => {
      const deadline = Date.now() + timeoutMs;
      while (!(await isReady())) {
        if (child.exitCode !== null || child.signalCode !== null) {
          const how = child.signalCode ?? `exit code ${child.exitCode ?? 'unknown'}`;
          throw new ServerEnded(await failure(server, logStart, `exited with ${how}`));
        }
        if (Date.now() > deadline) {
          throw new PipelineError(
            'EmbeddedServerFailed',
            await failure(server, logStart, `was not ready after ${timeoutMs / 1000} s`),
          );
        }
        await delay(pollIntervalMs);
      }
    },
  };
}

/** The user's variables without those that begin with `prefix`, such as PGDATA: they must not affect our server. */
export function withoutVariables(environment: NodeJS.ProcessEnv, prefix: string): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith(prefix)));
}

/** A process is started at once, within the call, and keeps the umask of that moment. */
function spawnMasked(...[command, args, options]: [string, readonly string[], SpawnOptions]): ChildProcess {
  const mask = process.umask(serverMask);
  try {
    return spawn(command, args, options);
  } finally {
    process.umask(mask);
  }
}

/** Open a log for appending; a log that has become too long is kept once more as `<file>.1`. */
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
  return open(path, 'a', ownerOnly);
}

async function failure(server: ServerCommand, logStart: number, what: string): Promise<string> {
  const output = await readEnds(server.logFile, logStart);
  return `${server.name} ${what}; its output, from ${server.logFile}:\n${output || '(nothing)'}`;
}

/** Beginning and end: some programs print the error first, others print it last. */
async function readEnds(path: string, from: number): Promise<string> {
  const output = (await readFile(path)).subarray(from);
  if (output.length <= logHeadBytes + logTailBytes) return output.toString().trim();
  const [head, tail] = [output.subarray(0, logHeadBytes), output.subarray(-logTailBytes)];
  return `${head.toString().trim()}\n…\n${tail.toString().trim()}`;
}
