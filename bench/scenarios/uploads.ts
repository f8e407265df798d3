import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';

/** Who sends, and to which `serve`. */
export interface Sender {
  port: number;
  /** static token of an organisation */
  token: string;
}

/** What one upload took. */
export interface Upload {
  requestId: string;
  ms: number;
}

const boundary = 'bench';
const chunkByteCount = 64 * 1_024;

/** Upload a file, as an operator does. @throws Error unless it is answered 202 */
export async function uploadFile(sender: Sender, path: string): Promise<Upload> {
  return upload(sender, createReadStream(path), (await stat(path)).size);
}

/** Upload so many bytes that are no archive: `serve` stores them all the same, and keeps no two alike apart. */
export async function uploadBytes(sender: Sender, byteCount: number): Promise<Upload> {
  return upload(sender, Readable.from(noise(byteCount), { objectMode: false }), byteCount);
}

/** The same block again and again, after a beginning that no other body has. */
function* noise(byteCount: number): Generator<Buffer> {
  const block = randomBytes(chunkByteCount);
  for (let left = byteCount; left > 0; left -= chunkByteCount)
    yield block.subarray(0, Math.min(left, chunkByteCount));
}

async function upload({ port, token }: Sender, body: Readable, byteCount: number): Promise<Upload> {
  const head =
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="payload.tar.gz"\r\n` +
    'content-type: application/vnd.redhat.hccm.tar+tgz\r\n\r\n';
  const tail = `\r\n--${boundary}--\r\n`;
  const startedAt = performance.now();
  const sending = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/api/ingress/v1/upload',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': head.length + byteCount + tail.length,
    },
  });
  const answered = new Promise<{ status: number | undefined; answer: string }>((resolve, reject) => {
    sending.on('error', reject);
    sending.on('response', (message) => {
      text(message).then((answer) => resolve({ status: message.statusCode, answer }), reject);
    });
  });
  sending.write(head);
  await pipeline(body, sending, { end: false });
  sending.end(tail);
  const { status, answer } = await answered;
  if (status !== 202) throw new Error(`an upload was answered ${status ?? 'nothing'}: ${answer}`);
  const { request_id: requestId } = JSON.parse(answer) as { request_id: string };
  return { requestId, ms: performance.now() - startedAt };
}
