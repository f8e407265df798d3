import { beforeAll, expect, test } from 'vitest';
import type { PurgeExpiredResult, SweepStagingResult } from '../../domain/run/cleanup.ts';
import { applySchedules, listSchedules } from '../../platform/temporal/schedules.ts';
import type { ListedSchedule } from '../../platform/temporal/schedules.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';

const scheduleIds = ['watch-settings', 'sweep-staging', 'purge-expired'];
let pipeline: TestPipeline;

beforeAll(async () => {
  // No fixed clock: cleanups go by the time that the schedule planned them for.
  pipeline = await createTestPipeline({ OCP_NOW: '', STAGING_RETENTION_DAYS: '9' });
  await pipeline.addSource('cluster-1');
});

async function listed(scheduleId: string): Promise<ListedSchedule> {
  const found = (await listSchedules(pipeline.client)).find((schedule) => schedule.scheduleId === scheduleId);
  if (found === undefined) throw new Error(`${scheduleId} is not listed`);
  return found;
}

test('schedules that nobody applied are listed as absent', async () => {
  const schedules = await listSchedules(pipeline.client);
  expect(schedules.map(({ scheduleId }) => scheduleId)).toEqual(scheduleIds);
  expect(schedules.every(({ exists, nextTime }) => !exists && nextTime === null)).toBe(true);
});

test('applying creates all schedules, applying again updates them', async () => {
  const outcomes = async () => (await applySchedules(pipeline.client, pipeline.config)).map((s) => s.outcome);
  expect(await outcomes()).toEqual(['created', 'created', 'created']);
  expect(await outcomes()).toEqual(['updated', 'updated', 'updated']);
});

test('cleanups are planned for 02:30 UTC and the first of the month, with at most ten minutes of jitter', async () => {
  const sweep = await listed('sweep-staging');
  expect(sweep).toMatchObject({ exists: true, paused: false, last: null });
  expect(sweep.nextTime).toMatch(/T02:3\d:/);
  const purge = await listed('purge-expired');
  expect(purge.nextTime).toMatch(/-01T00:0\d:/);
});

test('cleanups skip when one is running, and catch up for an hour', async () => {
  for (const scheduleId of ['sweep-staging', 'purge-expired']) {
    const { policies, action } = await pipeline.client.schedule.getHandle(scheduleId).describe();
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 3_600_000, pauseOnFailure: false });
    expect(action.taskQueue).toBe('ocp-pipeline');
  }
});

test.each([
  ['sweep-staging', 'sweepStaging', { tenantCount: 1, failedTenants: [] }],
  ['purge-expired', 'purgeExpired', { tenantCount: 1, failedTenants: [], skippedTenants: [] }],
])('%s runs when it is triggered, and its result is listed', async (scheduleId, workflowType, expected) => {
  await pipeline.client.schedule.getHandle(scheduleId).trigger();
  await waitUntil(async () => (await listed(scheduleId)).last?.status === 'COMPLETED');
  const { last } = await listed(scheduleId);
  const handle = pipeline.client.workflow.getHandle(last?.workflowId ?? '');
  expect((await handle.result()) as SweepStagingResult | PurgeExpiredResult).toMatchObject(expected);
  const description = await handle.describe();
  expect(description.type).toBe(workflowType);
});

test('a cleanup of a schedule goes by the time it was planned for', async () => {
  const { last } = await listed('sweep-staging');
  const { events } = await pipeline.client.workflow.getHandle(last?.workflowId ?? '').fetchHistory();
  const sweeps = events?.filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'sweepTenant',
  );
  const payload = sweeps?.[0]?.activityTaskScheduledEventAttributes?.input?.payloads?.[0]?.data;
  const input = JSON.parse(Buffer.from(payload ?? []).toString()) as Record<string, unknown>;
  // The server names the run after that time.
  const planned = (last?.workflowId ?? '').replace('sweep-staging-', '');
  expect(Date.parse(String(input['nowIso']))).toBe(Date.parse(planned));
  expect(input['retentionDays']).toBe(9);
});

test('a schedule that an operator paused stays paused, with the reason', async () => {
  const handle = pipeline.client.schedule.getHandle('purge-expired');
  await handle.pause('audit until Friday');
  await applySchedules(pipeline.client, pipeline.config);
  expect(await listed('purge-expired')).toMatchObject({
    paused: true,
    note: 'audit until Friday',
    nextTime: null,
  });
});
