import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { ObjectStore } from './object-store/index.ts';

/** Text gathered before it is handed on; many rows, small beside the memory of a worker with a month of days open. */
const chunkCharacters = 32 * 1024;

/** Writes text to one object, bit by bit, with its checksum; nothing appears in the store before {@link close}. */
export class ObjectWriter {
  readonly key: string;
  readonly #stream = new PassThrough();
  readonly #hash = createHash('sha256');
  readonly #stored: Promise<{ readonly byteCount: number }>;
  #pending = '';
  #failure: { error: unknown } | undefined;

  constructor(
    store: Pick<ObjectStore, 'put'>,
    key: string,
    options: { metadata?: Record<string, string>; signal?: AbortSignal },
  ) {
    this.key = key;
    this.#stored = store.put(key, this.#stream, options);
    this.#stored.catch((error: unknown) => {
      this.#failure = { error };
      this.#stream.destroy();
    });
  }

  /** Add text. Resolves at once unless the store is behind. */
  write(text: string): Promise<void> | undefined {
    this.#pending += text;
    return this.#pending.length < chunkCharacters ? undefined : this.#flush();
  }

  /** Store what was written. @returns size and SHA-256 (hexadecimal) of the object */
  async close(): Promise<{ byteCount: number; checksum: string }> {
    await this.#flush();
    this.#stream.end();
    const { byteCount } = await this.#stored;
    return { byteCount, checksum: this.#hash.digest('hex') };
  }

  /** Give up: nothing is stored. */
  async abandon(reason: Error): Promise<void> {
    this.#stream.destroy(reason);
    await this.#stored.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    this.#throwFailure();
    if (this.#pending === '') return;
    const bytes = Buffer.from(this.#pending, 'utf8');
    this.#pending = '';
    this.#hash.update(bytes);
    if (!this.#stream.write(bytes)) await this.#drained();
    this.#throwFailure(); // the store may have failed while we waited
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#stream.off('drain', done).off('close', done);
        resolve();
      };
      this.#stream.on('drain', done).on('close', done);
      if (this.#stream.destroyed) done();
    });
  }
}
