import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import type { CarriedRun, IngestManifestInput } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { recordAnnouncement } from '../../payload/announcements.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import type {
  ingestManifest,
  purgeExpired,
  recalculateCosts,
  resummarize,
  sweepStaging,
  watchSettings,
} from '../../workflows/index.ts';
import { openFailuresQuery, resolveFailureUpdate, settingsChangedSignal } from '../../workflows/messages.ts';
import { resetPointBefore, runIdOf, TemporalUi, untilBlocked } from '../workflows/operator/temporal-ui.ts';
import type { Run } from '../workflows/operator/temporal-ui.ts';
import { addMonthsOfData } from '../retention/months-of-data.ts';
import { createArchiveFolder, packMembers, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { startLowLimitTemporal } from '../support/low-limit-temporal.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { holdLabelSet, podFileAlone, podStaging } from '../support/held-load.ts';
import { writeHistory } from './write-history.ts';

// README.md says when to run this. Each scenario is checked to be what its name says before it is written.

let pipeline: TestPipeline;
let ui: TemporalUi;
let folder: ArchiveFolder;
let sample: Payload;
let small: Payload;
/** more bad rows than a file may have */
let badRows: Payload;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  ui = new TemporalUi(pipeline);
  folder = await createArchiveFolder();
  sample = await readPayload('operator-sample');
  small = podFileAlone(sample, 'app');
  const [[name, csv] = ['', '']] = small.files;
  badRows = { ...small, files: new Map([[name, csv + 'bad\n'.repeat(150)]]) };
});

async function start(
  cluster: string,
  payload: Payload,
  on = pipeline,
): Promise<{ run: Run; sourceUuid: string }> {
  const sourceUuid = await on.addSource(cluster);
  const archive = await folder.pack(withManifest(payload, { cluster_id: cluster }));
  return { run: (await on.start({ payload: archive })).handle, sourceUuid };
}

async function inTenant(statement: string, on = pipeline): Promise<void> {
  await inTenantTransaction(on.database.pool, on.database.schema, (client) => client.query(statement));
}
const breakAggregation = (on = pipeline) =>
  inTenant('alter function ocp_insert_unallocated_rows(date, date, uuid) rename to hidden_step', on);
const mendAggregation = (on = pipeline) =>
  inTenant('alter function hidden_step(date, date, uuid) rename to ocp_insert_unallocated_rows', on);

async function decide(run: Run, action: 'retry' | 'skip' | 'abandon'): Promise<void> {
  const { failureId } = await untilBlocked(run);
  await run.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action, note: 'recorded' }] });
}

async function waitForEvent(run: { fetchHistory: Run['fetchHistory'] }, attributes: string): Promise<void> {
  await waitUntil(async () => {
    const { events } = await run.fetchHistory();
    return (
      events?.some((event) => (event as unknown as Record<string, unknown>)[attributes] != null) === true
    );
  });
}

test('happy-path', async () => {
  const { run } = await start('happy-path', sample);
  expect(await run.result()).toMatchObject({ outcome: 'completed', fileCount: 6 });
  await writeHistory('happy-path', run);
});

test('answered', async () => {
  const { database } = pipeline;
  const requestId = 'announced-by-kafka';
  await recordAnnouncement(database.pool, { requestId, orgId: database.orgId });
  await pipeline.addSource('answered');
  const archive = await folder.pack(withManifest(small, { cluster_id: 'answered' }));
  const { handle } = await pipeline.start({ payload: archive, requestId });
  expect(await handle.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('answered', handle);
});

test('not-announced', async () => {
  const { run } = await start('not-announced', small);
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('not-announced', run);
});

test('answered-failure', async () => {
  const archive = await folder.write(await packMembers([{ name: 'no-manifest.csv', content: 'a\n' }]));
  const { handle } = await pipeline.start({ payload: archive });
  await expect(handle.result()).rejects.toThrow();
  await writeHistory('answered-failure', handle);
});

test('ros-files: they cannot be forwarded, and the run ends all the same', async () => {
  // Nobody listens there: refused connections are tried again.
  const pipelineWithBucket = await createTestPipeline({
    ROS_BUCKET: 'ros',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    S3_REGION: 'us-east-1',
    OCP_ACTIVITY_TRANSFER_TIMEOUT: '15s',
  });
  const payload = withManifest(small, { resource_optimization_files: ['ros.csv'] });
  const files = new Map([...payload.files, ['ros.csv', 'container_name\nweb\n']]);
  const { run } = await start('ros-files', { ...payload, files }, pipelineWithBucket);
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('ros-files', run);
});

test('two-archives', async () => {
  const cluster = 'two-archives';
  await pipeline.addSource(cluster);
  const payload = withManifest(sample, { cluster_id: cluster });
  const [first = '', ...others] = [...payload.files.keys()];
  const waiting = await pipeline.start({ payload: await folder.pack(payload, [first]) });
  await waitForEvent(waiting.handle, 'timerStartedEventAttributes');
  await pipeline.ingest(await folder.pack(payload, others));
  expect(await waiting.handle.result()).toMatchObject({ release: 'complete' });
  await writeHistory('two-archives', waiting.handle);
});

test('blocked-retry', async () => {
  await breakAggregation();
  const { run } = await start('blocked-retry', small);
  await untilBlocked(run);
  await mendAggregation();
  await decide(run, 'retry');
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('blocked-retry', run);
});

test('blocked-skip', async () => {
  await inTenant(`create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'refused' using errcode = '22003'; end $$`);
  await inTenant(
    `create trigger refuse before insert on ${podStaging} for each row execute function refuse()`,
  );
  const { run } = await start('blocked-skip', sample);
  const failure = await untilBlocked(run);
  expect(failure).toMatchObject({ step: 'loadReportDay', canSkip: true });
  await decide(run, 'skip');
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await inTenant(`drop trigger refuse on ${podStaging}`);
  await writeHistory('blocked-skip', run);
});

test('blocked-skip-files', async () => {
  const { run } = await start('blocked-skip-files', badRows);
  await decide(run, 'skip');
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('blocked-skip-files', run);
});

test('blocked-abandon and busy-abandon', async () => {
  await breakAggregation();
  const { run, sourceUuid } = await start('blocked-abandon', small);
  await untilBlocked(run);
  // Somebody else rewrites the source meanwhile: the files are given up once that has ended.
  const other = await pipeline.database.pool.connect();
  await other.query('begin');
  expect(await tryLock(other, 'source', sourceUuid)).toBe(true);
  await decide(run, 'abandon');
  await waitUntil(async () => {
    const { events } = await run.fetchHistory();
    const timers = events?.filter((event) => event.timerFiredEventAttributes != null) ?? [];
    return timers.length > 0;
  });
  await other.query('rollback');
  other.release();
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
  await mendAggregation();
  await writeHistory('blocked-abandon', run);
});

test('blocked-timeout', async () => {
  const impatient = await createTestPipeline({ BLOCKED_WAIT: '100ms' });
  await breakAggregation(impatient);
  const { run } = await start('blocked-timeout', small, impatient);
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
  await writeHistory('blocked-timeout', run);
});

test('retries-exhausted', async () => {
  const brief = await createTestPipeline({ OCP_ACTIVITY_TRANSFER_TIMEOUT: '3s', BLOCKED_WAIT: '100ms' });
  // Nobody listens there: refused connections are tried again.
  const { handle } = await brief.start({ payload: 'http://127.0.0.1:9/payload' });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RetriesExhausted' } });
  await writeHistory('retries-exhausted', handle);
});

test('cancelled while loading', async () => {
  const hold = await holdLabelSet(pipeline.database, 'held');
  const { run } = await start('cancelled', podFileAlone(sample, 'held'));
  await waitUntil(async () =>
    (await ui.pendingActivities(run)).some(({ activityType: type }) => type?.name === 'loadReportDay'),
  );
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  await hold.release();
  await writeHistory('cancelled', run);
});

test('cancelled-blocked', async () => {
  const { run } = await start('cancelled-blocked', badRows);
  await untilBlocked(run);
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  await writeHistory('cancelled-blocked', run);
});

test('reset', async () => {
  const { run } = await start('reset', small);
  await run.result();
  const point = await resetPointBefore(run, 'aggregateDays');
  const again = await ui.reset(run, await runIdOf(run), point, 'nothing');
  expect(await again.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('reset', again);
});

test('reset-reapplied', async () => {
  const { run } = await start('reset-reapplied', badRows);
  await decide(run, 'skip');
  await run.result();
  const point = await resetPointBefore(run, 'splitPayload');
  const again = await ui.reset(run, await runIdOf(run), point, 'signals and updates');
  await decide(again, 'skip');
  expect(await again.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('reset-reapplied', again);
});

test('started-like', async () => {
  const { run } = await start('started-like', small);
  await run.result();
  const again = await ui.startLike(run);
  expect(await again.result()).toMatchObject({ outcome: 'completed', rowsLoaded: 0 });
  await writeHistory('started-like', again);
});

test('ignored', async () => {
  const { handle } = await pipeline.start({
    payload: await folder.pack(withManifest(small, { cluster_id: 'nobody' })),
  });
  expect(await handle.result()).toMatchObject({ outcome: 'ignored' });
  await writeHistory('ignored', handle);
});

test('refused', async () => {
  const { handle } = await pipeline.start({ payload: await folder.write(Buffer.from('no archive')) });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'ManifestInvalid' } });
  await writeHistory('refused', handle);
});

test('continued', async () => {
  const { run } = await start('continued', small);
  await run.result();
  const { events } = await run.fetchHistory();
  const [started] = events ?? [];
  const decode = (data: Uint8Array | null | undefined): unknown =>
    JSON.parse(Buffer.from(data ?? []).toString());
  const input = decode(
    started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data,
  ) as IngestManifestInput;
  const results = (events ?? []).flatMap((event) => {
    const payload = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
    return payload?.data == null || payload.data.length === 0 ? [] : [decode(payload.data)];
  });
  const [downloaded, split] = results as [Pick<CarriedRun, 'payload'>, CarriedRun['split']];
  const handle = await pipeline.client.workflow.start<typeof ingestManifest>('ingestManifest', {
    workflowId: run.workflowId,
    taskQueue: taskQueues.pipeline,
    args: [{ ...input, carried: { payload: downloaded.payload, split } }],
  });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', rowCount: split.rowCount });
  await writeHistory('continued', handle);
});

test('continues-as-new and continued-as-new', async () => {
  const brief = await createTestPipeline({}, await startLowLimitTemporal(20));
  const { run } = await start('continues-as-new', small, brief);
  expect(await run.result()).toMatchObject({ outcome: 'completed', rowsLoaded: 5 });
  const last = brief.client.workflow.getHandle(run.workflowId, await runIdOf(run));
  const { events } = await last.fetchHistory();
  const before = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  if (before == null) throw new Error('the run did not continue as new');
  await writeHistory('continues-as-new', brief.client.workflow.getHandle(run.workflowId, before));
  await writeHistory('continued-as-new', last);
});

test('incomplete', async () => {
  const impatient = await createTestPipeline({ OCP_MANIFEST_WAIT: '500ms' });
  await impatient.addSource('incomplete');
  const archive = await folder.pack(withManifest(small, { cluster_id: 'incomplete' }), []);
  const { handle } = await impatient.start({ payload: archive });
  expect(await handle.result()).toMatchObject({ outcome: 'incomplete' });
  await writeHistory('incomplete', handle);
});

test('input-refused', async () => {
  const handle = await pipeline.client.workflow.start('ingestManifest', {
    workflowId: 'input-refused',
    taskQueue: taskQueues.pipeline,
    args: [{}],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'InputInvalid' } });
  await writeHistory('input-refused', handle);
});

const month = billingMonth('2026-10');
async function rebuild(
  sourceUuid: string,
  more: { delayMs?: number; settingsHash?: string } = {},
  on = pipeline,
) {
  const { orgId, schema } = on.database;
  return on.client.workflow.start<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month, ...more, options: { retryInitialMs: 50, retryMaxMs: 500 } }],
  });
}

test('resummarize', async () => {
  const { run, sourceUuid } = await start('resummarize', small);
  await run.result();
  const handle = await rebuild(sourceUuid);
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize', handle);
});

test('recalculate-costs', async () => {
  const { run, sourceUuid } = await start('recalculate-costs', small);
  await run.result();
  await inTenant('update ocp_day set cost_version = null');
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
  const handle = await rebuild(sourceUuid);
  await waitForEvent(handle, 'timerFiredEventAttributes');
  await other.query('rollback');
  other.release();
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize-busy', handle);
});

test('resummarize-blocked', async () => {
  const { run, sourceUuid } = await start('resummarize-blocked', small);
  await run.result();
  await breakAggregation();
  const handle = await rebuild(sourceUuid);
  await waitUntil(async () => (await handle.query(openFailuresQuery)).length > 0);
  await mendAggregation();
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
  const handle = await rebuild(sourceUuid, { delayMs: 1_000, settingsHash: 'one' });
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
  const related = await rebuild(sourceUuid, {}, later);
  expect(await related.result()).toMatchObject({ daysSummarised: 1 });
  await writeHistory('resummarize-relations', related);
  // As after an upgrade from a version without daily relations.
  await inTenantTransaction(later.database.pool, later.database.schema, (client) =>
    client.query('update ocp_day set relations_hash = null'),
  );
  const handle = await rebuild(sourceUuid, {}, later);
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
