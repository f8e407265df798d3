import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { addAbortSignal } from 'node:stream';
import { PipelineError } from '../domain/failures/failures.ts';
import { isLocalAddress, LocalAddressRefused, lookupOutside } from './local-addresses.ts';

/** Permanent failures: the address has expired, or was never valid. */
const hopelessStatuses = new Set([401, 403, 404, 410]);
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const maxRedirects = 5;
const connectTimeoutMs = 10_000;
/** A server that sends nothing for this long is considered dead. */
const idleTimeoutMs = 5 * 60_000;

/** Download options. */
export interface DownloadOptions {
  signal?: AbortSignal;
  /** refuse loopback and link-local addresses, behind names and redirects too */
  refuseLocal?: boolean;
}

/**
 * Fetch an address by GET. At most five redirects are followed, only to http: and https:; user info of the address goes
 * into a header, only to its own server.
 *
 * @throws PipelineError `PayloadUnavailable`, not retried for HTTP 401, 403, 404, 410, redirects without a usable
 *   target, and local addresses that are refused; retried otherwise. Messages contain addresses without their query
 *   strings
 */
export async function download(address: URL, options: DownloadOptions): Promise<IncomingMessage> {
  const authorization = basicAuthorization(address);
  let url = new URL(address);
  for (let redirectCount = 0; ; redirectCount += 1) {
    const headers = authorization !== undefined && url.origin === address.origin ? { authorization } : {};
    const response = await answerOf(url, headers, options);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300 && status !== 204) return response;
    response.destroy();
    if (!redirectStatuses.has(status)) throw refusedBy(url, status);
    if (redirectCount === maxRedirects)
      throw unavailable(
        shownAddress(address),
        `more than ${maxRedirects} redirects, the last one by ${shownAddress(url)}`,
      );
    url = redirectTarget(url, status, response.headers.location);
  }
}

/** Address for people: without user info and query, which may be secret. */
export function shownAddress({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

function basicAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const text = `${decoded(username)}:${decoded(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a literal "%"
  }
}

function redirectTarget(url: URL, status: number, location: string | undefined): URL {
  const from = shownAddress(url);
  if (location === undefined || !URL.canParse(location, url.href))
    throw unavailable(from, `the server answered ${status}, a redirect without a target address`);
  const target = new URL(location, url);
  if (target.protocol !== 'http:' && target.protocol !== 'https:')
    throw unavailable(
      from,
      `the server redirects to the scheme ${target.protocol}; expected http: or https:`,
    );
  return target;
}

function answerOf(
  url: URL,
  headers: Record<string, string>,
  { signal, refuseLocal = false }: DownloadOptions,
): Promise<IncomingMessage> {
  signal?.throwIfAborted();
  if (refuseLocal && isLocalAddress(url.hostname)) throw localRefused(url, url.hostname);
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: { accept: '*/*', 'user-agent': 'ocp-pipeline', ...headers },
      // A separate connection: a kept-alive one could lead to another address than the one resolved now.
      agent: false,
      timeout: connectTimeoutMs,
      ...(refuseLocal ? { lookup: lookupOutside } : {}),
    });
    const onAbort = () => {
      request.destroy();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const settled = () => signal?.removeEventListener('abort', onAbort);
    request.on('socket', (socket) => {
      socket.on('connect', () => socket.setTimeout(idleTimeoutMs));
    });
    request.on('timeout', () => {
      request.destroy(new Error('the server does not respond'));
    });
    request.on('error', (cause) => {
      settled();
      reject(
        cause instanceof LocalAddressRefused ? localRefused(url, cause.message) : unreachable(url, cause),
      );
    });
    request.on('response', (response) => {
      settled();
      resolve(signal === undefined ? response : addAbortSignal(signal, response));
    });
    request.end();
  });
}

function localRefused(url: URL, address: string): PipelineError {
  return unavailable(
    shownAddress(url),
    `it leads to ${address.replace(/^\[|\]$/g, '')}, a loopback, link-local or metadata address, which is refused; ` +
      'if payloads are served there, set OCP_LOCAL_DOWNLOADS=true',
  );
}

function unreachable(url: URL, cause: Error): PipelineError {
  const reason = (cause as NodeJS.ErrnoException).code ?? cause.message;
  return unavailable(
    shownAddress(url),
    `the server cannot be reached (${reason}); the download is retried`,
    true,
    cause,
  );
}

function refusedBy(url: URL, status: number): PipelineError {
  const hopeless = hopelessStatuses.has(status);
  return unavailable(
    shownAddress(url),
    `the server answered ${status}; ` +
      (hopeless
        ? 'the address has expired or is wrong: have the payload sent again'
        : 'the download is retried'),
    !hopeless,
  );
}

function unavailable(shown: string, reason: string, retryable = false, cause?: unknown): PipelineError {
  return new PipelineError('PayloadUnavailable', `${shown}: ${reason}`, { retryable, cause });
}
