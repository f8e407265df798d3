import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import type { purgeExpired, recalculateCosts, sweepStaging, watchSettings } from '../../workflows/index.ts';
import { openFailuresQuery, resolveFailureUpdate, settingsChangedSignal } from '../../workflows/messages.ts';
import { addMonthsOfData } from '../retention/months-of-data.ts';
import { breakAggregation, mendAggregation } from '../support/broken-aggregation.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { createRecording, inTenant, month, rebuild, waitForEvent } from './recording.ts';
import type { Recording } from './recording.ts';
import { writeHistory } from './write-history.ts';

// README.md says when to run this. Each scenario is checked to be what its name says before it is written.

let pipeline: Recording['pipeline'];
let small: Recording['small'];
let start: Recording['start'];
beforeAll(async () => {
  ({ pipeline, small, start } = await createRecording());
});

test('resummarize', async () => {
  const { run, sourceUuid } = await start('resummarize', small);
  await run.result();
  const handle = await rebuild(pipeline, sourceUuid);
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize', handle);
});

test('recalculate-costs', async () => {
  const { run, sourceUuid } = await start('recalculate-costs', small);
  await run.result();
  await inTenant(pipeline, 'update ocp_day set cost_version = null');
  const { orgId, schema } = pipeline.database;
  const handle = await pipeline.client.workflow.start<typeof recalculateCosts>('recalculateCosts', {
    workflowId: 'recalculate-costs',
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month, delayMs: 1, settingsHash: 'first' }],
  });
  expect(await handle.result()).toMatchObject({ daysPriced: 1 });
  await writeHistory('recalculate-costs', handle);
});

test('resummarize-busy', async () => {
  const { run, sourceUuid } = await start('resummarize-busy', small);
  await run.result();
  const other = await pipeline.database.pool.connect();
  await other.query('begin');
  await tryLock(other, 'source', sourceUuid);
  const handle = await rebuild(pipeline, sourceUuid);
  await waitForEvent(handle, 'timerFiredEventAttributes');
  await other.query('rollback');
  other.release();
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize-busy', handle);
});

test('resummarize-blocked', async () => {
  const { run, sourceUuid } = await start('resummarize-blocked', small);
  await run.result();
  await breakAggregation(pipeline.database);
  const handle = await rebuild(pipeline, sourceUuid);
  await waitUntil(async () => (await handle.query(openFailuresQuery)).length > 0);
  await mendAggregation(pipeline.database);
  const [failure] = await handle.query(openFailuresQuery);
  const args: [{ failureId: string; action: 'retry' }] = [
    { failureId: failure?.failureId ?? '', action: 'retry' },
  ];
  await handle.executeUpdate(resolveFailureUpdate, { args });
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize-blocked', handle);
});

test('resummarize-settings', async () => {
  const { run, sourceUuid } = await start('resummarize-settings', small);
  await run.result();
  const handle = await rebuild(pipeline, sourceUuid, { delayMs: 1_000, settingsHash: 'one' });
  await waitForEvent(handle, 'timerStartedEventAttributes');
  await handle.signal(settingsChangedSignal, { settingsHash: 'two' });
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize-settings', handle);
});

// watch-settings.json is of a version that looked at all tenants in one activity: no code of today records it.
test('watch-settings-in-batches', async () => {
  await pipeline.addSource('watched');
  const handle = await pipeline.client.workflow.start<typeof watchSettings>('watchSettings', {
    workflowId: 'watch-by-hand',
    taskQueue: taskQueues.pipeline,
    args: [{ delayMs: 100 }],
  });
  expect(await handle.result()).toMatchObject({ failedTenants: [] });
  await writeHistory('watch-settings-in-batches', handle);
});

// sweep-staging.json and purge-expired.json are of a version that left no word of how they ended.
test('happy-path-relations, sweep-staging-noted, resummarize-relations and -reload, and purge-expired-noted', async () => {
  const later = await createTestPipeline({ OCP_NOW: '2026-12-20T00:00:00Z' });
  const { workflow } = later.client;
  const { run, sourceUuid } = await start('reload', small, later);
  await run.result();
  await writeHistory('happy-path-relations', run);
  const swept = await workflow.start<typeof sweepStaging>('sweepStaging', {
    workflowId: 'sweep-by-hand',
    taskQueue: taskQueues.pipeline,
    args: [{}],
  });
  expect((await swept.result()).droppedCount).toBeGreaterThan(0);
  await writeHistory('sweep-staging-noted', swept);
  const related = await rebuild(later, sourceUuid);
  expect(await related.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize-relations', related);
  // As after an upgrade from a version without daily relations.
  await inTenantTransaction(later.database.pool, later.database.schema, (client) =>
    client.query('update ocp_day set relations_hash = null'),
  );
  const handle = await rebuild(later, sourceUuid);
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize-reload', handle);

  await addMonthsOfData(later.database, 'old', ['2026-06']);
  const reader = await later.database.pool.connect();
  await reader.query('begin');
  const table = `${later.database.schema}.reporting_ocpusagelineitem_daily_summary`;
  await reader.query(`lock table ${table} in access share mode`);
  const purged = await workflow.start<typeof purgeExpired>('purgeExpired', {
    workflowId: 'purge-by-hand',
    taskQueue: taskQueues.pipeline,
    args: [{ busyPauseMs: 50 }],
  });
  await waitForEvent(purged, 'timerFiredEventAttributes');
  await reader.query('rollback');
  reader.release();
  expect(await purged.result()).toMatchObject({ tenantCount: 1, reportPeriodCount: 1 });
  await writeHistory('purge-expired-noted', purged);
});
