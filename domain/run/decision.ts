/**
 * What an operator can do about an open failure: run the step again, leave the file out and continue, or abandon the
 * archive. Abandoning fails the run, and the archive's data are not summarised until it is replayed. If nobody decides
 * in time, the run fails too, but its data stay: the next run of the month includes them once the cause is fixed.
 */
export const decisionActions = ['retry', 'skip', 'abandon'] as const;
export type DecisionAction = (typeof decisionActions)[number];

/** A step that gave up and waits for an operator. Answer of the query `openFailures`. */
export interface OpenFailure {
  /** contains the workflow time of the failure, so that a decision that is reapplied after a reset does not match */
  failureId: string;
  /** activity that gave up */
  step: string;
  /** file, piece or month */
  subject: string;
  /** the piece or month it concerns, if it is one */
  pieceId?: number;
  month?: string;
  errorType: string;
  message: string;
  /** the file can be left out, and the rest continues */
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
  /** the reason, for later readers */
  note?: string;
}

/** Answer of the Update `resolveFailure`. */
export interface ResolveFailureResult {
  failureId: string;
  action: DecisionAction;
  /** failures that still wait */
  openCount: number;
}
