import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import type { CarriedRun, IngestManifestInput } from '../../domain/run/run.ts';
import { recordAnnouncement } from '../../payload/announcements.ts';
import type { ingestManifest } from '../../workflows/index.ts';
import { packMembers, withManifest } from '../support/archives.ts';
import { startLowLimitTemporal } from '../support/low-limit-temporal.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import { resetPointBefore, runIdOf } from '../workflows/operator/temporal-ui.ts';
import { createRecording, decide, waitForEvent } from './recording.ts';
import type { Recording } from './recording.ts';
import { writeHistory } from './write-history.ts';

// README.md says when to run this. Each scenario is checked to be what its name says before it is written.

let pipeline: Recording['pipeline'];
let ui: Recording['ui'];
let folder: Recording['folder'];
let sample: Recording['sample'];
let small: Recording['small'];
let badRows: Recording['badRows'];
let start: Recording['start'];
beforeAll(async () => {
  ({ pipeline, ui, folder, sample, small, badRows, start } = await createRecording());
});

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
