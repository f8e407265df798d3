import type { WorkflowHandle } from '@temporalio/client';
import { beforeAll, expect, inject, test } from 'vitest';
import { engineQueues } from '../../domain/run/run.ts';
import { createArchiveFolder, readPayload } from '../support/archives.ts';
import { startProgram } from '../support/command-line.ts';
import type { CommandResult } from '../support/command-line.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { trinoEnvironment } from './lake.ts';

/*
 * The month belongs to Trino, and the only workers know PostgreSQL alone: they need no setting of Trino's. What the
 * engine does waits on its queue.
 */
let pipeline: TestPipeline;
let trinoUrl: string;
let environment: Record<string, string>;
let handle: WorkflowHandle;

beforeAll(async () => {
  const { TRINO_URL = '', ...lake } = await trinoEnvironment();
  trinoUrl = TRINO_URL;
  pipeline = await createTestPipeline({ ...lake, OCP_POSTGRES_PIPELINE: 'false' });
  environment = {
    ...lake,
    DATABASE_URL: pipeline.database.url,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: pipeline.namespace,
    OCP_NOW: pipeline.config.OCP_NOW ?? '',
    OCP_POSTGRES_PIPELINE: 'false',
  };
  const payload = podFileAlone(await readPayload('operator-sample'), 'web');
  await pipeline.addSource(payload.manifest['cluster_id'] as string);
  const folder = await createArchiveFolder();
  const started = await pipeline.start({ payload: await folder.pack(payload) });
  handle = started.handle;
  await waitUntil(async () => (await onEngineQueue()).length > 0);
});

/** What of the run waits on the engine's queue. */
async function onEngineQueue() {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).filter(
    ({ activityOptions }) => activityOptions?.taskQueue?.name === engineQueues.trino,
  );
}

function command(args: readonly string[]): Promise<CommandResult> {
  return startProgram(args, environment).ended;
}

const idle =
  'waiting for a worker of the Trino engine: none polls ocp-trino; nothing is lost, start one with TRINO_URL';

test('the work of the engine waits without a limit, and its attempts are counted', async () => {
  const [waiting] = await onEngineQueue();
  expect(waiting?.activityType?.name).toBe('loadReportDay');
  expect(waiting?.attempt).toBe(1);
  expect(waiting?.expirationTime ?? undefined).toBeUndefined();
  // 50 ms, 100, … 400, 500, 500, …: 12 hours hold 4 of them and 86,398 of 500 ms (43,200,000 - 750 = 86,398.5 × 500),
  // and the first attempt comes before them.
  expect(waiting?.maximumAttempts).toBe(1 + 4 + 86_398);
});

test('status says what the run waits for, and what to do', async () => {
  const { stdout } = await command(['status', '--json']);
  const { manifests } = JSON.parse(stdout) as { manifests: { manifestUuid: string; state: string }[] };
  expect(manifests.map(({ state }) => state)).toEqual([expect.stringContaining(idle)]);
  const { stdout: detail } = await command(['status', manifests[0]?.manifestUuid ?? '']);
  expect(detail).toContain(`Run ${handle.workflowId}: ${idle}`);
});

test('doctor names the queue that nobody polls', async () => {
  const { code, stdout } = await command(['doctor', '--json']);
  expect(code).toBe(1);
  const checks = JSON.parse(stdout) as { what: string; ok: boolean }[];
  expect(checks.filter(({ ok }) => !ok)).toEqual([
    {
      what: 'workers on ocp-trino',
      ok: false,
      found: 'none',
      repair: 'start one with TRINO_URL: ocp-pipeline worker',
    },
  ]);
});

test('a tenant is not given to an engine without workers', async () => {
  const { orgId } = pipeline.database;
  const { code, stderr } = await command(['tenant', 'set', orgId, 'engine=trino']);
  expect(code).toBe(1);
  expect(stderr).toContain('engine=trino needs TRINO_URL, here or in a worker');
  expect(stderr).toContain('no worker polls ocp-trino');
});

test('once a worker polls the queue, the run goes on where it waited, and the setting is accepted', async () => {
  await pipeline.restartWorkers({ TRINO_URL: trinoUrl });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  const { orgId } = pipeline.database;
  const set = await command(['tenant', 'set', orgId, 'engine=trino', '--json']);
  expect(JSON.parse(set.stdout)).toEqual({ engine: 'trino' });
});
