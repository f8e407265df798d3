import { beforeAll, expect, test, vi } from 'vitest';
import { Connection } from '@temporalio/client';
import { taskQueues } from '../../domain/run/run.ts';
import { maxPollMs } from '../../platform/temporal/worker-deployment.ts';
import type { DeployedVersion } from '../../platform/temporal/worker-deployment.ts';
import { startWorker } from '../platform/observability/observed-worker.ts';
import type { ObservedWorker } from '../platform/observability/observed-worker.ts';
import { createArchiveFolder } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { waitUntil } from '../support/wait-until.ts';
import { onePod } from './tiny-payloads.ts';

// They wait for what the server does once a minute.
vi.setConfig({ testTimeout: 600_000 });

let cli: CommandLine;
let folder: ArchiveFolder;
let connection: Connection;
const workers: ObservedWorker[] = [];

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
  workers.push(worker);
  await waitUntil(() => worker.output().includes('worker started'));
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
  const { code, stderr } = await cli.run(['deployment', 'set-current', buildId, '--wait', '120']);
  // A worker that has ended, or cannot reach the server, says why.
  expect(code, [stderr, ...workers.map((worker) => worker.output())].join('\n')).toBe(0);
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
  expect(await versions()).toEqual([
    { buildId: 'old', state: 'inactive', lastPollAt: expect.any(String) as string, pinnedRunCount: 0 },
  ]);
  const { stdout: table } = await cli.run(['deployment', 'list']);
  expect(table).toMatch(/^old +inactive +\d{4}-\S+Z +0 *$/m);
  expect(await events('first')).toBe(2);

  await setCurrent('old');
  await waitUntil(async () => (await versionOf('first')) === 'old');
  await startVersion('new');
  await setCurrent('new');
  await waitUntil(async () =>
    (await versions()).some(({ buildId, state }) => buildId === 'old' && state === 'draining'),
  );
  await ingest(second, 'second');
  await waitUntil(() => isCompleted('second'));
  await waitUntil(() => isCompleted('first'));
  expect(await versionOf('second')).toBe('new');
  expect(await versionOf('first')).toBe('old');
  expect((await describeRun('first'))?.versioningInfo?.behavior).toBe(1);
  // The server counts runs a moment after they have ended.
  await waitUntil(async () => (await versions())[0]?.pinnedRunCount === 0);
  expect((await versions())[0]).toMatchObject({ buildId: 'new', state: 'current', pinnedRunCount: 0 });
});

test('workers that were stopped or killed are not taken for workers that run, and their runs can be moved', async () => {
  const killed = await startVersion('killed');
  await setCurrent('killed');
  const [first] = await halves('left-behind');
  await ingest(first, 'left-behind');
  await waitUntil(async () => (await versionOf('left-behind')) === 'killed');
  killed.signal('SIGKILL');
  await killed.ended;
  // Still listed by the server, and yet not accepted.
  const dead = await cli.run(['deployment', 'set-current', 'killed', '--wait', '2']);
  expect(dead.code).toBe(1);
  expect(dead.stderr).toMatch(/found none on .*last poll \d+ s ago/);

  const next = await startVersion('next');
  await setCurrent('next');
  // Its last poll is long enough ago once a worker that ran would have asked again.
  await waitUntil(async () => {
    const [version] = (await versions()).filter(({ buildId }) => buildId === 'killed');
    // eslint-disable-next-line no-restricted-syntax -- an interval, of no date
    return Date.now() - Date.parse(version?.lastPollAt ?? '1970-01-01') > maxPollMs;
  });
  const doctor = await cli.run(['doctor']);
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain('runs of version killed: 1 under way, and no worker of that version runs');
  expect(doctor.stdout).toContain('ocp-pipeline deployment move killed');
  const refused = await cli.run(['replay', 'left-behind', '--org', cli.database.orgId]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    'is bound to version killed of ocp-pipeline, which has no running workers',
  );

  const moved = await cli.run(['deployment', 'move', 'killed', '--json']);
  expect(moved.code, moved.stderr).toBe(0);
  expect(JSON.parse(moved.stdout)).toMatchObject({
    from: 'killed',
    to: 'next',
    moved: [`manifest:${cli.database.orgId}:left-behind`],
  });
  const before = await events('left-behind');
  await waitUntil(async () => (await events('left-behind')) > before);
  expect((await cli.run(['doctor'])).stdout).not.toContain('runs of version killed');

  next.signal('SIGTERM');
  await next.ended;
  const stopped = await cli.run(['deployment', 'set-current', 'next', '--wait', '2']);
  expect(stopped.code).toBe(1);
});

test('replay --from goes on with the current version', async () => {
  const gone = await startVersion('gone');
  await setCurrent('gone');
  const [first] = await halves('reset-behind');
  await ingest(first, 'reset-behind');
  await waitUntil(async () => (await versionOf('reset-behind')) === 'gone');
  await waitUntil(async () => (await events('reset-behind')) > 20);
  gone.signal('SIGKILL');
  await gone.ended;
  await startVersion('here');
  await setCurrent('here');
  const replay = cli.start(['replay', 'reset-behind', '--org', cli.database.orgId, '--from', 'split']);
  await waitUntil(async () => {
    const info = await describeRun('reset-behind');
    return (
      info?.versioningInfo?.versioningOverride?.pinned?.version?.buildId === 'here' &&
      (await events('reset-behind')) > 20
    );
  });
  replay.child.kill('SIGTERM');
  await replay.ended;
});
