import { sleep } from '@temporalio/workflow';
import type { BillingMonth } from '../domain/usage-day.ts';
import type { BoundActivities } from './activity-options.ts';
import { inParallel } from './in-parallel.ts';

/** First and longest pause before a busy source is asked again. */
const busyPauseMs = { first: 200, longest: 15_000 };

/** Ask until the answer is not "busy": somebody else is rewriting the same source, which is no error. */
export async function whenFree<R extends { outcome: string }>(
  ask: () => Promise<R>,
): Promise<Exclude<R, { outcome: 'busy' }>> {
  for (let pauseMs = busyPauseMs.first; ; pauseMs = Math.min(pauseMs * 2, busyPauseMs.longest)) {
    const result = await ask();
    if (result.outcome !== 'busy') return result as Exclude<R, { outcome: 'busy' }>;
    await sleep(pauseMs);
  }
}

export interface MonthInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
}

/**
 * Bring the daily summary of one month up to date. Pieces that the sweep dropped from staging are loaded again first.
 */
export async function aggregateMonth(
  activities: BoundActivities,
  input: MonthInput,
  loadConcurrency: number,
): Promise<{ dayCount: number; summaryRowCount: number }> {
  for (;;) {
    const result = await whenFree(() => activities.sql.aggregateDays(input));
    if (result.outcome === 'done') return result;
    await activities.short.ensurePartitions({ schema: input.schema, months: [input.month] });
    await inParallel(result.pieceIds, loadConcurrency, (pieceId) =>
      activities.load.loadReportDay({ schema: input.schema, pieceId }),
    );
  }
}
