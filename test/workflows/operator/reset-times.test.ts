import { beforeAll, expect, test } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { workedMs } from '../../../domain/run/work.ts';
import { createArchiveFolder, readPayload, withManifest } from '../../support/archives.ts';
import type { ArchiveFolder, Payload } from '../../support/archives.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { resetPointBefore, runIdOf, TemporalUi } from './temporal-ui.ts';
import type { Run } from './temporal-ui.ts';

// What a run says it took is what its activities worked, not the time that passed between a run and its reset.

let pipeline: TestPipeline;
let ui: TemporalUi;
let folder: ArchiveFolder;
let sample: Payload;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  ui = new TemporalUi(pipeline);
  folder = await createArchiveFolder();
  sample = await readPayload('operator-sample');
});

const millis = (time: { seconds?: unknown; nanos?: number | null } | null | undefined) =>
  Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;

/** Milliseconds that the server saw the activities of a history running, one after the other. */
async function activityMs(run: WorkflowHandle): Promise<number> {
  const { events } = await run.fetchHistory();
  const startedAt = new Map<string, number>();
  let total = 0;
  for (const event of events ?? []) {
    if (event.activityTaskStartedEventAttributes != null)
      startedAt.set(String(event.eventId), millis(event.eventTime));
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed != null)
      total += millis(event.eventTime) - (startedAt.get(String(completed.startedEventId)) ?? NaN);
  }
  return total;
}

interface StepState {
  start: string;
  end: string;
  time_taken_seconds: number;
}

async function manifestState(
  cluster: string,
): Promise<Record<'download' | 'processing' | 'summary', StepState>> {
  const { rows } = await pipeline.database.pool.query<{ state: Record<string, StepState> }>(
    'select state from public.reporting_common_costusagereportmanifest where cluster_id = $1',
    [cluster],
  );
  return rows[0]?.state as never;
}

test('phases, manifest state and result of a reset run count work only', async () => {
  await pipeline.addSource('timed');
  const { handle: run } = await pipeline.start({
    payload: await folder.pack(withManifest(sample, { cluster_id: 'timed' })),
  });
  const first = await run.result();
  const before = await manifestState('timed');
  // eslint-disable-next-line no-restricted-syntax -- an interval, of no date
  const closedAt = Date.now();
  // The gap: other payloads go through, until it is longer than all that the run has done: whoever counts it is found
  // out.
  const firstMs = await activityMs(run);
  let resetAt = closedAt;
  for (let index = 0; resetAt - closedAt <= 2 * firstMs; index += 1) {
    const cluster = `meanwhile-${index}`;
    await pipeline.addSource(cluster);
    await pipeline.ingest(await folder.pack(withManifest(sample, { cluster_id: cluster })));
    // eslint-disable-next-line no-restricted-syntax -- an interval, of no date
    resetAt = Date.now();
  }
  const again: Run = await ui.reset(
    run,
    await runIdOf(run),
    await resetPointBefore(run, 'aggregateDays'),
    'nothing',
  );
  const second = await again.result();

  // Download, split and load are those of the first run; nothing is measured twice or lost.
  for (const phase of ['downloading', 'splitting', 'loading'] as const) {
    expect(first.phaseMs[phase]).toBeGreaterThan(0);
    expect(second.phaseMs[phase], phase).toBe(first.phaseMs[phase]);
  }
  // The server's times hold the way to the worker and back too, so they are the longer ones.
  const seenByServer = await activityMs(again);
  expect(workedMs(second.phaseMs)).toBeGreaterThan(0);
  expect(workedMs(second.phaseMs)).toBeLessThanOrEqual(seenByServer + 50);

  const after = await manifestState('timed');
  expect(after.download).toEqual(before.download);
  expect(after.processing).toEqual(before.processing);
  expect(Date.parse(after.processing.end)).toBeLessThanOrEqual(closedAt);
  expect(Date.parse(after.summary.start)).toBeGreaterThanOrEqual(resetAt - 1);
  expect(Date.parse(after.summary.end)).toBeGreaterThanOrEqual(Date.parse(after.summary.start));
  const { aggregating = 0, summarising = 0, validating = 0, splitting = 0, loading = 0 } = second.phaseMs;
  expect(after.summary.time_taken_seconds).toBeCloseTo((aggregating + summarising + validating) / 1_000, 6);
  expect(after.processing.time_taken_seconds).toBeCloseTo((splitting + loading) / 1_000, 6);
  expect(after.summary.time_taken_seconds * 1_000).toBeLessThanOrEqual(
    Date.parse(after.summary.end) - Date.parse(after.summary.start) + 1,
  );
});
