import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { PipelineError } from '../domain/failures.ts';

/** Longest message that is passed on; the server cuts failures at 4 KiB. */
const longestMessage = 1_500;

/** Error codes that trying again cannot mend, and the failure type operators see. */
const hopelessCodes: ReadonlyMap<string, { type: string; remedy?: string }> = new Map([
  ['42P01', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  ['42703', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  ['42883', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  ['3F000', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  ['OBJECT_NOT_FOUND', { type: 'ObjectMissing', remedy: 'restore the object, or ingest the payload again' }],
  ['OBJECT_KEY_INVALID', { type: 'ObjectMissing' }],
]);

/**
 * Translate what an activity threw, once, at its edge: our own errors keep their type and whether a retry helps; a schema
 * without a table or column of ours becomes `SchemaTooOld`, a lost object `ObjectMissing`; everything else is retried.
 * The message names neither credentials nor presigned addresses: query strings and user info of addresses are cut.
 */
export function toApplicationFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure'))
    return error;
  if (error instanceof PipelineError)
    return ApplicationFailure.create({
      type: error.type,
      message: withoutSecrets(error.message),
      nonRetryable: !error.retryable,
      details: [error.details],
    });
  const { message, code, where, retryable } = error as {
    message?: string;
    code?: unknown;
    where?: string;
    retryable?: unknown;
  };
  const errorCode = typeof code === 'string' ? code : 'Unexpected';
  // Class 22: the data does not fit the tables, and will not fit better the next time.
  const hopeless: { type: string; remedy?: string } | undefined =
    hopelessCodes.get(errorCode) ?? (/^22\w{3}$/.test(errorCode) ? { type: 'DataDoesNotFit' } : undefined);
  return ApplicationFailure.create({
    type: hopeless?.type ?? errorCode,
    message: withoutSecrets(
      [message ?? String(error), where && `at ${where.split('\n')[0] ?? ''}`, hopeless?.remedy]
        .filter(Boolean)
        .join('; '),
    ),
    nonRetryable: hopeless !== undefined || retryable === false,
  });
}

/** Cut what may be secret out of addresses in a message: user info and query strings. */
export function withoutSecrets(message: string): string {
  return message
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi, '$1')
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s?"']*)\?[^\s"']*/gi, '$1')
    .slice(0, longestMessage);
}
