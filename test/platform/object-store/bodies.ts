import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export const mebibyte = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A body of `byteCount` times `letter`, in chunks of 64 KiB, made only as fast as it is read. */
export function bodyOf(letter: string, byteCount: number): Readable {
  const chunk = Buffer.alloc(64 * 1024, letter);
  return Readable.from(
    (function* () {
      for (let left = byteCount; left > 0; left -= chunk.length)
        yield chunk.subarray(0, Math.min(left, chunk.length));
    })(),
    { objectMode: false },
  );
}

/** A body that gives `byteCount` bytes and then neither ends nor goes on; `reached` resolves when they were taken. */
export function stallingBody(letter: string, byteCount: number): { body: Readable; reached: Promise<void> } {
  let stall = (): void => undefined;
  const reached = new Promise<void>((resolve) => (stall = resolve));
  const chunk = Buffer.alloc(64 * 1024, letter);
  let given = 0;
  const body = new Readable({
    read() {
      if (given < byteCount) {
        given += chunk.length;
        this.push(chunk);
      } else stall();
    },
  });
  return { body, reached };
}

/** A body that fails with `error` after `byteCount` bytes. */
export function failingBody(byteCount: number, error: Error): Readable {
  return Readable.from(
    (function* () {
      yield* bodyChunks(byteCount);
      throw error;
    })(),
    { objectMode: false },
  );
}

function* bodyChunks(byteCount: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, 'f');
  for (let given = 0; given < byteCount; given += chunk.length) yield chunk;
}

/** Pseudo-random bytes, the same for the same seed, so that a swapped or repeated part changes the checksum. */
export function noiseBody(seed: string, byteCount: number): Readable {
  return Readable.from(
    (function* () {
      let block = Buffer.from(seed);
      for (let left = byteCount; left > 0; left -= 64 * 1024) {
        block = createHash('sha512').update(block).digest();
        yield Buffer.alloc(Math.min(left, 64 * 1024), block);
      }
    })(),
    { objectMode: false },
  );
}

/** SHA-256, in hexadecimal, and size of what a stream delivers. */
export async function digestOf(stream: Readable): Promise<{ sha256: string; byteCount: number }> {
  const hash = createHash('sha256');
  let byteCount = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    byteCount += chunk.length;
  }
  return { sha256: hash.digest('hex'), byteCount };
}

/** Bytes of all buffers that are in use (garbage collected first). */
export function bufferBytesInUse(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Passes a stream through and records the most buffer memory in use, looked at every 4 MiB. */
export function watched(stream: Readable, onSample: (bytesInUse: number) => void): Readable {
  return Readable.from(
    (async function* () {
      let sinceSample = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        sinceSample += chunk.length;
        if (sinceSample >= 4 * mebibyte) {
          onSample(bufferBytesInUse());
          sinceSample -= 4 * mebibyte;
        }
        yield chunk;
      }
    })(),
    { objectMode: false },
  );
}
