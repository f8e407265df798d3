import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { PipelineError } from '../../domain/failures/failures.ts';
import { redactSecrets } from '../../domain/failures/redaction.ts';

/** Maximum length of a message that is passed on; the server truncates failures at 4 KiB. */
const maxMessageLength = 1_500;

/** Error codes of PostgreSQL that a retry cannot fix, and the failure type that operators see. */
const hopelessCodes: ReadonlyMap<string, { type: string; remedy?: string }> = new Map([
  ['42P01', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  ['42703', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  ['42883', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  ['3F000', { type: 'SchemaTooOld', remedy: 'run: ocp-pipeline migrate' }],
  // An upsert uses a key that a Koku table does not have.
  [
    '42P10',
    { type: 'SchemaTooOld', remedy: 'ocp-pipeline doctor shows the key and the statement that adds it' },
  ],
]);

/**
 * The failure of an attempt that was asked to stop: cancelled, paused or reset by an operator, or its worker is
 * shutting down. Its statement or stream then ends with an error of its own, which says nothing. Only a
 * `CancelledFailure` is passed on unchanged: the server rejects the "cancelled" that the SDK makes of an `AbortError`
 * for a paused or reset activity, and the next attempt would have to wait for the heartbeat timeout.
 *
 * @returns undefined if the attempt was not asked to stop
 */
export function abortedAttempt(): CancelledFailure | undefined {
  const { cancellationSignal } = Context.current();
  if (!cancellationSignal.aborted) return undefined;
  const reason: unknown = cancellationSignal.reason;
  return reason instanceof CancelledFailure ? reason : new CancelledFailure('the attempt was cancelled');
}

/**
 * Translate what an activity threw, once, at its edge: our own errors keep their type and their retryability; a schema
 * without a table or column of ours becomes `SchemaTooOld`, a lost object `ObjectMissing`; everything else is retried.
 * The message contains neither credentials nor presigned addresses: query strings and user info of addresses are
 * redacted.
 */
export function toApplicationFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure'))
    return error;
  if (error instanceof PipelineError)
    return ApplicationFailure.create({
      type: error.type,
      message: withoutSecrets(error.sentence),
      nonRetryable: !error.retryable,
      details: [error.details],
    });
  const { message, code, where } = error as { message?: string; code?: unknown; where?: string };
  const errorCode = typeof code === 'string' ? code : 'Unexpected';
  // Class 22: the data do not fit the tables, and a retry will not change that.
  const hopeless: { type: string; remedy?: string } | undefined =
    hopelessCodes.get(errorCode) ?? (/^22\w{3}$/.test(errorCode) ? { type: 'DataDoesNotFit' } : undefined);
  return ApplicationFailure.create({
    type: hopeless?.type ?? errorCode,
    message: withoutSecrets(
      [
        message ?? String(error),
        where && `at ${where.split('\n')[0] ?? ''}`,
        placeOf(databaseErrorOf(error)),
        hopeless?.remedy,
      ]
        .filter(Boolean)
        .join('; '),
    ),
    nonRetryable: hopeless !== undefined,
  });
}

/** What an error says, as {@link toApplicationFailure} would pass it on: without secrets. */
export function failureMessage(error: unknown): string {
  const failure = toApplicationFailure(error);
  return failure instanceof Error ? withoutSecrets(failure.message) : String(failure);
}

/** What PostgreSQL reports about a failed statement, in addition to its message. */
interface DatabaseError extends Error {
  code: string;
  severity: string;
  schema?: string;
  table?: string;
  column?: string;
  constraint?: string;
  detail?: string;
  hint?: string;
  /** character position in the statement, from 1 */
  position?: string;
  where?: string;
}

/** The PostgreSQL error behind a failure, possibly as a cause; undefined if there is none. */
function databaseErrorOf(error: unknown): DatabaseError | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 10; cause = cause.cause, depth += 1) {
    const { code, severity } = cause as Partial<DatabaseError>;
    if (typeof severity === 'string' && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code))
      return cause as DatabaseError;
  }
  return undefined;
}

/** Names only: `detail` may contain values of a row, and messages end up in histories. */
function placeOf(error: DatabaseError | undefined): string {
  if (error === undefined) return '';
  const { table, column, constraint } = error;
  return [table && `table ${table}`, column && `column ${column}`, constraint && `constraint ${constraint}`]
    .filter(Boolean)
    .join(', ');
}

/**
 * What is logged about a failed statement: where it failed and why, with the error and its causes. Undefined if the
 * failure was something else.
 */
export function statementFailure(error: unknown): Record<string, unknown> | undefined {
  const failed = databaseErrorOf(error);
  if (failed === undefined) return undefined;
  const { code, schema, table, column, constraint, detail, hint, position, where } = failed;
  const said = { sqlState: code, schema, table, column, constraint, detail, hint, position, where };
  const known = Object.entries(said).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(known), error };
}

/** A message in a form suitable for histories: without secrets, and no longer than a failure may be. */
export function withoutSecrets(message: string): string {
  return redactSecrets(message).slice(0, maxMessageLength);
}
