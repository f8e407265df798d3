import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Multipart, MultipartFile } from '@fastify/multipart';
import { problem } from './problem.ts';
import type { Problem } from './problem.ts';

/** How long a sender may take. Milliseconds. */
export interface BodyPatience {
  /** for everything */
  totalMs: number;
  /** between two chunks */
  stallMs: number;
}

/** Type of the part, as the ingress defines it: a service, a category, a format. */
const partType = /^application\/vnd\.redhat\.([a-z0-9-]+)\.([a-z0-9-]+)\+[\w.+-]+$/;
const fieldNames: ReadonlySet<string> = new Set(['file', 'upload']);
/** The optional part with facts about the sender; it is not used. */
const ignoredField = 'metadata';

/**
 * The archive of a multipart body. The stream ends only when the whole body has been read and holds nothing else, so
 * that what is refused at its end was never stored.
 *
 * @throws Problem 400, 413, 415 from the promise or, later, from the stream; 408 if the sender is too slow
 */
export async function archiveOf(
  parts: AsyncIterableIterator<Multipart>,
  patience: BodyPatience,
): Promise<Readable> {
  const deadlineMs = performance.now() + patience.totalMs;
  for (;;) {
    const next = await inTime(parts.next(), patience, deadlineMs);
    if (next.done === true) throw problem(400, 'expected a multipart body with a part named file or upload');
    const part = next.value;
    if (part.type === 'file' && part.fieldname !== ignoredField) {
      checkPart(part);
      return Readable.from(bytesOf(part, parts, patience, deadlineMs), { objectMode: false });
    }
    await checkOther(part, patience, deadlineMs);
  }
}

function checkPart({ fieldname, filename, mimetype }: MultipartFile): void {
  if (!fieldNames.has(fieldname))
    throw problem(400, `expected a part named file or upload, found "${fieldname}"`);
  if (/[/\\]|\.\./.test(filename) || /\p{Control}/u.test(filename))
    throw problem(400, 'the file name contains a path; expected a plain name, such as cost-mgmt.tar.gz');
  const [, service] = partType.exec(mimetype) ?? [];
  if (service !== 'hccm')
    throw problem(
      415,
      `expected a part of type application/vnd.redhat.hccm.tar+tgz, found ${mimetype.slice(0, 100)}`,
    );
}

/** Refuse everything beside the archive but the metadata. */
async function checkOther(part: Multipart, patience: BodyPatience, deadlineMs: number): Promise<void> {
  if (part.fieldname !== ignoredField)
    throw problem(400, `expected one part named file or upload, found another one named "${part.fieldname}"`);
  if (part.type === 'file') await inTime(finished(part.file.resume()), patience, deadlineMs);
}

async function* bytesOf(
  part: MultipartFile,
  parts: AsyncIterableIterator<Multipart>,
  patience: BodyPatience,
  deadlineMs: number,
): AsyncGenerator<Uint8Array> {
  const chunks = part.file[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const next = await inTime(chunks.next(), patience, deadlineMs);
    if (next.done === true) break;
    yield next.value;
  }
  if (part.file.truncated) throw problem(413, 'the archive is larger than OCP_MAX_UPLOAD_MB allows');
  for (;;) {
    const next = await inTime(parts.next(), patience, deadlineMs);
    if (next.done === true) return;
    await checkOther(next.value, patience, deadlineMs);
  }
}

/** The parser's own errors, and a connection that ends early. */
function malformed(error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error);
  return problem(400, `the multipart body is malformed: ${reason}`);
}

/** Only the sender's time counts: while the object store is slow nobody asks for the next chunk. */
async function inTime<T>(next: Promise<T>, { stallMs }: BodyPatience, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const waitMs = Math.max(0, Math.min(stallMs, deadlineMs - performance.now()));
    timer = setTimeout(
      () => reject(problem(408, 'the body arrives too slowly', { headers: { connection: 'close' } })),
      waitMs,
    );
  });
  try {
    return await Promise.race([next, late]);
  } catch (error) {
    const { statusCode } = error as Partial<Problem>;
    // 406 is the parser's word for metadata that is no JSON.
    throw statusCode === undefined || statusCode === 406 ? malformed(error) : error;
  } finally {
    clearTimeout(timer);
    next.catch(() => undefined);
  }
}
