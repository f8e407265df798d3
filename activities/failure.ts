import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { PipelineError } from '../domain/failures.ts';

/** Longest message that is passed on; the server cuts failures at 4 KiB. */
const longestMessage = 1_500;

/** PostgreSQL error classes that say that the input or the schema is wrong: trying again cannot help them. */
const hopelessSqlStates = new Map([
  ['42P01', 'SchemaTooOld'],
  ['42703', 'SchemaTooOld'],
  ['42883', 'SchemaTooOld'],
  ['3F000', 'SchemaTooOld'],
]);

/**
 * Translate what an activity threw, once, at its edge: our own errors keep their type and whether a retry helps; a schema
 * without a table or column of ours becomes `SchemaTooOld`; everything else is retried.
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
  const { message, code, where, type, retryable } = error as {
    message?: string;
    code?: unknown;
    where?: string;
    type?: unknown;
    retryable?: unknown;
  };
  const sqlState = typeof code === 'string' ? code : undefined;
  const schemaTooOld = sqlState === undefined ? undefined : hopelessSqlStates.get(sqlState);
  return ApplicationFailure.create({
    type: schemaTooOld ?? (typeof type === 'string' ? type : (sqlState ?? 'Unexpected')),
    message: withoutSecrets(
      [message ?? String(error), where && `at ${where}`, schemaTooOld && 'run: ocp-pipeline migrate']
        .filter(Boolean)
        .join('; '),
    ),
    nonRetryable: schemaTooOld !== undefined || retryable === false,
  });
}

/** Cut what may be secret out of addresses in a message: user info and query strings. */
export function withoutSecrets(message: string): string {
  return message
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi, '$1')
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s?"']*)\?[^\s"']*/gi, '$1')
    .slice(0, longestMessage);
}
