import { failureNames } from './failures.ts';

/** Kinds of failure as metrics name them: few, and never a text made up by a server or a payload. */
export const countedFailureTypes: readonly string[] = failureNames;

const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/;
const systemError = /^E[A-Z]{3,}$/;

/** The type of a failure as metrics name it: codes of PostgreSQL and of the operating system each become one kind. */
export function countedFailureType(type: string | null | undefined): string {
  if (type == null) return 'Unexpected';
  if (countedFailureTypes.includes(type)) return type;
  if (sqlState.test(type)) return 'DatabaseError';
  return systemError.test(type) ? 'Unreachable' : 'Unexpected';
}

/** Workflows whose failed runs are counted. */
export const countedWorkflows = [
  'ingestManifest',
  'resummarize',
  'sweepStaging',
  'purgeExpired',
  'watchSettings',
] as const;

/** Workflows that process every tenant, and record how they ended. */
export type CleanUpWorkflow = 'sweepStaging' | 'purgeExpired' | 'watchSettings';
export const cleanUpWorkflows: readonly CleanUpWorkflow[] = ['sweepStaging', 'purgeExpired', 'watchSettings'];
