import { PassThrough, finished } from 'node:stream';
import type { Readable } from 'node:stream';

/**
 * The stream returned by `get`: the bytes of `source` with translated errors, ended by the caller's signal with its
 * reason. Destroying either end destroys the other.
 */
export function objectStream(
  source: Readable,
  signal: AbortSignal | undefined,
  translate: (error: unknown) => unknown,
): Readable {
  const out = new PassThrough();
  const onAbort = (): void => {
    out.destroy(asError(signal?.reason));
  };
  // A reader may attach later than the first error; it gets the error when it starts reading, and the process goes on.
  out.on('error', () => undefined);
  out.once('close', () => {
    signal?.removeEventListener('abort', onAbort);
    source.destroy();
  });
  // Not `pipeline`: it would destroy `out` with the untranslated error. `finished` also notices a source that ends too
  // early.
  finished(source, { writable: false }, (error) => {
    if (error) out.destroy(asError(translate(error)));
  });
  source.pipe(out);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return out;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('Reading the object was aborted', { cause: reason });
}
