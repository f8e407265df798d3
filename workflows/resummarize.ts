import { summarisesAnew } from '../domain/run/resummarize.ts';
import type { ResummarizeInput, ResummarizeResult } from '../domain/run/resummarize.ts';
import { firstDay, lastDay } from '../domain/time/usage-day.ts';
import { runMonth } from './run-month.ts';
import { summariseMonth } from './summarise-month.ts';

/**
 * Rebuild the summaries of a source and month, or of some of its days, from staging or the archive. Started by hand, or
 * after settings changed: then it first waits until they have been unchanged for a while.
 */
export async function resummarize(input: ResummarizeInput): Promise<ResummarizeResult> {
  const { schema, sourceUuid, month } = input;
  const days = { from: input.from ?? firstDay(month), until: input.until ?? lastDay(month) };
  const { dayCount, summaryRowCount } = await runMonth(
    input,
    summarisesAnew(input),
    ({ activities, loadConcurrency, anew }) =>
      summariseMonth(
        activities,
        { schema, sourceUuid, month, ...(anew ? { force: days } : {}) },
        loadConcurrency,
      ),
  );
  return { month, daysSummarised: dayCount, summaryRowCount };
}
