import { log } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { SettledActivities } from './activity-options.ts';
import { passControlFlow } from './control-flow.ts';
import { causeOf } from './decisions.ts';
import { countFailedComparison } from './failed-runs.ts';

/** Compare days of a tenant in shadow; whatever happens to the shadow, the run goes on. */
export async function compareWithShadow(
  { shadow }: Pick<SettledActivities, 'shadow'>,
  input: Parameters<Activities['compareEngines']>[0],
): Promise<void> {
  try {
    await shadow.compareEngines(input);
  } catch (error) {
    passControlFlow(error);
    const { month, days } = input;
    log.warn('days were not compared with the shadow engine', {
      month,
      days,
      reason: causeOf(error).message,
    });
    countFailedComparison(days.length);
  }
}
