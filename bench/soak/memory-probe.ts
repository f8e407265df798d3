import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import type { MemoryAnswer, MemoryQuestion, ThreadMemory } from './worker-memory.ts';

/**
 * Loaded before the worker by `--import`, which does so in each of its threads: nothing outside of a thread can look
 * into its heap. The main thread is asked by the benchmark and asks the others. Nothing here keeps the process alive.
 */
const channel = new BroadcastChannel('bench memory probe');
channel.unref();

type FromThread = { started: true } | { answer: number; memory: ThreadMemory };

if (isMainThread) answerBenchmark();
else answerMainThread();

function ownMemory(collect: boolean): ThreadMemory {
  if (collect) {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  }
  const { used_heap_size: heapUsedBytes, total_heap_size: heapBytes } = getHeapStatistics();
  const { external: externalBytes, arrayBuffers: arrayBufferBytes } = process.memoryUsage();
  return { heapUsedBytes, heapBytes, externalBytes, arrayBufferBytes };
}

function answerMainThread(): void {
  channel.onmessage = (event) => {
    const { number, collect } = (event as { data: MemoryQuestion }).data;
    channel.postMessage({ answer: number, memory: ownMemory(collect) } satisfies FromThread);
  };
  channel.postMessage({ started: true } satisfies FromThread);
}

function answerBenchmark(): void {
  let threadCount = 0;
  let asked: { question: MemoryQuestion; threads: ThreadMemory[] } | undefined;
  const answerWhenComplete = () => {
    if (asked === undefined || asked.threads.length < threadCount) return;
    const { question, threads } = asked;
    asked = undefined;
    const main = ownMemory(question.collect);
    const resources = process.getActiveResourcesInfo();
    process.send?.({ number: question.number, main, threads, resources } satisfies MemoryAnswer);
  };
  channel.onmessage = (event) => {
    const { data } = event as { data: FromThread };
    if ('started' in data) threadCount += 1;
    else if (data.answer === asked?.question.number) asked.threads.push(data.memory);
    answerWhenComplete();
  };
  process.on('message', (question: MemoryQuestion) => {
    asked = { question, threads: [] };
    channel.postMessage(question);
    answerWhenComplete();
  });
  process.channel?.unref();
}
