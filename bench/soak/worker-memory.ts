import type { ChildProcess } from 'node:child_process';

/** Memory of one thread's V8, bytes. */
export interface ThreadMemory {
  heapUsedBytes: number;
  heapBytes: number;
  externalBytes: number;
  /** part of `externalBytes` */
  arrayBufferBytes: number;
}

/** What the benchmark asks the worker's main thread, and that the other threads. */
export interface MemoryQuestion {
  number: number;
  /** collect garbage first, so that only what something refers to is counted */
  collect: boolean;
}

/** What the worker's main thread answers. */
export interface MemoryAnswer {
  number: number;
  main: ThreadMemory;
  /** the SDK's threads that run workflow code */
  threads: ThreadMemory[];
  /** sockets, timers and the like that the event loop waits for, by kind */
  resources: string[];
}

/** Options that put the probe into a worker before it starts. */
export const probeOptions: readonly string[] = ['--import', import.meta.resolve('./memory-probe.js')];

let lastNumber = 0;

/** Ask a worker that was started with {@link probeOptions} for what its threads hold. */
export async function askMemory(worker: ChildProcess, collect: boolean): Promise<MemoryAnswer> {
  lastNumber += 1;
  const question: MemoryQuestion = { number: lastNumber, collect };
  return new Promise((resolve, reject) => {
    const onMessage = (answer: MemoryAnswer) => {
      if (answer.number !== question.number) return;
      worker.off('message', onMessage);
      resolve(answer);
    };
    worker.on('message', onMessage);
    worker.send(question, (error) => {
      if (error !== null) reject(error);
    });
  });
}
