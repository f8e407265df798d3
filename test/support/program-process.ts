import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atEnd } from './at-end.ts';

/** The built program; `npm test` builds it first. */
export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A program of ours in a process of its own; it ends with the tests of the file. */
export interface ProgramProcess {
  pid: number;
  /** what it has written to standard output and standard error */
  output: () => string;
  /**
   * Wait until it has written a text, however long a busy machine takes: it is one process all the time, and the limit
   * of the hook or test that waits is the only one.
   * @throws Error with its output when it ends first; also when it is killed at the end of the tests
   */
  hasSaid: (text: string) => Promise<void>;
  signal: (name: NodeJS.Signals) => void;
  /** end it at once, as a crash or a lost machine does; resolves when it is gone */
  kill: () => Promise<void>;
  hasEnded: () => boolean;
  /** resolves with the exit code, null after a signal */
  ended: Promise<number | null>;
}

/**
 * Start it with Node.
 * @param args of Node: options, program, arguments
 * @param environment its settings; nothing else of ours or of Temporal is inherited
 */
export function startProgramProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ProgramProcess {
  const child = spawn(process.execPath, args, {
    env: { ...inherited(), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) throw new Error(`not started: ${process.execPath} ${args.join(' ')}`);
  let output = '';
  const heard = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of heard) look();
    });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  atEnd(kill);
  return {
    pid: child.pid,
    output: () => output,
    hasSaid: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!output.includes(text)) return;
          heard.delete(look);
          resolve();
        };
        heard.add(look);
        look();
        void ended.then((code) => {
          reject(
            new Error(`expected "${text}", but the program ended with ${code ?? 'a signal'}:\n${output}`),
          );
        });
      }),
    signal: (name) => void child.kill(name),
    kill,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended,
  };
}

/**
 * A process whose test was killed must not stay behind: its standard input ends with its parent. Watching it shall not
 * keep a worker alive that has ended. Its threads load this too, and have no standard input.
 */
const endWithTest =
  `data:text/javascript,import { isMainThread } from 'node:worker_threads';` +
  `if (isMainThread) process.stdin.on('close', () => process.exit(1)).resume().unref();`;

/**
 * Start the built `ocp-pipeline worker`: as it is shipped, and with an eighth of the processor time that the source
 * takes.
 * @param environment its settings; nothing else of ours or of Temporal is inherited
 */
export function startWorkerProgram(environment: Readonly<Record<string, string>>): ProgramProcess {
  return startCommand(['worker'], environment);
}

/**
 * Start a command of the built program that runs until it is told to end.
 * @param words the command and its options
 * @param environment its settings; nothing else of ours or of Temporal is inherited
 */
export function startCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): ProgramProcess {
  return startProgramProcess(['--import', endWithTest, program, ...words], environment);
}

/** The machine's own variables, without settings of ours or of Temporal. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(OCP_|TEMPORAL_|DATABASE_|READ_DATABASE_|OBJECT_STORE|S3_|KAFKA_|OIDC_|TRUST_|RBAC_URL|INSIGHTS_|REQUESTED_|NODE_OPTIONS|VITEST)/.test(
          name,
        ),
    ),
  );
}
