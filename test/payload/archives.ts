import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Header } from 'tar-stream';

/** One member of a test archive; a regular file unless the header says otherwise. */
export interface TestMember extends Pick<Header, 'name'>, Partial<Pick<Header, 'type' | 'linkname' | 'pax'>> {
  content?: string | Buffer;
}

/** A tar of these members, in order. */
export async function tarOf(members: readonly TestMember[]): Promise<Buffer> {
  const packing = pack();
  for (const { content = '', ...header } of members) {
    // A device or a directory has no contents, not even empty ones.
    if (header.type === undefined) packing.entry(header, content);
    else packing.entry(header);
  }
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A payload archive (tar.gz) of these members, in order. */
export async function archiveOf(members: readonly TestMember[]): Promise<Buffer> {
  return gzipSync(await tarOf(members));
}

/** Change a 512-byte tar header in place and make its checksum right again. */
export function editHeader(header: Buffer, edit: (header: Buffer) => void): void {
  edit(header);
  header.fill(' ', 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

/** Bytes as a stream, in chunks as a socket would deliver them. */
export function streamOf(bytes: Buffer | string, chunkBytes = 16 * 1024): Readable {
  const all = Buffer.from(bytes);
  function* chunks(): Generator<Buffer> {
    for (let at = 0; at < all.length; at += chunkBytes) yield all.subarray(at, at + chunkBytes);
  }
  return Readable.from(chunks(), { objectMode: false });
}

/** Read a stream to its end as UTF-8. */
export async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
