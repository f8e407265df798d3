import { beforeAll, expect, test } from 'vitest';
import { Connection } from '@temporalio/client';
import { taskQueues } from '../../domain/run.ts';
import type { DeployedVersion } from '../../platform/worker-deployment.ts';
import { startWorker } from '../metrics/observed-worker.ts';
import type { ObservedWorker } from '../metrics/observed-worker.ts';
import { createArchiveFolder } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { waitUntil } from '../support/wait-until.ts';
import { onePod } from './tiny-payloads.ts';

let cli: CommandLine;
let folder: ArchiveFolder;
let connection: Connection;

beforeAll(async () => {
  cli = await createCommandLine();
  folder = await createArchiveFolder();
  connection = await Connection.connect({ address: cli.environment['TEMPORAL_ADDRESS'] ?? '' });
  return () => connection.close();
});

async function startVersion(buildId: string): Promise<ObservedWorker> {
  const worker = startWorker({
    ...cli.environment,
    TEMPORAL_WORKER_BUILD_ID: buildId,
    OCP_MANIFEST_WAIT: '1h',
    OCP_MANIFEST_POLL_MAX: '1s',
  });
  await waitUntil(() => worker.output().includes('worker started'), 90_000);
  return worker;
}

/** A manifest of two files in two archives: the first alone keeps its run waiting. */
async function halves(clusterId: string): Promise<[string, string]> {
  const payload = buildPayload(onePod('2026-10-06', [0, 1], 1), { clusterId, filesPerKind: 2 });
  const [first = '', second = ''] = payload.files.keys();
  return [await folder.pack(payload, [first]), await folder.pack(payload, [second])];
}

async function ingest(archive: string, requestId: string): Promise<void> {
  const environment = { OCP_MANIFEST_WAIT: '1h', OCP_MANIFEST_POLL_MAX: '1s' };
  const args = [
    'ingest',
    archive,
    '--org',
    cli.database.orgId,
    '--register',
    '--request-id',
    requestId,
    '--no-follow',
  ];
  const { code, stderr } = await cli.run(args, environment);
  expect(code, stderr).toBe(0);
}

async function describeRun(requestId: string) {
  const { workflowExecutionInfo: info } = await connection.workflowService.describeWorkflowExecution({
    namespace: cli.environment['TEMPORAL_NAMESPACE'] ?? '',
    execution: { workflowId: `manifest:${cli.database.orgId}:${requestId}` },
  });
  return info;
}

const events = async (requestId: string) =>
  Number(String((await describeRun(requestId))?.historyLength ?? 0));
const versionOf = async (requestId: string) =>
  (await describeRun(requestId))?.versioningInfo?.deploymentVersion?.buildId;
const isCompleted = async (requestId: string) => Number((await describeRun(requestId))?.status) === 2;

async function setCurrent(buildId: string): Promise<void> {
  const { code, stderr } = await cli.run(['deployment', 'set-current', buildId, '--wait', '60']);
  expect(code, stderr).toBe(0);
}

async function versions(): Promise<DeployedVersion[]> {
  const { code, stdout, stderr } = await cli.run(['deployment', 'list', '--json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as DeployedVersion[];
}

test('a version works once it is current, and a run stays with the version it started with', async () => {
  expect(await versions()).toEqual([]);
  const missing = await cli.run(['deployment', 'set-current', 'old', '--wait', '0']);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain(`found none on ${Object.values(taskQueues).join(', ')}`);

  await startVersion('old');
  const [first, second] = await halves('pinned');
  await ingest(first, 'first');
  // The version has registered itself, and still its workers get nothing.
  await waitUntil(async () => (await versions()).length === 1);
  expect(await versions()).toEqual([{ buildId: 'old', state: 'inactive' }]);
  expect(await events('first')).toBe(2);

  await setCurrent('old');
  await waitUntil(async () => (await versionOf('first')) === 'old');
  await startVersion('new');
  await setCurrent('new');
  await waitUntil(async () =>
    (await versions()).some(({ buildId, state }) => buildId === 'old' && state === 'draining'),
  );
  await ingest(second, 'second');
  await waitUntil(() => isCompleted('second'), 90_000);
  await waitUntil(() => isCompleted('first'), 90_000);
  expect(await versionOf('second')).toBe('new');
  expect(await versionOf('first')).toBe('old');
  expect((await describeRun('first'))?.versioningInfo?.behavior).toBe(1);
  expect((await versions())[0]).toEqual({ buildId: 'new', state: 'current' });
}, 400_000);
