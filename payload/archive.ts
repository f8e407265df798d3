import { Readable, Transform } from 'node:stream';
import type { TransformCallback, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { PipelineError } from '../domain/failures/failures.ts';
import { archiveProblem, checkMember, isRegular, memberName } from './archive-members.ts';

type Entry = ReturnType<typeof extract> extends AsyncIterable<infer Member> ? Member : never;

/** Limits that keep a small archive from filling disks and keeping a worker busy forever. Sizes in bytes. */
export interface ArchiveLimits {
  /** maximum expanded size; default 100 GB */
  readonly maxExpandedBytes: number;
  /**
   * maximum ratio expanded : compressed once `ratioAppliesAboveBytes` are expanded; default 200. Usage reports reach
   * 30.
   */
  readonly maxExpansionRatio: number;
  /** default 100 MB */
  readonly ratioAppliesAboveBytes: number;
  /** default 10 MiB */
  readonly maxManifestBytes: number;
  /** members of any type; default 100,000 */
  readonly maxMembers: number;
}

/** The limits if nothing else is configured. */
const defaultArchiveLimits: ArchiveLimits = {
  maxExpandedBytes: 100_000_000_000,
  maxExpansionRatio: 200,
  ratioAppliesAboveBytes: 100_000_000,
  maxManifestBytes: 10 * 1024 * 1024,
  maxMembers: 100_000,
};

/** Options of both readers. Aborting the signal stops reading, destroys the source and rejects with its reason. */
export interface ReadArchiveOptions {
  readonly limits?: Partial<ArchiveLimits>;
  readonly signal?: AbortSignal;
}

/**
 * What a scan finds: the bytes of manifest.json and the names of all regular members, as a manifest lists them, in
 * archive order.
 */
export interface ArchiveScan {
  readonly manifest: Uint8Array;
  readonly memberNames: string[];
}

/** Where the requested members of an archive go. */
export interface ArchiveMemberReader extends ReadArchiveOptions {
  /** called once per regular member */
  wanted(name: string): boolean;
  /**
   * receives the requested members one after the other; what it leaves unread is skipped, what it throws ends the
   * reading
   */
  onFile(name: string, content: Readable): Promise<void>;
}

/**
 * Carries a failure of the source or of the caller through the stream machinery, to distinguish it from an invalid
 * archive.
 */
class Foreign extends Error {}

async function* tagFailures(source: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (cause) {
    throw new Foreign('source failed', { cause });
  }
}

/** Expanded bytes per chunk. Each chunk is a round trip to another thread, so few large ones. */
const expandedChunkBytes = 256 * 1024;

/** Two pass-through meters, before and after expansion, that stop an archive which expands beyond the limits. */
function expansionMeters(limits: ArchiveLimits): { compressed: Transform; expanded: Transform } {
  let compressedByteCount = 0;
  let expandedByteCount = 0;
  const compressed = new Transform({
    transform(chunk: Uint8Array, _encoding, done: TransformCallback) {
      compressedByteCount += chunk.byteLength;
      done(null, chunk);
    },
  });
  const expanded = new Transform({
    transform(chunk: Uint8Array, _encoding, done: TransformCallback) {
      expandedByteCount += chunk.byteLength;
      const ratio = expandedByteCount / compressedByteCount;
      if (expandedByteCount > limits.maxExpandedBytes) {
        done(archiveProblem(`expands to more than ${limits.maxExpandedBytes} bytes`));
      } else if (expandedByteCount > limits.ratioAppliesAboveBytes && ratio > limits.maxExpansionRatio) {
        done(archiveProblem(`expands more than ${limits.maxExpansionRatio} times`));
      } else {
        done(null, chunk);
      }
    },
  });
  return { compressed, expanded };
}

function translate(error: unknown): unknown {
  if (error instanceof Foreign) return error.cause;
  if (error instanceof PipelineError) return error;
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'Z_BUF_ERROR') return archiveProblem('ends in the middle of the gzip stream', error);
  if (code?.startsWith('Z_') === true) {
    return archiveProblem(`is not gzip or is damaged (${message ?? code})`, error);
  }
  if (message === 'Unexpected end of data')
    return archiveProblem('ends in the middle of a tar member', error);
  return archiveProblem(`is not a tar file or is damaged (${message ?? String(error)})`, error);
}

/** Iterate over all members in order; `onMember` need not read the entry to its end. */
async function walk(
  source: Readable,
  options: ReadArchiveOptions,
  limits: ArchiveLimits,
  onMember: (entry: Entry) => Promise<void>,
): Promise<void> {
  const tar = extract();
  const meters = expansionMeters(limits);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const fed = pipeline(
    tagFailures(source),
    meters.compressed,
    createGunzip({ chunkSize: expandedChunkBytes }),
    meters.expanded,
    tar as unknown as Writable,
    { signal },
  );
  // The walk below notices a failure too; the first actual one is chosen after both have ended.
  const feeding = fed.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  let memberFailure: { error: unknown } | undefined;
  try {
    let memberCount = 0;
    for await (const entry of tar) {
      memberCount += 1;
      try {
        if (memberCount > limits.maxMembers)
          throw archiveProblem(`contains more than ${limits.maxMembers} members`);
        checkMember(entry.header);
        await onMember(entry);
      } catch (error) {
        memberFailure = { error };
        break;
      }
      entry.resume();
    }
  } catch {
    // The stream failed; `feeding` knows why.
  }
  if (memberFailure !== undefined) stop.abort();
  const feedFailure = await feeding;
  source.destroy();
  if (options.signal?.aborted === true) throw options.signal.reason;
  // A stream that breaks inside a member fails the member too; the break is then the cause worth reporting.
  const broken = feedFailure !== undefined && !isOwnDoing(feedFailure.error);
  if (memberFailure !== undefined && !broken) throw memberFailure.error;
  if (feedFailure !== undefined) throw translate(feedFailure.error);
}

/** Leaving the walk early destroys the streams; what they then report is not a failure of the archive. */
function isOwnDoing(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  return name === 'AbortError' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/**
 * Read an archive once for its manifest, which is usually the last member, and the names of the other members.
 *
 * @throws PipelineError `ManifestInvalid` (not retried): not a gzip-compressed tar, damaged, unsafe members, expands
 *   beyond the limits, or without a regular member named exactly `manifest.json`
 */
export async function scanPayloadArchive(
  source: Readable,
  options: ReadArchiveOptions = {},
): Promise<ArchiveScan> {
  const limits = { ...defaultArchiveLimits, ...options.limits };
  const memberNames = new Set<string>();
  let manifest: Uint8Array | undefined;
  await walk(source, options, limits, async (entry) => {
    if (!isRegular(entry.header)) return;
    const name = memberName(entry.header);
    // Which of the two would count? Neither can be trusted.
    if (memberNames.has(name)) throw archiveProblem(`contains two members named ${JSON.stringify(name)}`);
    memberNames.add(name);
    if (name !== 'manifest.json') return;
    if (entry.header.size > limits.maxManifestBytes)
      throw archiveProblem(
        `contains a manifest.json of ${entry.header.size} bytes, more than ${limits.maxManifestBytes}`,
      );
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    manifest = Buffer.concat(chunks);
  });
  if (manifest === undefined)
    throw archiveProblem(memberNames.size === 0 ? 'is empty' : 'contains no member named manifest.json');
  return { manifest, memberNames: [...memberNames] };
}

/**
 * Pass the requested regular members of an archive to `onFile`, one after the other, as they stream by.
 *
 * @throws PipelineError `ManifestInvalid` as {@link scanPayloadArchive}; whatever `onFile` throws, unchanged
 */
export async function readPayloadMembers(source: Readable, reader: ArchiveMemberReader): Promise<void> {
  const limits = { ...defaultArchiveLimits, ...reader.limits };
  await walk(source, reader, limits, async (entry) => {
    const name = memberName(entry.header);
    if (!isRegular(entry.header) || !reader.wanted(name)) return;
    const content = memberContent(entry);
    await reader.onFile(name, content);
    content.destroy();
  });
}

/**
 * The bytes of a member as a stream that its reader may leave or destroy. Destroying the entry itself would end the
 * whole archive, so the entry is only ever read; the walk reads past what is left of it.
 */
function memberContent(entry: Entry): Readable {
  const chunks = entry[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const content = new Readable({
    read() {
      chunks.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error as Error),
      );
    },
  });
  // A reader that has stopped listening must not turn a broken archive into an uncaught exception.
  content.on('error', () => undefined);
  return content;
}
