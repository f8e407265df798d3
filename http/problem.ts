import { PipelineError } from '../domain/failures/failures.ts';
import { ObjectStoreError } from '../platform/object-store/index.ts';

/** An answer that is an error: Fastify takes status and headers from it. */
export interface Problem extends Error {
  statusCode: number;
  headers: Readonly<Record<string, string>>;
  /** whether it is written to the audit log as a failed login of its address */
  isFailedLogin: boolean;
}

/**
 * An error answer.
 * @param detail one sentence for the sender: what was expected, what was found, what to do
 */
export function problem(
  statusCode: number,
  detail: string,
  { headers = {}, isFailedLogin = false }: Partial<Pick<Problem, 'headers' | 'isFailedLogin'>> = {},
): Problem {
  return Object.assign(new Error(detail), { statusCode, headers, isFailedLogin });
}

/** What a sender is told about an error. */
export interface Answer {
  status: number;
  detail: string;
  headers: Readonly<Record<string, string>>;
}

/** Retry-After of an outage: gateways repeat, operators come back by themselves. */
const outageSeconds = '30';

/** The answer to an error of any kind. What is not the sender's fault says nothing about the inside. */
export function answerTo(error: unknown): Answer {
  const { statusCode, headers, message, code } = error as Partial<Problem> & { code?: string };
  if (error instanceof PipelineError && !(error instanceof ObjectStoreError)) {
    if (error.type === 'NotPermitted') return { status: 403, detail: error.sentence, headers: {} };
    if (error.type === 'ConfigInvalid') return { status: 400, detail: error.sentence, headers: {} };
  }
  if (statusCode !== undefined && statusCode < 500 && message !== undefined)
    return { status: statusCode, detail: message, headers: headers ?? {} };
  if (statusCode === 503 && message !== undefined)
    return { status: 503, detail: message, headers: { 'retry-after': outageSeconds, ...headers } };
  if (error instanceof ObjectStoreError || isOutage(error))
    return {
      status: 503,
      detail: 'the database or the object store does not answer; nothing was kept, send it again later',
      headers: { 'retry-after': outageSeconds },
    };
  return { status: 500, detail: `internal error${code === undefined ? '' : ` (${code})`}`, headers: {} };
}

/** Classes of SQLSTATE: connection, resources, operator intervention (shutdown), system errors, read-only standby. */
const outageStates = /^(08|53|57|58|25006)/;
const outageCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Whether the database, rather than a statement, failed. */
function isOutage(error: unknown): boolean {
  const { code, message, errors } = error as { code?: unknown; message?: string; errors?: unknown[] };
  if (typeof code === 'string' && (outageStates.test(code) || outageCodes.has(code))) return true;
  if (Array.isArray(errors)) return errors.some(isOutage);
  return /^Connection terminated|timeout exceeded when trying to connect/.test(message ?? '');
}
