import { startWorkerProgram } from '../../support/program-process.ts';

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
 * Start a worker and wait until it says that it is ready. It ends with the file's tests.
 * @param environment settings of the worker; nothing else of ours is inherited
 * @throws Error with the worker's output when it ends before it is ready
 */
export async function startWorkerProcess(environment: Record<string, string>): Promise<WorkerProcess> {
  const worker = startWorkerProgram(environment);
  await worker.hasSaid('worker started');
  return {
    pid: worker.pid,
    kill: worker.kill,
    freeze: () => worker.signal('SIGSTOP'),
    thaw: () => worker.signal('SIGCONT'),
    ended: worker.hasEnded,
    output: worker.output,
  };
}
