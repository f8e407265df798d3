import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { homedir } from 'node:os';
import { access, constants } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isRunning, stopProcess } from '../../dev-stack/process-identity.ts';
import { startServerProcess } from '../../dev-stack/server-process.ts';
import type { ServerCommand } from '../../dev-stack/server-process.ts';
import { maxWaitMs } from '../support/limits.ts';

/** Folder where `test/servers/install.sh` puts what it builds. */
export function cacheDirectory(): string {
  const configured = process.env['XDG_CACHE_HOME'];
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache');
  return join(base, 'ocp-pipeline');
}

/**
 * Path of a program that a test needs.
 *
 * @throws Error that says how to get it: a test whose server is absent fails rather than being skipped
 */
export async function requireProgram(path: string): Promise<string> {
  try {
    await access(path, constants.X_OK);
    return path;
  } catch (cause) {
    throw new Error(
      `${path} not found or not executable; run test/servers/install.sh, which installs the servers of these tests`,
      { cause },
    );
  }
}

/** A server of a test, that can be started again after it was stopped, on the same port. */
export interface ServerControl {
  start(): Promise<void>;
  /** End it as an operator would; waits until it has ended. */
  stop(): Promise<void>;
  /** End it as a power cut would. */
  kill(): Promise<void>;
  /** It keeps its connections but answers nothing. */
  pause(): void;
  resume(): void;
}

/**
 * Control one server by its pid. It ends with this process whatever happens to the test.
 *
 * @param command how to start it
 * @param isReady whether it answers
 * @param stopSignal what asks it to end
 */
export function controlServer(
  command: ServerCommand,
  isReady: () => Promise<boolean>,
  stopSignal: NodeJS.Signals,
): ServerControl {
  let running: { pid: number; startTime: string } | undefined;
  let untie: () => void = () => undefined;
  const send = (signal: NodeJS.Signals): void => {
    if (running === undefined) throw new Error(`${command.name} does not run, so it cannot get ${signal}`);
    process.kill(running.pid, signal);
  };
  const endWithProcess = (): void => {
    try {
      send('SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (running === undefined) return;
    if (await isRunning(running)) send('SIGCONT'); // a paused process would not notice the request to end
    await stopProcess(running, command.name, [
      { signal, graceMs: 10_000 },
      { signal: 'SIGKILL', graceMs: 5_000 },
    ]);
    running = undefined;
    untie();
    process.off('exit', endWithProcess);
  };
  return {
    start: async () => {
      const server = await startServerProcess(command);
      running = server.identity;
      untie = tieToThisProcess(server.identity.pid);
      process.once('exit', endWithProcess);
      try {
        await server.waitUntil(isReady, maxWaitMs);
      } catch (error) {
        await end('SIGKILL');
        throw error;
      }
    },
    stop: () => end(stopSignal),
    kill: () => end('SIGKILL'),
    pause: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
  };
}

/** Reads until its input ends, and then ends the process that it was given, if that is still the same one. */
const watcher = `
  started() { cut -d' ' -f22 "/proc/$0/stat" 2>/dev/null; }
  first=$(started)
  while read -r _; do :; done
  [ -n "$first" ] && [ "$(started)" = "$first" ] && kill -KILL "$0"`;

/**
 * A test process that is killed runs no handler, and a broker would stay behind with its memory. The pipe to a small
 * watcher closes in any case. @returns what ends the watcher alone
 */
function tieToThisProcess(pid: number): () => void {
  // Of its own session: Ctrl-C must not end it first.
  const child = spawn('sh', ['-c', watcher, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return () => {
    child.kill('SIGKILL');
    child.stdin.destroy();
  };
}
