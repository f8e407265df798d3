import type { WorkflowClient } from '@temporalio/client';

/** How long one signal is shared by the requests for a result; each of them takes about 20 s. */
const patienceMs = 60_000;

/**
 * Make a client call that ends when `signal` aborts.
 *
 * The SDK (1.24) adds a listener to the signal of every request and never removes it. Each call therefore gets its own
 * short-lived signal; `signal` may live as long as the process.
 *
 * @throws the signal's reason if it has already aborted, otherwise whatever the call throws
 */
export async function abortable<T>(
  client: Pick<WorkflowClient, 'withAbortSignal'>,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  const stop = () => {
    own.abort(signal.reason);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await client.withAbortSignal(own.signal, call);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Result of a run, however long it takes, unless `signal` aborts first. The wait consists of many requests, so it is
 * divided into parts of a minute, each {@link abortable} on its own.
 *
 * @throws what `handle.result()` throws; if `signal` aborts, its reason or the error of the request that it ended
 */
export async function resultOf<R>(
  handle: { client: Pick<WorkflowClient, 'withAbortSignal'>; result(): Promise<R> },
  signal: AbortSignal,
): Promise<R> {
  for (;;) {
    signal.throwIfAborted();
    const part = new AbortController();
    const over = () => {
      part.abort(signal.reason);
    };
    const timer = setTimeout(over, patienceMs);
    signal.addEventListener('abort', over, { once: true });
    try {
      return await abortable(handle.client, part.signal, () => handle.result());
    } catch (error) {
      if (signal.aborted || !part.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
    }
  }
}
