import type { Workflow, WorkflowHandle, WorkflowResultType } from '@temporalio/client';
import { abortable, resultOf } from '../platform/temporal/calls.ts';

/** Ask about a run; undefined if nobody can answer at present. */
export type Ask = <T>(call: () => Promise<T>) => Promise<T | undefined>;

/** How the wait for a run ended: with its result, its failure, or because there is nothing more to wait for. */
export type WaitEnd<Result, Stop> = { result: Result } | { failure: unknown } | { stop: Stop };

const pollMs = 200;

/**
 * Wait for a run to end, and look at it meanwhile.
 *
 * @param look called until the run has ended; what it answers, if anything, ends the wait
 * @throws the signal's reason if it aborts; the run continues
 */
export async function awaitRun<Run extends Workflow, Stop>(
  handle: WorkflowHandle<Run>,
  signal: AbortSignal,
  look: (ask: Ask) => Promise<Stop | undefined>,
): Promise<WaitEnd<WorkflowResultType<Run>, Stop>> {
  // Aborts when there is nothing left to wait for: the run has ended, is blocked, or the command is to stop.
  const enough = new AbortController();
  const over = AbortSignal.any([signal, enough.signal]);
  const ended = resultOf(handle, over)
    .then(
      (result) => ({ result }),
      (failure: unknown) => ({ failure }),
    )
    .finally(() => {
      enough.abort();
    });
  const ask: Ask = (call) => abortable(handle.client, over, call).catch(() => undefined);
  try {
    while (!over.aborted) {
      const stop = await look(ask);
      if (stop !== undefined) return { stop };
      await pause(over);
    }
  } finally {
    enough.abort();
    // The long poll must have ended before the connection is closed: the SDK would retry it on a closed channel.
    await ended;
  }
  signal.throwIfAborted();
  return ended;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(done, pollMs);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
