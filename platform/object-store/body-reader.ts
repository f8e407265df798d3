import { Readable } from 'node:stream';

/**
 * Reads the body of one `put`: counts its bytes, ends it if the caller aborts, and remembers whether the body itself
 * failed, so that a store can distinguish the caller's errors from its own.
 */
export class BodyReader {
  byteCount = 0;
  readonly #body: Readable;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.close();
  };
  #failure: { readonly error: unknown } | undefined;

  constructor(body: Readable | Uint8Array, signal: AbortSignal | undefined) {
    this.#body = body instanceof Readable ? body : Readable.from([body]);
    this.#signal = signal;
    // The body may fail before anybody reads it; without a listener that would end the process. Reading it reports the
    // error.
    this.#body.on('error', () => undefined);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The bytes, in the chunks in which they arrive. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    this.#signal?.throwIfAborted();
    try {
      for await (const chunk of this.#body as AsyncIterable<Uint8Array | string>) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        this.byteCount += bytes.byteLength;
        yield bytes;
      }
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    this.#signal?.throwIfAborted();
  }

  /** The abort reason if the caller aborted, the body's error if it failed, otherwise the result of `translate`. */
  reasonOf(error: unknown, translate: (error: unknown) => unknown): unknown {
    if (this.#signal?.aborted === true) return this.#signal.reason;
    return this.#failure === undefined ? translate(error) : this.#failure.error;
  }

  /** End the body, whatever is left of it. */
  close(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#body.destroy();
  }
}
