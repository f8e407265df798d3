import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { DatabaseError } from 'pg';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';
import { PipelineError } from '../domain/failures/failures.ts';
import { configuredTemporal } from '../platform/temporal/connection.ts';
import { explainServiceError } from '../platform/temporal/service-errors.ts';

/** A failure: a type for machines, a sentence for people, without secrets. */
export interface Failure {
  errorType: string;
  message: string;
}

/** What an error of any library means to the person at the terminal. */
export function describeFailure(error: unknown): Failure {
  const cause =
    error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError
      ? (error.cause ?? error)
      : error;
  const { errorType, message } = explain(cause);
  return { errorType, message: withoutSecrets(message) };
}

function explain(error: unknown): Failure {
  if (error instanceof ApplicationFailure)
    return { errorType: error.type ?? 'Unexpected', message: error.message };
  if (error instanceof TerminatedFailure)
    return { errorType: 'Terminated', message: 'the run was terminated; replay it to go on' };
  if (error instanceof CancelledFailure)
    return { errorType: 'Cancelled', message: 'the run was cancelled; replay it to go on' };
  const refused = explainServiceError(error, target());
  if (refused !== undefined) return { errorType: 'TemporalRefused', message: refused };
  if (error instanceof PipelineError) return { errorType: error.type, message: error.sentence };
  const database = databaseRefusal(error);
  if (database !== undefined) return { errorType: 'DatabaseUnavailable', message: database };
  if (error instanceof Error)
    return {
      errorType: error.name === 'Error' ? 'Unexpected' : error.name,
      message: error.message === '' ? reasonsOf(error) : error.message,
    };
  return { errorType: 'Unexpected', message: String(error) };
}

/** SQLSTATE classes of a refused connection: authorization, unknown database, too many connections, start or stop. */
const notLetIn = /^(28|3D|53300|57P)/;

/** PostgreSQL is the only server whose errors reach the command line as worded by its driver. */
function databaseRefusal(error: unknown): string | undefined {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const { code, syscall } = (first ?? {}) as { code?: unknown; syscall?: unknown };
  if (!(error instanceof Error) || typeof code !== 'string') return undefined;
  const unreachable = syscall === 'connect' || syscall === 'getaddrinfo';
  if (!unreachable && !(error instanceof DatabaseError && notLetIn.test(code))) return undefined;
  const reason = error.message === '' ? reasonsOf(error) : error.message;
  const problem = unreachable ? 'cannot be reached' : 'refuses the connection';
  return `PostgreSQL ${problem}: ${reason}; check DATABASE_URL and that the server runs`;
}

/** An error that combines several attempts, such as one for each address of a name, has no message of its own. */
function reasonsOf(error: Error): string {
  const reasons = error instanceof AggregateError ? error.errors : [error.cause];
  const messages = reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason ?? '')));
  return [...new Set(messages)].filter((message) => message !== '').join('; ') || error.name;
}

/** The configured server; an invalid configuration is reported by the code that reads it first. */
function target() {
  try {
    return configuredTemporal();
  } catch {
    return undefined;
  }
}
