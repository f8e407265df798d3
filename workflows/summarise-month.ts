import { patched, sleep } from '@temporalio/workflow';
import { steps, stepsBeforeCosts } from '../domain/run/steps.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import type { SettledActivities } from './activity-options.ts';
import { compareWithShadow } from './compare-with-shadow.ts';
import { inParallel } from './in-parallel.ts';

/** Initial and maximum interval at which a busy source is retried. */
const busyPauseMs = { first: 200, max: 15_000 };

export interface SummariseMonthInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  /** days to rebuild although nothing about them changed */
  force?: { from: UsageDay; until: UsageDay };
  /** only the steps from this one on, of the chain with costs; absent: all */
  fromStep?: 'costs';
}

export interface SummarisedMonth {
  dayCount: number;
  summaryRowCount: number;
  /** days whose costs were written */
  pricedDayCount: number;
  costRowCount: number;
  warningCount: number;
}

type ChainStep = (typeof steps)[number] | (typeof stepsBeforeCosts)[number];
type Answer = Awaited<ReturnType<SettledActivities['sql'][ChainStep['activity']]>>;

/**
 * Bring everything that is computed from the line items of a month up to date, one step of the chain after the other.
 * Each processes what is behind, whichever run left it behind.
 *
 * @param onPhase called before a step, for progress
 */
export async function summariseMonth(
  activities: SettledActivities,
  { force, fromStep, ...input }: SummariseMonthInput,
  loadConcurrency: number,
  onPhase: (phase: SummaryPhase) => void = () => undefined,
): Promise<SummarisedMonth> {
  const chain = fromStep === undefined ? wholeChain() : steps.slice(steps.findIndex(isNamed(fromStep)));
  const reloads: Reloads = new Map();
  const totals: SummarisedMonth = {
    dayCount: 0,
    summaryRowCount: 0,
    pricedDayCount: 0,
    costRowCount: 0,
    warningCount: 0,
  };
  let phase: SummaryPhase | undefined;
  let daysToCompare: UsageDay[] = [];
  for (const step of chain) {
    if (step.phase !== phase) onPhase(step.phase);
    phase = step.phase;
    const answer = await whenPossible(activities, input, { loadConcurrency, reloads }, (again) =>
      activities.sql[step.activity]({
        ...input,
        ...(step.name === 'aggregate' && force !== undefined ? { force } : {}),
        ...(step.readsStaging ? again : {}),
      }),
    );
    if ('summaryRowCount' in answer) {
      totals.dayCount = answer.dayCount;
      totals.summaryRowCount = answer.summaryRowCount;
    }
    if ('daysToCompare' in answer) daysToCompare = answer.daysToCompare ?? [];
    if ('costRowCount' in answer) {
      totals.pricedDayCount = answer.dayCount;
      totals.costRowCount = answer.costRowCount;
    }
    if ('warningCount' in answer) totals.warningCount = answer.warningCount;
  }
  // Only tenants in shadow have any, so other runs issue the commands that they always did.
  if (daysToCompare.length > 0) await compareWithShadow(activities, { ...input, days: daysToCompare });
  return totals;
}

/** Runs of earlier versions go on in their order. */
function wholeChain(): readonly ChainStep[] {
  return patched('costs-in-the-chain') ? steps : stepsBeforeCosts;
}

function isNamed(name: string): (step: ChainStep) => boolean {
  return (step) => step.name === name;
}

type SummaryPhase = (typeof steps)[number]['phase'];

/** How often the run has reloaded each piece that a step of the month found missing. */
type Reloads = Map<number, number>;

/** Additional input of a step: it fails with an explanation if these pieces are still not in staging as loaded. */
interface AskedAgain {
  loadedInVain?: number[];
}

/** The sweep may run between a load and the step that reads it; if that repeats, it is no accident. */
const maxReloads = 3;

/**
 * Missing: load the pieces that the sweep dropped from staging, or that differ from what was loaded, then ask again.
 * Pieces that staging does not keep are not reloaded forever: the step gets them as input, and gives up; a decision to
 * retry loads them once more.
 */
async function whenPossible(
  activities: SettledActivities,
  { schema, month }: SummariseMonthInput,
  { loadConcurrency, reloads }: { loadConcurrency: number; reloads: Reloads },
  ask: (again: AskedAgain) => Promise<Answer>,
): Promise<Extract<Answer, { outcome: 'done' }>> {
  const askAgain = () => {
    const loadedInVain = [...reloads].flatMap(([pieceId, count]) => (count < maxReloads ? [] : [pieceId]));
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

/** An activity that can be called again. */
type AnyAnswer = { outcome: 'busy' } | { outcome: 'missing'; pieceIds: number[] } | { outcome: 'done' };

/**
 * Call until the result is "done". Busy: another transaction is rewriting the same source, which is not an error, so
 * wait and call again.
 *
 * @param load loads what the result says is missing, before the next call
 */
export async function untilDone<A extends AnyAnswer>(
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
    pauseMs = Math.min(pauseMs * 2, busyPauseMs.max);
  }
}
