import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { drained } from './drained.ts';
import type { ObjectStore } from './index.ts';

/**
 * Bytes collected before they are passed on: many rows, but little compared to the memory of a worker with a month of
 * days open.
 */
const gatheredBytes = 32 * 1024;
/** Bytes in flight to the store: enough that the store writes while the next rows are read. */
const queuedBytes = 1024 * 1024;

/** Writes one object incrementally, with its checksum; nothing appears in the store before {@link close}. */
export class ObjectWriter {
  readonly key: string;
  readonly #stream = new PassThrough({ highWaterMark: queuedBytes });
  readonly #hash = createHash('sha256');
  readonly #stored: Promise<{ readonly byteCount: number }>;
  #pending: Buffer | undefined;
  #pendingBytes = 0;
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

  /**
   * Add bytes, which must not change afterwards. Resolves at once unless the store is behind.
   * Few bytes are copied together; many are handed on as they are.
   */
  write(bytes: Buffer): Promise<void> | undefined {
    if (this.#pendingBytes + bytes.length <= gatheredBytes) {
      this.#pending ??= Buffer.allocUnsafeSlow(gatheredBytes);
      this.#pendingBytes += bytes.copy(this.#pending, this.#pendingBytes);
      return undefined;
    }
    return this.#writeThrough(bytes);
  }

  async #writeThrough(bytes: Buffer): Promise<void> {
    await this.#flush();
    if (bytes.length < gatheredBytes) await this.write(bytes);
    else await this.#handOn(bytes);
  }

  /** Store what was written. @returns size and SHA-256 (hexadecimal) of the object */
  async close(): Promise<{ byteCount: number; checksum: string }> {
    await this.#flush();
    this.#stream.end();
    const { byteCount } = await this.#stored;
    return { byteCount, checksum: this.#hash.digest('hex') };
  }

  /** Discard: nothing is stored. */
  async abandon(reason: Error): Promise<void> {
    this.#stream.destroy(reason);
    await this.#stored.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const bytes = this.#pending?.subarray(0, this.#pendingBytes);
    this.#pending = undefined;
    this.#pendingBytes = 0;
    if (bytes !== undefined) await this.#handOn(bytes);
    else this.#throwFailure();
  }

  async #handOn(bytes: Buffer): Promise<void> {
    this.#throwFailure();
    this.#hash.update(bytes);
    if (!this.#stream.write(bytes)) await drained(this.#stream);
    this.#throwFailure(); // the store may have failed while we waited
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
