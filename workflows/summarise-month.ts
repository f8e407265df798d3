import { sleep } from '@temporalio/workflow';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import type { BoundActivities } from './activity-options.ts';
import { inParallel } from './in-parallel.ts';

/** First and longest pause before a busy source is asked again. */
const busyPauseMs = { first: 200, longest: 15_000 };

export interface SummariseMonthInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  /** days to rebuild although nothing about them changed */
  force?: { from: UsageDay; until: UsageDay };
}

export interface SummarisedMonth {
  dayCount: number;
  summaryRowCount: number;
  warningCount: number;
}

type Answer = { outcome: 'busy' } | { outcome: 'missing'; pieceIds: number[] } | { outcome: 'done' };

/**
 * Bring everything that is computed from the line items of a month up to date: daily summary, labels and tags, report
 * tables, cloud infrastructure, validation. Each step does what is behind, whoever left it behind.
 *
 * @param onStep told before the steps, for progress
 */
export async function summariseMonth(
  activities: BoundActivities,
  { force, ...input }: SummariseMonthInput,
  loadConcurrency: number,
  onStep: (step: 'aggregating' | 'summarising' | 'validating') => void = () => undefined,
): Promise<SummarisedMonth> {
  const { sql } = activities;
  const settle = <A extends Answer>(ask: () => Promise<A>) =>
    whenPossible(activities, input, loadConcurrency, ask);
  onStep('aggregating');
  const { dayCount, summaryRowCount } = await settle(() =>
    sql.aggregateDays({ ...input, ...(force === undefined ? {} : { force }) }),
  );
  onStep('summarising');
  await settle(() => sql.applyTagMapping(input));
  await settle(() => sql.refreshUiSummaries(input));
  await settle(() => sql.checkCloudInfrastructure(input));
  onStep('validating');
  const { warningCount } = await settle(() => sql.validateDays(input));
  return { dayCount, summaryRowCount, warningCount };
}

/** Missing: load the pieces that the sweep dropped from staging, then ask again. */
async function whenPossible<A extends Answer>(
  activities: BoundActivities,
  { schema, month }: SummariseMonthInput,
  loadConcurrency: number,
  ask: () => Promise<A>,
): Promise<Extract<A, { outcome: 'done' }>> {
  return untilDone(ask, async (pieceIds) => {
    await activities.short.ensurePartitions({ schema, months: [month] });
    await inParallel(pieceIds, loadConcurrency, (pieceId) =>
      activities.load.loadReportDay({ schema, pieceId }),
    );
  });
}

/**
 * Ask until the answer is "done". Busy: somebody else is rewriting the same source, which is no error, so wait and ask again.
 *
 * @param load brings what the answer says is missing, before it is asked again
 */
export async function untilDone<A extends Answer>(
  ask: () => Promise<A>,
  load: (pieceIds: readonly number[]) => Promise<void> = () => Promise.resolve(),
): Promise<Extract<A, { outcome: 'done' }>> {
  for (let pauseMs = busyPauseMs.first; ;) {
    const answer = await ask();
    if (answer.outcome === 'done') return answer as Extract<A, { outcome: 'done' }>;
    if (answer.outcome === 'missing') {
      await load(answer.pieceIds);
      continue;
    }
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, busyPauseMs.longest);
  }
}
