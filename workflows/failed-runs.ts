import { proxySinks } from '@temporalio/workflow';
import type { Sinks } from '@temporalio/workflow';
import { passControlFlow } from './control-flow.ts';
import { causeOf } from './decisions.ts';

/** What workflow code reports to the process that runs it: it is in no history, and a replay reports nothing. */
export interface MetricSinks extends Sinks {
  metrics: {
    /** the run ends as failed */
    runFailed(type: string): void;
    /** days of a tenant in shadow were not compared, because no attempt of it came to an end */
    comparisonFailed(dayCount: number): void;
  };
}

const { metrics } = proxySinks<MetricSinks>();

/** Count a run that is about to fail. */
export function countFailedRun(type: string): void {
  metrics.runFailed(type);
}

/** Count days that a shadow did not compare. */
export function countFailedComparison(dayCount: number): void {
  metrics.comparisonFailed(dayCount);
}

/** Do the work of a run, and count the run if it fails; a cancelled run has not failed. */
export async function countedIfFailed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    passControlFlow(error);
    countFailedRun(causeOf(error).type);
    throw error;
  }
}
