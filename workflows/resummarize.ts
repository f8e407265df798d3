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
import type { ResummarizeInput, ResummarizeResult } from '../domain/run/resummarize.ts';
import type { PipelineState, RunOptions } from '../domain/run/run.ts';
import { firstDay, lastDay } from '../domain/time/usage-day.ts';
import { bindActivities } from './activity-options.ts';
import { passControlFlowAfter } from './control-flow.ts';
import { causeOf, decisionLines, Decisions, withDecisions } from './decisions.ts';
import { countFailedRun } from './failed-runs.ts';
import { settingsChangedSignal } from './messages.ts';
import { searchAttributes } from './search-attributes.ts';
import { summariseMonth } from './summarise-month.ts';
import { runOptionsOf } from './checked-input.ts';

/**
 * Rebuild the summaries of a source and month, or of some of its days, from staging or the archive. Started by hand, or
 * after settings changed: then it first waits until they have been unchanged for a while.
 */
export async function resummarize(input: ResummarizeInput): Promise<ResummarizeResult> {
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
    const result = await rebuild(input, options, decisions);
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

/** Status of the rebuild, for the list of runs and for the details of this one. */
function show(state: PipelineState, open: readonly OpenFailure[] = []): void {
  upsertSearchAttributes([{ key: searchAttributes.pipelineState, value: state }]);
  setCurrentDetails([`**${state}**`, ...decisionLines(open)].join('\n'));
}

async function rebuild(
  input: ResummarizeInput,
  options: RunOptions,
  decisions: Decisions,
): Promise<ResummarizeResult> {
  const priority = { orgId: input.orgId, key: priorityKeyOf(input.month, Date.now()) };
  const activities = withDecisions(bindActivities(options, priority), decisions);
  let { settingsHash } = input;
  let anew = summarisesAnew(input);
  let changed = false;
  setHandler(
    settingsChangedSignal,
    (change) => {
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
    { description: 'Settings changed again: restart the wait, or summarise once more' },
  );

  const total = { daysSummarised: 0, summaryRowCount: 0 };
  do {
    // Each change restarts the wait, so that ten edits in a row cost one rebuild.
    if (input.delayMs !== undefined) while (await nextChange(input.delayMs)) changed = false;
    changed = false;
    const { schema, sourceUuid, month } = input;
    const days = { from: input.from ?? firstDay(month), until: input.until ?? lastDay(month) };
    const result = await summariseMonth(
      activities,
      { schema, sourceUuid, month, ...(anew ? { force: days } : {}) },
      options.loadConcurrency,
    );
    total.daysSummarised += result.dayCount;
    total.summaryRowCount += result.summaryRowCount;
    // The rebuild may have missed a change that was made meanwhile.
  } while (hasChanged());
  return { month: input.month, ...total };

  function nextChange(delayMs: number): Promise<boolean> {
    return condition(hasChanged, delayMs);
  }
  function hasChanged(): boolean {
    return changed;
  }
}
