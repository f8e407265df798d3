import { NativeConnection } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { ingestWorkflowId } from '../../domain/run/run.ts';
import { billingMonthOf, firstDay } from '../../domain/time/usage-day.ts';
import { clock } from '../../platform/config/config.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { startPipelineWorkers } from '../../workers/pipeline.ts';
import { inParallel } from '../../workflows/in-parallel.ts';
import { createArchiveFolder } from '../support/archives.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { serverNow } from './server-now.ts';
import { onePod, tinyPayload } from './tiny-payloads.ts';

const crowd = { payloads: 500, clusters: 100 };
const single = { orgId: '7654321', clusterId: 'single' };
/** The single payload has to be done before this many of the crowd are. */
const before = 50;

/** Start everything while nobody works, the single payload last. @returns its workflow id */
async function startRuns(pipeline: TestPipeline, day: string): Promise<string> {
  const { database } = pipeline;
  const folder = await createArchiveFolder();
  await registerSource(
    { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
    { ...single, name: 'single' },
  );
  for (let index = 0; index < crowd.clusters; index += 1) await pipeline.addSource(`crowd-${index}`);
  const indexes = Array.from({ length: crowd.payloads }, (_, index) => index);
  await inParallel(indexes, 16, async (index) => {
    const rows = onePod(day, [Math.floor(index / crowd.clusters)], index);
    const payload = buildPayload(rows, { clusterId: `crowd-${index % crowd.clusters}`, dailyReports: false });
    await pipeline.start({ payload: await folder.pack(payload), requestId: `crowd-${index}` });
  });
  const payload = await folder.pack(tinyPayload(single.clusterId, day));
  await pipeline.start({ payload, orgId: single.orgId, requestId: 'single' });
  return ingestWorkflowId(single.orgId, 'single');
}

async function startWorkersAgain(pipeline: TestPipeline): Promise<void> {
  const { database, config, objectStore, namespace } = pipeline;
  const connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  const workers = await startPipelineWorkers({
    connection,
    namespace,
    workflowBundlePath: inject('workflowBundlePath'),
    graceMs: 2_000,
    dependencies: { pool: database.pool, databaseUrl: database.url, objectStore, config, now: clock(config) },
  });
  atEnd(async () => {
    workers.stop();
    await workers.finished;
    await connection.close();
  });
}

test('behind 500 payloads of one tenant, the single one of another is done before the fiftieth of them', async () => {
  const now = await serverNow();
  const pipeline = await createTestPipeline({ OCP_NOW: now.toISOString() });
  const { client, database } = pipeline;
  pipeline.workers.stop();
  await pipeline.workers.finished;
  const singleId = await startRuns(pipeline, firstDay(billingMonthOf(now)));

  await startWorkersAgain(pipeline);
  const handle = client.workflow.getHandle(singleId);
  expect(await handle.result()).toMatchObject({ outcome: 'completed', rowsLoaded: 1 });
  const { closeTime } = await handle.describe();
  let ahead = 0;
  const query = `OrgId="${database.orgId}" and CloseTime <= "${closeTime?.toISOString() ?? ''}"`;
  for await (const run of client.workflow.list({ query })) if (run.status.name === 'COMPLETED') ahead += 1;
  console.info(
    `fairness: ${ahead} of ${crowd.payloads} payloads of the crowd were done before the single one`,
  );
  expect(ahead).toBeLessThan(before);
  // All the others were there, and had to wait.
  expect((await client.workflow.count(`OrgId="${database.orgId}"`)).count).toBe(crowd.payloads);
});
