import { expect, test } from 'vitest';
import { priorityKeyOf } from '../../domain/run/priority.ts';
import { addMonths, billingMonth, billingMonthOf, firstDay } from '../../domain/time/usage-day.ts';
import { createArchiveFolder } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { serverNow } from './server-now.ts';
import { tinyPayload } from './tiny-payloads.ts';

type Priorities = Record<string, { priorityKey: number; fairnessKey: string }>;

/** Priority of every activity of a run, by name, and that of the run itself. */
async function prioritiesOf(pipeline: TestPipeline, workflowId: string): Promise<Priorities> {
  const { events } = await pipeline.client.workflow.getHandle(workflowId).fetchHistory();
  return Object.fromEntries(
    (events ?? []).flatMap((event) => {
      const { activityTaskScheduledEventAttributes: activity, workflowExecutionStartedEventAttributes: run } =
        event;
      const { priority } = activity ?? run ?? {};
      const name = activity?.activityType?.name ?? 'run';
      if (!activity && !run) return [];
      return [[name, { priorityKey: priority?.priorityKey ?? 0, fairnessKey: priority?.fairnessKey ?? '' }]];
    }),
  );
}

test('a month is backfill once it is over, by the clock of the run', () => {
  const at = new Date('2026-11-01T00:00:00Z');
  expect(priorityKeyOf(billingMonth('2026-10'), at)).toBe(4);
  expect(priorityKeyOf(billingMonth('2026-11'), at)).toBe(2);
  expect(priorityKeyOf(billingMonth('2026-12'), at)).toBe(2);
  expect(priorityKeyOf(undefined, at)).toBe(3);
});

test('after the download the current month goes first and earlier months last, each under the tenant’s name', async () => {
  const now = await serverNow();
  const pipeline = await createTestPipeline({ OCP_NOW: now.toISOString() });
  const folder = await createArchiveFolder();
  await pipeline.addSource('c');
  const month = billingMonthOf(now);
  const { orgId } = pipeline.database;
  for (const [ofMonth, priorityKey] of [
    [month, 2],
    [addMonths(month, -1), 4],
  ] as const) {
    const payload = await folder.pack(tinyPayload('c', firstDay(ofMonth)));
    const { handle } = await pipeline.start({ payload });
    expect(await handle.result()).toMatchObject({ outcome: 'completed' });
    const { run, downloadPayload, ...later } = await prioritiesOf(pipeline, handle.workflowId);
    expect(run).toEqual({ priorityKey: 0, fairnessKey: orgId });
    expect(downloadPayload).toEqual({ priorityKey: 3, fairnessKey: orgId });
    expect(Object.keys(later)).toEqual(
      expect.arrayContaining(['splitPayload', 'loadReportDay', 'validateDays']),
    );
    for (const [name, priority] of Object.entries(later))
      expect(priority, name).toEqual({ priorityKey, fairnessKey: orgId });
  }
});
