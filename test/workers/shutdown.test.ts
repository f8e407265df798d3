import { beforeAll, expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { startWorker } from '../platform/observability/observed-worker.ts';
import type { ObservedWorker } from '../platform/observability/observed-worker.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { createTestPipeline, testNow } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';
import { copyHalfWay, holdLabelSet, longPodFile, podStaging, runningCopies } from '../support/held-load.ts';
import type { RunningCopy } from '../support/held-load.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let environment: Record<string, string>;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  pipeline.workers.stop();
  await pipeline.workers.finished;
  environment = {
    DATABASE_URL: pipeline.database.url,
    OBJECT_STORE: pipeline.config.OBJECT_STORE ?? '',
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: pipeline.namespace,
    OCP_NOW: testNow,
    OCP_ACTIVITY_RETRY_INITIAL: '50ms',
  };
});

async function startPod(name: string, grace: string): Promise<ObservedWorker> {
  const worker = startWorker({ ...environment, HOSTNAME: name, OCP_SHUTDOWN_GRACE: grace });
  await waitUntil(() => worker.output().includes('worker started'));
  return worker;
}

/** A run whose COPY stands still in the middle until the hold is released. */
async function startHeldRun(cluster: string) {
  const source = await pipeline.addSource(cluster);
  const hold = await holdLabelSet(pipeline.database, cluster);
  const payload = withManifest(longPodFile(await readPayload('operator-sample'), cluster), {
    cluster_id: cluster,
  });
  const { handle } = await pipeline.start({ payload: await folder.pack(payload) });
  return { source, hold, handle };
}

async function isGone(copy: RunningCopy): Promise<boolean> {
  return (await runningCopies(pipeline.database, podStaging)).every(({ pid }) => pid !== copy.pid);
}

/** Stop the processes of a COPY and of what it waits for: they hear no request to cancel. @returns lets them go on */
async function stopBackends(copy: RunningCopy): Promise<() => void> {
  const { rows } = await pipeline.database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  const pids = [copy.pid, ...rows.map(({ pid }) => pid)];
  const resume = () => {
    for (const pid of pids.splice(0)) process.kill(pid, 'SIGCONT');
  };
  atEnd(resume);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return resume;
}

/** Identity of the worker of each attempt that was started last, by activity. */
async function workersOf(workflowId: string): Promise<Map<string, string>> {
  const { events } = await pipeline.client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = new Map<string, string>();
  const workers = new Map<string, string>();
  for (const {
    eventId,
    activityTaskScheduledEventAttributes: schedule,
    activityTaskStartedEventAttributes: start,
  } of events ?? []) {
    if (schedule) scheduled.set(String(eventId), schedule.activityType?.name ?? '');
    if (start) workers.set(scheduled.get(String(start.scheduledEventId)) ?? '', start.identity ?? '');
  }
  return workers;
}

/** The tables of a source are those of a payload that nothing happened to. */
async function expectCleanTables(source: string, cluster: string, lastApp: string): Promise<void> {
  const clean = await pipeline.addSource(cluster);
  const payload = withManifest(longPodFile(await readPayload('operator-sample'), lastApp), {
    cluster_id: cluster,
  });
  await pipeline.ingest(await folder.pack(payload));
  expectSameTables(
    await snapshotTables(pipeline.database, source),
    await snapshotTables(pipeline.database, clean),
  );
  expect(await dayVersions(pipeline.database, source)).toEqual({ '2026-10-06': 1 });
}

test('after SIGTERM in the middle of a COPY the worker finishes it within the grace time and another goes on', async () => {
  const worker = await startPod('pod-a', '60s');
  const { source, hold, handle } = await startHeldRun('finished');
  const copy = await copyHalfWay(pipeline.database);
  worker.signal('SIGTERM');
  await waitUntil(() => worker.output().includes('worker stopping'));
  // It stopped polling, and yet its COPY is there until the rest of the rows can be had.
  expect(await isGone(copy)).toBe(false);
  await hold.release();
  expect(await worker.ended).toBe(0);

  const next = await startPod('pod-b', '1s');
  expect(await handle.result()).toMatchObject({ outcome: 'completed', rowsLoaded: 6_016 });
  const workers = await workersOf(handle.workflowId);
  expect(workers.get('loadReportDay')).toBe('pod-a');
  expect(workers.get('recordCompletion')).toBe('pod-b');
  await expectCleanTables(source, 'clean-finished', 'finished');
  next.signal('SIGTERM');
  expect(await next.ended).toBe(0);
});

test('a COPY that outlasts the grace time is rolled back, the worker ends well and another loads the piece', async () => {
  const worker = await startPod('pod-c', '1s');
  const { source, hold, handle } = await startHeldRun('cancelled');
  const copy = await copyHalfWay(pipeline.database);
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);
  expect(await isGone(copy)).toBe(true);
  await hold.release();
  const next = await startPod('pod-d', '1s');
  expect(await handle.result()).toMatchObject({ outcome: 'completed', rowsLoaded: 6_016 });
  await expectCleanTables(source, 'clean-cancelled', 'cancelled');
  next.signal('SIGTERM');
  expect(await next.ended).toBe(0);
});

test('a worker whose activity cannot be ended gives up after twice the grace time, with an error', async () => {
  const stuck = await startPod('pod-e', '1s');
  const { hold, handle } = await startHeldRun('stuck');
  const copy = await copyHalfWay(pipeline.database);
  const resume = await stopBackends(copy);
  stuck.signal('SIGTERM');
  expect(await stuck.ended).toBe(1);
  expect(stuck.lines()).toContainEqual(
    expect.objectContaining({
      msg: 'Worker failed',
      error: expect.objectContaining({ type: 'GracefulShutdownPeriodExpiredError' }) as unknown,
    }),
  );
  expect(stuck.lines().find(({ msg }) => msg === 'worker failed')).toMatchObject({
    error: { message: expect.stringContaining('did not end within 2 s of the shutdown request') as string },
  });
  resume();
  await hold.release();
  await waitUntil(() => isGone(copy));
  await handle.terminate();
});
