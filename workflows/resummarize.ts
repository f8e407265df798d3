import { condition, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { priorityKeyOf } from '../domain/priority.ts';
import type { ResummarizeInput, ResummarizeResult } from '../domain/resummarize.ts';
import { defaultRunOptions } from '../domain/run.ts';
import { firstDay, lastDay } from '../domain/usage-day.ts';
import { bindActivities } from './activity-options.ts';
import { Decisions, withDecisions } from './decisions.ts';
import { settingsChangedSignal } from './messages.ts';
import { searchAttributes } from './search-attributes.ts';
import { summariseMonth } from './summarise-month.ts';

/**
 * Rebuild the summaries of a source and month, or of some of its days, from what is in staging or in the archive.
 * Started by hand, or after settings changed: then it first waits until they have been left alone for a while.
 */
export async function resummarize(input: ResummarizeInput): Promise<ResummarizeResult> {
  const options = { ...defaultRunOptions, ...input.options };
  const priority = { orgId: input.orgId, key: priorityKeyOf(input.month, Date.now()) };
  const decisions = new Decisions(options.blockedWaitMs, (open) => {
    upsertSearchAttributes([
      { key: searchAttributes.pipelineState, value: open.length > 0 ? 'blocked' : 'summarising' },
    ]);
  });
  const activities = withDecisions(bindActivities(options, priority), decisions);
  let settingsHash = input.settingsHash;
  let changed = false;
  setHandler(
    settingsChangedSignal,
    (change) => {
      changed ||= change.settingsHash !== settingsHash;
      settingsHash = change.settingsHash;
    },
    { description: 'Settings changed again: wait anew, or summarise once more' },
  );

  const total = { daysSummarised: 0, summaryRowCount: 0 };
  do {
    // Each change starts the wait anew, so that ten edits in a row cost one rebuild.
    if (input.delayMs !== undefined) while (await nextChange(input.delayMs)) changed = false;
    changed = false;
    const { schema, sourceUuid, month } = input;
    const force = { from: input.from ?? firstDay(month), until: input.until ?? lastDay(month) };
    const result = await summariseMonth(
      activities,
      { schema, sourceUuid, month, force },
      options.loadConcurrency,
    );
    total.daysSummarised += result.dayCount;
    total.summaryRowCount += result.summaryRowCount;
    // A change that came meanwhile may have missed the rebuild.
  } while (hasChanged());
  await decisions.settled();
  return { month: input.month, ...total };

  function nextChange(delayMs: number): Promise<boolean> {
    return condition(hasChanged, delayMs);
  }
  function hasChanged(): boolean {
    return changed;
  }
}
