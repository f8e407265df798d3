import { createHash, randomUUID } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PipelineError } from '../domain/failures/failures.ts';
import { parseManifest } from '../domain/payload/manifest.ts';
import { scanPayloadArchive } from '../payload/archive.ts';
import { drained } from '../platform/object-store/drained.ts';
import type { ObjectStore } from '../platform/object-store/index.ts';
import { payloadKey } from '../platform/object-store/object-keys.ts';

/** An archive that is completely in the object store. */
export interface StoredArchive {
  objectKey: string;
  /** hexadecimal */
  sha256: string;
  byteCount: number;
}

/** What is stored for whom. */
export interface ArchiveOwner {
  orgId: string;
  /** the only cluster whose archives are accepted; undefined: every cluster of the organisation */
  clusterId: string | undefined;
}

/**
 * Stream an archive into the object store under a key of its own. With a cluster given, the manifest is read on the
 * way: an archive of another cluster never becomes visible. One whose manifest cannot be read is stored, because its
 * run will say why, and a sender could not do anything about it.
 *
 * Memory: what the store needs for one upload, and one chunk.
 *
 * @throws PipelineError `NotPermitted` if the archive is of another cluster
 * @throws ObjectStoreError if the store fails; the stream's own error, unchanged, if reading it fails
 */
export async function storeStream(
  store: ObjectStore,
  owner: ArchiveOwner,
  bytes: Readable,
  signal: AbortSignal | undefined,
): Promise<StoredArchive> {
  const objectKey = payloadKey(owner.orgId, randomUUID());
  const hash = createHash('sha256');
  const check = owner.clusterId === undefined ? undefined : new ClusterCheck(owner.clusterId);
  const body = Readable.from(passing(bytes, hash, check), { objectMode: false });
  try {
    const { byteCount } = await store.put(objectKey, body, {
      isSparing: true,
      ...(signal === undefined ? {} : { signal }),
    });
    return { objectKey, sha256: hash.digest('hex'), byteCount };
  } finally {
    bytes.destroy();
    check?.end();
  }
}

async function* passing(
  bytes: Readable,
  hash: Hash,
  check: ClusterCheck | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    await check?.write(chunk);
    yield chunk;
  }
  await check?.passed();
}

/** Reads the manifest of an archive that streams by. */
class ClusterCheck {
  readonly #clusterId: string;
  readonly #input = new PassThrough();
  readonly #found: Promise<string | undefined>;

  constructor(clusterId: string) {
    this.#clusterId = clusterId;
    this.#found = scanPayloadArchive(this.#input).then(
      ({ manifest }) => clusterOf(manifest),
      () => undefined, // the run says why it cannot be read
    );
    this.#input.on('error', () => undefined);
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#input.destroyed && !this.#input.write(chunk)) await drained(this.#input);
  }

  /** @throws PipelineError `NotPermitted` if the archive, now complete, is of another cluster */
  async passed(): Promise<void> {
    this.#input.end();
    const found = await this.#found;
    if (found !== undefined && found !== this.#clusterId)
      throw new PipelineError(
        'NotPermitted',
        `the archive is of cluster ${found}, and these credentials are for cluster ${this.#clusterId} only; ` +
          'send it with the credentials of its own cluster',
      );
  }

  end(): void {
    this.#input.destroy();
  }
}

function clusterOf(manifest: Uint8Array): string | undefined {
  try {
    return parseManifest(manifest).clusterId;
  } catch {
    return undefined;
  }
}

/**
 * Put a local file into the object store under the key of its request, unless it is there. The request id is the
 * file's SHA-256 if none is given.
 */
export async function storeFile(
  store: ObjectStore,
  { orgId, path, requestId: given }: { orgId: string; path: string; requestId: string | undefined },
  signal: AbortSignal | undefined,
): Promise<StoredArchive & { requestId: string }> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, signal === undefined ? {} : { signal });
  const sha256 = hash.digest('hex');
  const requestId = given ?? sha256;
  const objectKey = payloadKey(orgId, requestId);
  const [stored, { size }] = await Promise.all([store.head(objectKey), stat(path)]);
  if (stored?.byteCount !== size)
    await store.put(objectKey, createReadStream(path), signal === undefined ? {} : { signal });
  return { requestId, objectKey, sha256, byteCount: size };
}
