import { Readable, Transform } from 'node:stream';
import type { TransformCallback, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Entry } from 'tar-stream';
import { PipelineError } from '../domain/failures.ts';
import { archiveProblem, checkMember, isRegular } from './payload-archive-members.ts';

/** Bounds that keep a small archive from filling disks and keeping a worker busy for ever. Sizes in bytes. */
export interface ArchiveLimits {
  /** expanded size allowed at all; default 100 GB */
  readonly maxExpandedBytes: number;
  /** expanded : compressed allowed once `ratioAppliesAboveBytes` are expanded; default 200. Usage reports reach 30. */
  readonly maxExpansionRatio: number;
  /** default 100 MB */
  readonly ratioAppliesAboveBytes: number;
  /** default 10 MiB */
  readonly maxManifestBytes: number;
  /** members of any type; default 100,000 */
  readonly maxMembers: number;
}

/** The limits when nothing else is configured. */
export const defaultArchiveLimits: ArchiveLimits = {
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

/** What a scan finds: the bytes of manifest.json and the names of all regular members in archive order. */
export interface ArchiveScan {
  readonly manifest: Uint8Array;
  readonly memberNames: string[];
}

/** Where the wanted members of an archive go. */
export interface ArchiveMemberReader extends ReadArchiveOptions {
  /** asked once per regular member */
  wanted(name: string): boolean;
  /** gets the wanted members one after the other; what it leaves unread is skipped, what it throws ends the reading */
  onFile(name: string, content: Readable): Promise<void>;
}

/** Carries a failure of the source or of the caller through the stream machinery, to tell it from a bad archive. */
class Foreign extends Error {}

async function* tagFailures(source: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (cause) {
    throw new Foreign('source failed', { cause });
  }
}

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
  if (code === 'Z_BUF_ERROR') return archiveProblem('ends in the middle of the gzip data', error);
  if (code?.startsWith('Z_') === true) {
    return archiveProblem(`is not gzip or is damaged (${message ?? code})`, error);
  }
  if (message === 'Unexpected end of data')
    return archiveProblem('ends in the middle of a tar member', error);
  return archiveProblem(`is not a tar file or is damaged (${message ?? String(error)})`, error);
}

/** Run over all members in order; `onMember` need not read the entry to its end. */
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
    createGunzip(),
    meters.expanded,
    tar as unknown as Writable,
    { signal },
  );
  // The walk below notices a failure too; the first real one is chosen after both have ended.
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
          throw archiveProblem(`has more than ${limits.maxMembers} members`);
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
  if (memberFailure !== undefined && !isConsequenceOf(memberFailure.error, feedFailure))
    throw memberFailure.error;
  if (feedFailure !== undefined) throw translate(feedFailure.error);
}
