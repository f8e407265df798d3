import {
  ApplicationFailure,
  condition,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { OpenFailure } from '../domain/run/decision.ts';
import { fields, problemsOf } from '../domain/run/input-check.ts';
import { priorityKeyOf } from '../domain/run/priority.ts';
import { summarisesAnew } from '../domain/run/resummarize.ts';
import type { RecalculateCostsInput, SettingsChange } from '../domain/run/resummarize.ts';
import type { PipelineState, RunOptions } from '../domain/run/run.ts';
import { bindActivities } from './activity-options.ts';
import type { SettledActivities } from './activity-options.ts';
import { passControlFlowAfter } from './control-flow.ts';
import { causeOf, decisionLines, Decisions, withDecisions } from './decisions.ts';
import { countFailedRun } from './failed-runs.ts';
import { settingsChangedSignal } from './messages.ts';
import { searchAttributes } from './search-attributes.ts';
import type { SummarisedMonth } from './summarise-month.ts';
import { runOptionsOf } from './checked-input.ts';

/** What a run does with its month. */
export interface MonthWork {
  activities: SettledActivities;
  loadConcurrency: number;
  /** changes of settings so far; summarised anew when one of them concerns the aggregation */
  anew: boolean;
}

/**
 * A run that brings one source and month up to date without a payload: started by hand, or after settings changed. Then
 * it first waits until they have been unchanged for a while, and works once more when they change meanwhile.
 *
 * @param anew whether the input itself asks for all days to be summarised
 * @returns days and rows of all its work
 */
export async function runMonth(
  input: RecalculateCostsInput,
  anew: boolean,
  work: (month: MonthWork) => Promise<SummarisedMonth>,
): Promise<Omit<SummarisedMonth, 'warningCount'>> {
  const { orgId, month } = input;
  // What "Start Workflow Like This One" has copied from another run is overwritten too.
  upsertSearchAttributes([
    { key: searchAttributes.orgId, value: orgId },
    { key: searchAttributes.billingMonth, value: month },
    { key: searchAttributes.pipelineState, value: 'summarising' },
  ]);
  const options = runOptionsOf(input.options);
  const decisions = new Decisions(options.blockedWaitMs, (open) => {
    show(open.length > 0 ? 'blocked' : 'summarising', open);
  });
  try {
    const result = await settled(input, anew, { options, decisions, work });
    await decisions.settled();
    show('completed');
    return result;
  } catch (error) {
    await passControlFlowAfter(error, () => {
      show('cancelled');
    });
    await decisions.settled();
    show('failed');
    const { type, message, details } = causeOf(error);
    countFailedRun(type);
    // The cause itself, so that its type and message are visible at once.
    throw ApplicationFailure.create({ type, message, nonRetryable: true, details });
  }
}

/** Status of the run, for the list of runs and for the details of this one. */
function show(state: PipelineState, open: readonly OpenFailure[] = []): void {
  upsertSearchAttributes([{ key: searchAttributes.pipelineState, value: state }]);
  setCurrentDetails([`**${state}**`, ...decisionLines(open)].join('\n'));
}

interface Settled {
  options: RunOptions;
  decisions: Decisions;
  work: (month: MonthWork) => Promise<SummarisedMonth>;
}

async function settled(
  input: RecalculateCostsInput,
  givenAnew: boolean,
  { options, decisions, work }: Settled,
): Promise<Omit<SummarisedMonth, 'warningCount'>> {
  const priority = { orgId: input.orgId, key: priorityKeyOf(input.month, Date.now()) };
  const activities = withDecisions(bindActivities(options, priority), decisions);
  let { settingsHash } = input;
  let anew = givenAnew;
  let changed = false;
  setHandler(
    settingsChangedSignal,
    (change: SettingsChange) => {
      // A signal has no result, and an error in a handler would fail the workflow task forever.
      if (problemsOf(change, { settingsHash: fields.id }).length > 0) {
        log.warn('signal settingsChanged without a settingsHash is ignored', {
          orgId: input.orgId,
          month: input.month,
        });
        return;
      }
      if (change.settingsHash === settingsHash) return;
      changed = true;
      settingsHash = change.settingsHash;
      anew ||= summarisesAnew(change);
    },
    { description: 'Settings changed again: restart the wait, or do the work once more' },
  );

  const total = { dayCount: 0, summaryRowCount: 0, pricedDayCount: 0, costRowCount: 0 };
  do {
    // Each change restarts the wait, so that ten edits in a row cost one rebuild.
    if (input.delayMs !== undefined) while (await nextChange(input.delayMs)) changed = false;
    changed = false;
    const result = await work({ activities, loadConcurrency: options.loadConcurrency, anew });
    total.dayCount += result.dayCount;
    total.summaryRowCount += result.summaryRowCount;
    total.pricedDayCount += result.pricedDayCount;
    total.costRowCount += result.costRowCount;
    // The work may have missed a change that was made meanwhile.
  } while (hasChanged());
  return total;

  function nextChange(delayMs: number): Promise<boolean> {
    return condition(hasChanged, delayMs);
  }
  function hasChanged(): boolean {
    return changed;
  }
}
