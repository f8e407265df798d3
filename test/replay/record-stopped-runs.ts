import { beforeAll, expect, test } from 'vitest';
import { tryLock } from '../../platform/database/locks.ts';
import { breakAggregation, mendAggregation } from '../support/broken-aggregation.ts';
import { holdLabelSet, podFileAlone, podStaging } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { untilBlocked } from '../workflows/operator/temporal-ui.ts';
import { refuseRows } from '../support/refuse-rows.ts';
import { createRecording, decide } from './recording.ts';
import type { Recording } from './recording.ts';
import { writeHistory } from './write-history.ts';

// README.md says when to run this. Each scenario is checked to be what its name says before it is written.

let pipeline: Recording['pipeline'];
let ui: Recording['ui'];
let sample: Recording['sample'];
let small: Recording['small'];
let badRows: Recording['badRows'];
let start: Recording['start'];
beforeAll(async () => {
  ({ pipeline, ui, sample, small, badRows, start } = await createRecording());
});

test('blocked-retry', async () => {
  await breakAggregation(pipeline.database);
  const { run } = await start('blocked-retry', small);
  await untilBlocked(run);
  await mendAggregation(pipeline.database);
  await decide(run, 'retry');
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('blocked-retry', run);
});

test('blocked-skip', async () => {
  const { pool, schema } = pipeline.database;
  const mend = await refuseRows(pool, {
    schema,
    table: podStaging,
    event: 'insert',
    message: 'refused',
    code: '22003',
  });
  const { run } = await start('blocked-skip', sample);
  const failure = await untilBlocked(run);
  expect(failure).toMatchObject({ step: 'loadReportDay', canSkip: true });
  await decide(run, 'skip');
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await mend();
  await writeHistory('blocked-skip', run);
});

test('blocked-skip-files', async () => {
  const { run } = await start('blocked-skip-files', badRows);
  await decide(run, 'skip');
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
  await writeHistory('blocked-skip-files', run);
});

test('blocked-abandon and busy-abandon', async () => {
  await breakAggregation(pipeline.database);
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
  await mendAggregation(pipeline.database);
  await writeHistory('blocked-abandon', run);
});

test('blocked-timeout', async () => {
  const impatient = await createTestPipeline({ BLOCKED_WAIT: '100ms' });
  await breakAggregation(impatient.database);
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
