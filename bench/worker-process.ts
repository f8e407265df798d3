import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { identifyProcess } from '../dev-stack/process-identity.ts';
import { packageRoot } from '../platform/config/package-root.ts';
import { workerEnvironment, workerNodeOptions } from '../workers/memory.ts';
import type { BenchServers } from './servers.ts';

/** A command of the program in a process of its own, so that its memory is its own. */
export interface WorkerProcess {
  pid: number;
  /** the process; it takes messages when something was preloaded */
  child: ChildProcess;
  /** the line of its log that said that it is ready */
  readyLine: string;
  /** rejects when the process ends before it is stopped: a run would wait for it for ever */
  failed: Promise<never>;
  /** End it at once: what it works on is thrown away. */
  stop(): Promise<void>;
}

const main = join(packageRoot, 'dist', 'cli', 'main.js');

/**
 * Start a worker from the build and wait until it polls.
 * @param environment its settings; of ours and of Temporal nothing else is inherited
 * @param preload options of Node that load something before the worker
 * @throws Error that names its log when it ends before it is ready
 */
export async function startWorker(
  servers: Pick<BenchServers, 'track'>,
  environment: Record<string, string>,
  logFile: string,
  preload: readonly string[] = [],
): Promise<WorkerProcess> {
  return startProgram(servers, { command: 'worker', ready: 'worker started', environment, logFile, preload });
}

/**
 * Start `ocp-pipeline serve` from the build and wait until it listens, on a free port of 127.0.0.1.
 * @throws as {@link startWorker}
 */
export async function startServe(
  servers: Pick<BenchServers, 'track'>,
  environment: Record<string, string>,
  logFile: string,
): Promise<WorkerProcess & { port: number }> {
  const own = { ...environment, OCP_HTTP_ADDRESS: '127.0.0.1:0' };
  const ready = 'accepting uploads';
  const serving = await startProgram(servers, {
    command: 'serve',
    ready,
    environment: own,
    logFile,
    preload: [],
  });
  return { ...serving, port: Number(/"port":(\d+)/.exec(serving.readyLine)?.[1]) };
}

/** A command that runs until it is stopped. */
interface Start {
  command: string;
  /** what its log says when it is ready */
  ready: string;
  environment: Record<string, string>;
  logFile: string;
  preload: readonly string[];
}

async function startProgram(
  servers: Pick<BenchServers, 'track'>,
  { command, ready: readyText, environment, logFile, preload }: Start,
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [...workerNodeOptions, ...preload, main, command], {
    env: { ...inherited(), ...workerEnvironment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', ...(preload.length === 0 ? [] : ['ipc' as const])],
    // Ctrl-C reaches the benchmark alone, which then stops its worker before its servers.
    detached: true,
  });
  const exited = once(child, 'exit');
  const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
  if (identity === undefined) throw new Error(`it did not start: ${process.execPath} ${main} ${command}`);
  await servers.track(identity);
  const log = createWriteStream(logFile, { flags: 'a' });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error(`${command} has no output`);
  stderr.pipe(log, { end: false });
  const lines = createInterface({ input: stdout });
  const ready = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      log.write(`${line}\n`);
      if (line.includes(readyText)) resolve(line);
    });
  });
  let stopping = false;
  const failed = exited.then((): never => {
    if (stopping) throw new Error(`${command} was stopped`);
    throw new Error(`${command} ended by itself; its output is in ${logFile}`);
  });
  failed.catch(() => undefined);
  const stop = async () => {
    stopping = true;
    child.kill('SIGKILL');
    await exited;
    log.end();
  };
  const readyLine = await Promise.race([ready, failed]);
  return { pid: identity.pid, child, readyLine, failed, stop };
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(OCP_|TEMPORAL_|DATABASE_URL|OBJECT_STORE|S3_|STAGING_|ARCHIVE_|RETAIN_|MAX_REJECTED)/.test(name),
    ),
  );
}
