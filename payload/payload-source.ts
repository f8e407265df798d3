import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../domain/failures/failures.ts';
import { download, shownAddress } from './http-download.ts';
import type { DownloadOptions } from './http-download.ts';
import {
  ObjectKeyInvalid,
  ObjectNotFound,
  ObjectStoreError,
  openObjectStore,
} from '../platform/object-store/index.ts';
import type { OpenObjectStoreOptions } from '../platform/object-store/index.ts';

/** Permanent failures of an S3 server: no permission, no such bucket. */
const hopelessStatuses = new Set([401, 403, 404, 410]);
/** The same for files; others, such as too many open files, are temporary. */
const hopelessFileErrors = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG']);

/**
 * Open a payload by its address: `file:`, `s3:`, `http:` or `https:`.
 *
 * @throws PipelineError `PayloadUnavailable`, not retried for HTTP 401, 403, 404, 410 (of an S3 server too), missing
 *   files and objects, and invalid addresses; retried otherwise. The message contains the address without its query
 *   string.
 */
export async function openPayload(
  address: string,
  options: { s3?: OpenObjectStoreOptions['s3'] } & DownloadOptions,
): Promise<Readable> {
  if (!URL.canParse(address))
    throw new PipelineError(
      'PayloadUnavailable',
      'The download address is not a URL: expected a file:, s3:, http: or https: address',
    );
  const url = new URL(address);
  const shown = shownAddress(url);
  if (url.protocol === 'file:') return openFile(url, shown);
  if (url.protocol === 's3:') return openObject(url, shown, options);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new PipelineError('PayloadUnavailable', `${shown}: expected a file:, s3:, http: or https: address`);
  return download(url, options);
}

async function openObject(
  url: URL,
  shown: string,
  { s3, signal }: { s3?: OpenObjectStoreOptions['s3']; signal?: AbortSignal },
): Promise<Readable> {
  const store = openObjectStore({
    url: `s3://${url.host}`,
    ...(s3 === undefined ? {} : { s3 }),
  });
  try {
    return await store.get(decodeURIComponent(url.pathname.slice(1)), signal === undefined ? {} : { signal });
  } catch (cause) {
    if (cause instanceof ObjectNotFound || cause instanceof ObjectKeyInvalid || cause instanceof URIError)
      throw new PipelineError('PayloadUnavailable', `${shown}: no such object; have the payload sent again`, {
        cause,
      });
    if (!(cause instanceof ObjectStoreError)) throw cause;
    const { name, $metadata } = cause.cause as Error & { $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode;
    const hopeless = status !== undefined && hopelessStatuses.has(status);
    throw new PipelineError(
      'PayloadUnavailable',
      `${shown}: the S3 server denied access to the object (${name}${status === undefined ? '' : `, HTTP ${status}`}); ` +
        (hopeless
          ? "check the bucket name and that the worker's credentials may read the object, then have the payload sent again"
          : 'the download is retried'),
      { retryable: !hopeless, cause },
    );
  }
}

async function openFile(url: URL, shown: string): Promise<Readable> {
  const unavailable = (reason: string, retryable: boolean, cause?: unknown) =>
    new PipelineError('PayloadUnavailable', `${shown}: cannot be read: ${reason}`, { retryable, cause });
  if (url.host !== '') throw unavailable('a file: address has no host, as in file:///directory/name', false);
  const handle = await open(fileURLToPath(url)).catch((cause: unknown) => {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw unavailable(message, !hopelessFileErrors.has(code ?? ''), cause);
  });
  if ((await handle.stat()).isFile()) return handle.createReadStream();
  await handle.close();
  throw unavailable('it is not a regular file', false);
}
