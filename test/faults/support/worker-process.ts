import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { waitUntil } from '../../support/wait-until.ts';
import { atEnd } from '../../support/at-end.ts';

/** A worker in a process of its own: `ocp-pipeline worker`, as `npm run build` made it. */
export interface WorkerProcess {
  pid: number;
  /** end it at once, as a crash or a lost machine does; resolves when it is gone */
  kill(): Promise<void>;
  /** stop it in its tracks, as a machine that hangs does: it keeps its connections and does nothing */
  freeze(): void;
  thaw(): void;
  /** has it ended, by itself or killed? */
  ended(): boolean;
  /** what it has written to standard output and standard error */
  output(): string;
}

/**
 * A process whose test was killed must not stay behind: its standard input ends with its parent. Its threads load this too,
 * and have no standard input.
 */
const endWithTest =
  `data:text/javascript,import { isMainThread } from 'node:worker_threads';` +
  `if (isMainThread) process.stdin.on('close', () => process.exit(1)).resume();`;
/** As it is shipped, and started in a quarter of the time that the source takes. */
const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/**
 * Start a worker and wait until it says that it is ready. It ends with the file's tests.
 * @param environment settings of the worker; nothing else of ours is inherited
 * @throws Error with the worker's output when it ends before it is ready
 */
export async function startWorkerProcess(environment: Record<string, string>): Promise<WorkerProcess> {
  const child = spawn(process.execPath, ['--import', endWithTest, main, 'worker'], {
    env: { ...inherited(), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  atEnd(kill);
  await waitUntil(() => child.exitCode !== null || output.includes('worker started'), 90_000).catch(
    (cause: unknown) => {
      throw new Error(`the worker does not become ready:\n${output}`, { cause });
    },
  );
  if (child.exitCode !== null || child.pid === undefined)
    throw new Error(`the worker ended with exit code ${child.exitCode} before it was ready:\n${output}`);
  return {
    pid: child.pid,
    kill,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    ended: () => child.exitCode !== null || child.signalCode !== null,
    output: () => output,
  };
}

/** The machine's own variables, without settings of ours or of Temporal. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(OCP_|TEMPORAL_|DATABASE_URL|OBJECT_STORE|S3_|NODE_OPTIONS|VITEST)/.test(name),
    ),
  );
}
