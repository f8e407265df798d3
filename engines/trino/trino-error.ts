import { PipelineError } from '../../domain/failures/failures.ts';

/** A query that Trino refused or gave up. `errorName` is Trino's own, such as `ALREADY_EXISTS`, or one of this file. */
export class TrinoError extends PipelineError {
  readonly errorName: string;

  constructor(
    message: string,
    { errorName, ...rest }: { errorName: string; retryable: boolean; remedy?: string },
  ) {
    super('TrinoFailed', message, rest);
    this.name = 'TrinoError';
    this.errorName = errorName;
  }
}

/** What a server answered to a request. */
export interface HttpAnswer {
  status: number;
  text: string;
  /** its header, if there is one */
  location: string | null;
}

/** What a server or a proxy before it answers while it is overloaded: the protocol asks to repeat the request. */
export const busyStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Trino knows a query no longer: it was started again, or nobody has asked for the query's rows for long. */
const goneStatuses: ReadonlySet<number> = new Set([404, 410]);
const maxExcerptLength = 200;
/** What all say of an address at which something else answers. */
const setAddress = 'set TRINO_URL to the scheme, host and port at which Trino itself answers programs';
const checkServer =
  'check TRINO_URL, and that the server runs and can be reached from here; for a certificate of an authority of your ' +
  'own, set NODE_EXTRA_CA_CERTS to its file';

/** Types of Trino's errors that may go away by themselves; a USER_ERROR stays. */
const passingErrors: ReadonlySet<string> = new Set(['EXTERNAL', 'INTERNAL_ERROR', 'INSUFFICIENT_RESOURCES']);

/** Trino's own account of a query that failed. */
export interface QueryFailure {
  message: string;
  errorName: string;
  errorType: string;
}

/** The error of a query that Trino gave up. */
export function queryFailed({ message, errorName, errorType }: QueryFailure, id: string): TrinoError {
  const isPassing = passingErrors.has(errorType) || errorName === 'NO_NODES_AVAILABLE';
  return new TrinoError(`Trino query ${id} failed: ${message} (${errorName})`, {
    errorName,
    retryable: isPassing,
  });
}

/** The error of an answer with a status that says no. */
export function refused(url: string, answer: HttpAnswer, queryId: string | undefined): TrinoError {
  const { status, location } = answer;
  const errorName = `HTTP_${status}`;
  if (queryId !== undefined && goneStatuses.has(status))
    return new TrinoError(`Trino at ${url} no longer knows query ${queryId} (HTTP ${status})`, {
      errorName,
      retryable: true,
      remedy:
        'if that repeats, check that whatever is before Trino passes all requests to the same coordinator',
    });
  // It is not followed: user and password must not go where nobody has sent them, and a POST would become a GET.
  if (location !== null && status < 400)
    return new TrinoError(
      `Trino at ${url}: expected an answer, found a redirect to ${addressOf(location, url)} (HTTP ${status})`,
      { errorName, retryable: false, remedy: setAddress },
    );
  return new TrinoError(`Trino at ${url} answered ${status}: ${excerptOf(answer.text)}`, {
    errorName,
    retryable: busyStatuses.has(status),
    ...remedyOf(status),
  });
}

function remedyOf(status: number): { remedy?: string } {
  if (status === 401 || status === 403) return { remedy: 'check TRINO_USER and TRINO_PASSWORD' };
  if (status === 404 || status === 405) return { remedy: setAddress };
  return {};
}

/** The error of an answer that Trino does not give. */
export function notOfTrino(url: string, expected: string, { status, text }: HttpAnswer): TrinoError {
  return new TrinoError(
    `Trino at ${url}: expected ${expected} in JSON, found ${excerptOf(text)} (HTTP ${status})`,
    {
      errorName: 'NOT_TRINO',
      retryable: false,
      remedy: `${setAddress}, without a log-in page before it`,
    },
  );
}

/** The error of a request that was not answered. */
export function unanswered(url: string, error: unknown): TrinoError {
  const { reason, isLasting, remedy } = whyUnanswered(url, error);
  return new TrinoError(`Trino at ${url} cannot be reached: ${reason}`, {
    errorName: 'UNREACHABLE',
    retryable: !isLasting,
    remedy,
  });
}

interface Unanswered {
  reason: string;
  /** no further attempt can do better with the same settings */
  isLasting: boolean;
  remedy: string;
}

function whyUnanswered(url: string, error: unknown): Unanswered {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return {
      reason: 'expected TLS, as https:// says, found another protocol',
      isLasting: true,
      remedy: 'set TRINO_URL to the port of HTTPS, or to http:// if Trino takes no HTTPS',
    };
  const orTls = url.startsWith('http:') ? '; if the port is one of HTTPS, set https:// in it' : '';
  // Trino's port of HTTPS answers so to HTTP; others may close the connection.
  if (typeof code === 'string' && code.startsWith('HPE_'))
    return {
      reason: `expected HTTP, found another protocol: ${message}`,
      isLasting: true,
      remedy: `${setAddress}${orTls}`,
    };
  if (code === 'UND_ERR_SOCKET')
    return { reason: message, isLasting: false, remedy: `${checkServer}${orTls}` };
  // Without a code it is no trouble of the network: what the settings ask for is never sent.
  return { reason: message, isLasting: code === undefined, remedy: checkServer };
}

/** Where a redirect leads, without what may be a secret in it. */
function addressOf(location: string, url: string): string {
  if (!URL.canParse(location, url)) return 'nowhere';
  const { origin, pathname } = new URL(location, url);
  return `${origin}${pathname}`;
}

/** The beginning of an answer, in one line; of a page for people its title. */
function excerptOf(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line === '') return 'nothing';
  if (!/<html[\s>]/i.test(line)) return line.slice(0, maxExcerptLength);
  const title = /<title[^>]*>([^<]*)/i.exec(line)?.[1]?.trim() ?? '';
  return title === '' ? 'a page for people' : `a page for people, "${title.slice(0, maxExcerptLength)}"`;
}
