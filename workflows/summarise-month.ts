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
  const reloads: Reloads = new Map();
  const settle = <A extends Answer>(ask: (again: AskedAgain) => Promise<A>) =>
    whenPossible(activities, input, { loadConcurrency, reloads }, ask);
  onStep('aggregating');
  const { dayCount, summaryRowCount } = await settle((again) =>
    sql.aggregateDays({ ...input, ...(force === undefined ? {} : { force }), ...again }),
  );
  onStep('summarising');
  await settle(() => sql.applyTagMapping(input));
  await settle((again) => sql.refreshUiSummaries({ ...input, ...again }));
  await settle(() => sql.checkCloudInfrastructure(input));
  onStep('validating');
  const { warningCount } = await settle((again) => sql.validateDays({ ...input, ...again }));
  return { dayCount, summaryRowCount, warningCount };
}

/** How often the run has loaded each piece again that a step of the month found missing. */
type Reloads = Map<number, number>;

/** What a step is told beside its input: it fails with a sentence when these pieces are still not in staging as loaded. */
interface AskedAgain {
  loadedInVain?: number[];
}

/** The sweep may come between a load and the step that reads it; what comes more often is no accident. */
const mostReloads = 3;

/**
 * Missing: load the pieces that the sweep dropped from staging, or that are not there as they were loaded, then ask again. Pieces
 * that staging does not keep are not loaded for ever: the step is told, and gives up; a decision to retry loads them once more.
 */
async function whenPossible<A extends Answer>(
  activities: BoundActivities,
  { schema, month }: SummariseMonthInput,
  { loadConcurrency, reloads }: { loadConcurrency: number; reloads: Reloads },
  ask: (again: AskedAgain) => Promise<A>,
): Promise<Extract<A, { outcome: 'done' }>> {
  const askAgain = () => {
    const loadedInVain = [...reloads].flatMap(([pieceId, count]) => (count < mostReloads ? [] : [pieceId]));
    return ask(loadedInVain.length === 0 ? {} : { loadedInVain });
  };
  return untilDone(askAgain, async (pieceIds) => {
    for (const pieceId of pieceIds) reloads.set(pieceId, (reloads.get(pieceId) ?? 0) + 1);
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
