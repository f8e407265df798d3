import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** The bytes of a file that is being taken. */
export interface DroppedBytes {
  /** whether they begin as a gzip file does */
  isGzip: boolean;
  /** to be read to its end or destroyed */
  stream: Readable;
  /** hexadecimal, once the stream has been read to its end */
  sha256: () => string;
}

/** Look at the first bytes of a file and read the rest later. @throws what reading throws */
export async function openBytes(bytes: AsyncIterable<Uint8Array>): Promise<DroppedBytes> {
  const chunks = bytes[Symbol.asyncIterator]();
  let first = await chunks.next();
  // Servers may send a first byte on its own.
  while (first.done !== true && first.value.byteLength < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    first = { done: false, value: Buffer.concat([first.value, next.value]) };
  }
  const hash = createHash('sha256');
  let sha256: string | undefined;
  const beginning: Uint8Array = first.done === true ? new Uint8Array() : first.value;
  async function* all(): AsyncGenerator<Uint8Array> {
    for (let chunk = first; chunk.done !== true; chunk = await chunks.next()) {
      hash.update(chunk.value);
      yield chunk.value;
    }
    sha256 = hash.digest('hex');
  }
  const stream = Readable.from(all(), { objectMode: false });
  // Also if it is destroyed before it is read: the file is open.
  stream.once('close', () => void chunks.return?.().catch(() => undefined));
  return {
    isGzip: beginning[0] === 0x1f && beginning[1] === 0x8b,
    stream,
    sha256: () => {
      if (sha256 === undefined) throw new Error('the file has not been read to its end');
      return sha256;
    },
  };
}

/** SHA-256 of a file, hexadecimal. @throws what reading throws */
export async function hashOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}
