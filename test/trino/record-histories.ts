import { beforeAll, expect, test } from 'vitest';
import { engineQueues } from '../../domain/run/run.ts';
import { writeHistory } from '../replay/write-history.ts';
import { createArchiveFolder, readPayload } from '../support/archives.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { startRebuild } from './customer.ts';
import { trinoEnvironment } from './lake.ts';

// test/replay/README.md says when to run this.

let pipeline: TestPipeline;
let sourceUuid: string;

beforeAll(async () => {
  pipeline = await createTestPipeline({ ...(await trinoEnvironment()), OCP_POSTGRES_PIPELINE: 'false' });
});

/** Activities that were called on the engine's queue. */
async function onEngineQueue(run: { fetchHistory: () => Promise<{ events?: unknown[] | null }> }) {
  const { events } = await run.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const { activityTaskScheduledEventAttributes: scheduled } = event as {
      activityTaskScheduledEventAttributes?: { taskQueue: { name: string }; activityType: { name: string } };
    };
    return scheduled?.taskQueue.name === engineQueues.trino ? [scheduled.activityType.name] : [];
  });
}

test('happy-path-trino', async () => {
  const payload = podFileAlone(await readPayload('operator-sample'), 'web');
  sourceUuid = await pipeline.addSource(payload.manifest['cluster_id'] as string);
  const folder = await createArchiveFolder();
  const { handle } = await pipeline.start({ payload: await folder.pack(payload) });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  expect(await onEngineQueue(handle)).toEqual(['loadReportDay', 'aggregateDays']);
  await writeHistory('happy-path-trino', handle);
});

test('resummarize-trino', async () => {
  const handle = await startRebuild(pipeline, sourceUuid);
  expect(await handle.result()).toMatchObject({ daysSummarised: 1 });
  expect(await onEngineQueue(handle)).toEqual(['aggregateDays']);
  await writeHistory('resummarize-trino', handle);
});
