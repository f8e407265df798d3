import { ContinueAsNew, isCancellation, WorkflowError } from '@temporalio/workflow';

/**
 * Is this how the SDK controls a run, and not a failure of a step: continue-as-new, a cancellation, or an error that
 * the SDK itself must see, such as code that does not match the history (which fails the task, not the run)?
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
 * Rethrow what the SDK uses to control a run. It is the first statement of every `catch` in workflow code, enforced by
 * an ESLint rule: a catch that took a continue-as-new for a failure would fail the run.
 */
export function passControlFlow(error: unknown): void {
  if (isControlFlow(error)) throw error;
}

/** The same where a cancelled run has something to report or to clean up first. */
export async function passControlFlowAfter(
  error: unknown,
  onCancelled: () => void | Promise<void>,
): Promise<void> {
  if (isCancellation(error)) await onCancelled();
  passControlFlow(error);
}

/**
 * What to rethrow if several concurrent things have failed: the SDK's control flow comes first, so that a failure next
 * to it does not hide it.
 */
export function firstToThrow(errors: readonly unknown[]): unknown {
  return errors.find(isControlFlow) ?? errors[0];
}
