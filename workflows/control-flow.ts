import { ContinueAsNew, isCancellation, WorkflowError } from '@temporalio/workflow';

/**
 * Is this how the SDK steers a run, and no failure of a step: continuing as new, a cancellation, or an error that the SDK
 * itself has to see, such as code that does not fit the history (which fails the task, not the run)?
 */
export function isControlFlow(error: unknown): boolean {
  return (
    error instanceof ContinueAsNew ||
    isCancellation(error) ||
    error instanceof WorkflowError ||
    // Not a `WorkflowError`: a local activity that waits for its next attempt.
    (error instanceof Error && error.name === 'LocalActivityDoBackoff')
  );
}

/**
 * Throw again what the SDK steers a run with. The first statement of every `catch` of workflow code, as a rule of ESLint
 * demands: a catch that took a continue-as-new for a failure would end the run failed.
 */
export function passControlFlow(error: unknown): void {
  if (isControlFlow(error)) throw error;
}

/** The same where a cancelled run has something to say or to put in order first. */
export async function passControlFlowAfter(
  error: unknown,
  onCancelled: () => void | Promise<void>,
): Promise<void> {
  if (isCancellation(error)) await onCancelled();
  passControlFlow(error);
}

/**
 * What to go on with when several things that ran side by side have failed: what the SDK steers with comes first, so that a
 * failure beside it does not hide it.
 */
export function firstToThrow(errors: readonly unknown[]): unknown {
  return errors.find(isControlFlow) ?? errors[0];
}
