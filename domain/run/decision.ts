/**
 * What an operator can do about an open failure: run the step again, leave the file out and go on, or give the archive up.
 * Abandoning fails the run, and what the archive brought is summarised by nobody until it is replayed. When nobody decides
 * in time the run fails too, but its data stay: the next run of the month takes them in once the cause is mended.
 */
export const decisionActions = ['retry', 'skip', 'abandon'] as const;
export type DecisionAction = (typeof decisionActions)[number];

/** A step that gave up and waits for an operator. Answer of the query `openFailures`. */
export interface OpenFailure {
  /** holds the workflow time of the failure, so that a decision that is applied again after a reset does not fit */
  failureId: string;
  /** activity that gave up */
  step: string;
  /** file, piece or month */
  subject: string;
  /** the piece or month of it, when it is one */
  pieceId?: number;
  month?: string;
  errorType: string;
  message: string;
  /** the file can be left out, and the rest goes on */
  canSkip: boolean;
  /** ISO 8601, UTC */
  since: string;
  /** when the run fails if nobody decides, ISO 8601, UTC */
  until: string;
}

/** Argument of the Update `resolveFailure`. */
export interface ResolveFailureInput {
  failureId: string;
  action: DecisionAction;
  /** why, for those who look later */
  note?: string;
}

/** Answer of the Update `resolveFailure`. */
export interface ResolveFailureResult {
  failureId: string;
  action: DecisionAction;
  /** failures that still wait */
  openCount: number;
}
