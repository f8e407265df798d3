import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../domain/failures.ts';
import { openObjectStore } from './object-store/index.ts';

/** Answers that will not become better: the address has expired, or was never good. */
const hopelessStatuses = new Set([401, 403, 404, 410]);

/**
 * Open a payload by its address: `file:`, `s3:`, `http:` or `https:`.
 *
 * @throws PipelineError `PayloadUnavailable`, not retried for HTTP 401, 403, 404, 410 and absent files; retried otherwise.
 *   The message holds the address without its query string.
 */
export async function openPayload(
  address: string,
  options: { s3Endpoint?: string; signal?: AbortSignal },
): Promise<Readable> {
  const url = new URL(address);
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  if (url.protocol === 'file:') return openFile(fileURLToPath(url));
  if (url.protocol === 's3:') {
    const store = openObjectStore({
      url: `s3://${url.host}`,
      ...(options.s3Endpoint === undefined ? {} : { s3: { endpoint: options.s3Endpoint } }),
    });
    return store.get(
      decodeURIComponent(url.pathname.slice(1)),
      options.signal === undefined ? {} : { signal: options.signal },
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new PipelineError('PayloadUnavailable', `${shown}: expected a file:, s3:, http: or https: address`);
  const response = await fetch(url, options.signal === undefined ? {} : { signal: options.signal }).catch(
    (cause: unknown) => {
      options.signal?.throwIfAborted();
      throw new PipelineError(
        'PayloadUnavailable',
        `${shown}: the server cannot be reached; it is tried again`,
        {
          retryable: true,
          cause,
        },
      );
    },
  );
  if (response.ok && response.body !== null) return Readable.fromWeb(response.body as never);
  await response.body?.cancel();
  const hopeless = hopelessStatuses.has(response.status);
  throw new PipelineError(
    'PayloadUnavailable',
    `${shown}: the server answered ${response.status}; ` +
      (hopeless ? 'the address has expired or is wrong: have the payload sent again' : 'it is tried again'),
    { retryable: !hopeless },
  );
}

async function openFile(path: string): Promise<Readable> {
  const stream = createReadStream(path);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => {
      resolve();
    });
    stream.once('error', (cause) => {
      reject(new PipelineError('PayloadUnavailable', `${path}: cannot be read: ${cause.message}`, { cause }));
    });
  });
  return stream;
}
