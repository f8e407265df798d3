import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';

/** How an upload is cut into parts. S3 accepts 10,000 of them. */
export interface PartSizes {
  /** bytes of one part */
  readonly partByteCount: number;
  /** parts in flight; one more is being assembled, and may be held twice for a moment */
  readonly partsInFlight: number;
}
/** An object can have 78 GiB; an upload holds at most 4 × 8 MiB = 32 MiB. */
export const usualParts: PartSizes = { partByteCount: 8 * 1024 * 1024, partsInFlight: 2 };
/** An object can have 48 GiB; an upload holds at most 3 × 5 MiB (S3's minimum) = 15 MiB. */
export const sparingParts: PartSizes = { partByteCount: 5 * 1024 * 1024, partsInFlight: 1 };
/** How long a failed or aborted upload may take to remove its parts: a cancelled activity has to end. */
const discardTimeoutMs = 30_000;

/** Where one upload goes. */
export interface UploadTarget {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly parts: PartSizes;
}

interface Part {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** Cut a body into parts of `partByteCount`; an empty body is one empty part. */
async function* partsOf(chunks: AsyncIterable<Uint8Array>, partByteCount: number): AsyncGenerator<Part> {
  let number = 1;
  let filled: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    // A full part is sent only when more bytes follow: the last part must be known as such.
    while (byteCount + rest.byteLength > partByteCount) {
      const taken = partByteCount - byteCount;
      const bytes = Buffer.concat([...filled, rest.subarray(0, taken)]);
      rest = rest.subarray(taken);
      filled = []; // before the pause in `yield`, or the part would be held twice while it waits
      byteCount = 0;
      yield { number, bytes, isLast: false };
      number += 1;
    }
    if (rest.byteLength > 0) filled.push(rest);
    byteCount += rest.byteLength;
  }
  yield { number, bytes: Buffer.concat(filled), isLast: true };
}

/**
 * Stream a body into one S3 object: up to one part as a single PutObject, more as a multipart upload, which makes the
 * object visible only when it is completed.
 *
 * The `Upload` class of `@aws-sdk/lib-storage` is not used: after one part has failed it reads and sends the rest of
 * the body, its requests cannot be aborted, and after an abort it returns before the parts are removed.
 *
 * @throws the error of the body or of the S3 client, after the parts already sent have been removed
 */
export async function uploadToS3(
  target: UploadTarget,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const multipart = new MultipartUpload(target, signal);
  try {
    for await (const part of partsOf(chunks, target.parts.partByteCount)) {
      if (part.isLast && part.number === 1) await putWhole(target, part.bytes, signal);
      else await multipart.add(part);
    }
    await multipart.complete();
  } catch (error) {
    await multipart.discard();
    throw error;
  }
}

async function putWhole(
  { client, bucket, key, metadata }: UploadTarget,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  await client.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, Metadata: { ...metadata } }),
    abortedBy(signal),
  );
}

const abortedBy = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } =>
  signal === undefined ? {} : { abortSignal: signal };

class MultipartUpload {
  readonly #target: UploadTarget;
  /** Aborted by the caller's signal, or by the first part that fails, so that the others stop too. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #completed: CompletedPart[] = [];
  #uploadId: string | undefined;

  constructor(target: UploadTarget, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  get #address(): { Bucket: string; Key: string } {
    return { Bucket: this.#target.bucket, Key: this.#target.key };
  }

  /** Start sending a part; waits while as many as allowed are in flight. */
  async add(part: Part): Promise<void> {
    this.#uploadId ??= await this.#create();
    while (this.#inFlight.size >= this.#target.parts.partsInFlight) await Promise.race(this.#inFlight);
    this.#stop.signal.throwIfAborted();
    const sending: Promise<void> = this.#send(part, this.#uploadId)
      .catch((error: unknown) => this.#stop.abort(error))
      .finally(() => this.#inFlight.delete(sending));
    this.#inFlight.add(sending);
  }

  /** Make the object visible; nothing to do if no part was added. */
  async complete(): Promise<void> {
    await Promise.all(this.#inFlight);
    this.#stop.signal.throwIfAborted();
    if (this.#uploadId === undefined) return;
    const parts = this.#completed.toSorted((left, right) => (left.PartNumber ?? 0) - (right.PartNumber ?? 0));
    await this.#target.client.send(
      new CompleteMultipartUploadCommand({
        ...this.#address,
        UploadId: this.#uploadId,
        MultipartUpload: { Parts: parts },
      }),
      { abortSignal: this.#signal },
    );
  }

  /**
   * Remove what was sent. Parts in flight are stopped first: one that arrives later would remain, and be billed. If the
   * server does not respond, the parts remain; a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) removes
   * such leftovers.
   */
  async discard(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#inFlight);
    if (this.#uploadId === undefined) return;
    await this.#target.client
      .send(new AbortMultipartUploadCommand({ ...this.#address, UploadId: this.#uploadId }), {
        abortSignal: AbortSignal.timeout(discardTimeoutMs),
      })
      .catch(() => undefined); // the error that brought us here matters more
  }

  async #create(): Promise<string> {
    const { UploadId } = await this.#target.client.send(
      new CreateMultipartUploadCommand({
        ...this.#address,
        Metadata: { ...this.#target.metadata },
        ...(await this.#checksum()),
      }),
      { abortSignal: this.#signal },
    );
    if (UploadId === undefined) throw new Error('The S3 server returned no id for a multipart upload');
    return UploadId;
  }

  /**
   * CRC-32 of every part, as the client does for single objects, unless the operator turned it off for an old S3
   * server.
   */
  async #checksum(): Promise<{ ChecksumAlgorithm?: 'CRC32' }> {
    const calculation = await this.#target.client.config.requestChecksumCalculation();
    return calculation === 'WHEN_SUPPORTED' ? { ChecksumAlgorithm: 'CRC32' } : {};
  }

  async #send(part: Part, uploadId: string): Promise<void> {
    const { ETag, ChecksumCRC32 } = await this.#target.client.send(
      new UploadPartCommand({
        ...this.#address,
        UploadId: uploadId,
        PartNumber: part.number,
        Body: part.bytes,
        ...(await this.#checksum()),
      }),
      { abortSignal: this.#signal },
    );
    this.#completed.push({
      PartNumber: part.number,
      ETag,
      ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }),
    });
  }
}
