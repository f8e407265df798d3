import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { StuckMonth } from '../../cli/stuck-months.ts';
import { settingsWorkflowId } from '../../domain/run/resummarize.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import type { resummarize } from '../../workflows/index.ts';
import { emptyDocument, plainRate } from '../costs/documents.ts';
import { atEnd } from '../support/at-end.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { podFileAlone } from '../support/held-load.ts';
import { waitUntil } from '../support/wait-until.ts';

/*
 * Runs of a month that wait: for a decision, because a column is missing, or for workers of Trino, of which there are
 * none here.
 */
const cluster = `cluster-${randomUUID()}`;
/** Of the sample payload, which has one day. */
const month = '2026-10';

let cli: CommandLine;
let worker: { child: ChildProcess; ended: Promise<unknown> };
let sourceUuid: string;

beforeAll(async () => {
  cli = await createCommandLine();
  const folder = await createArchiveFolder();
  const small = podFileAlone(await readPayload('operator-sample'), 'app');
  await cli.run(['migrate']);
  worker = cli.start(['worker']);
  const archive = await folder.pack(withManifest(small, { cluster_id: cluster, uuid: randomUUID() }));
  const { orgId, pool } = cli.database;
  const ingested = await cli.run(['ingest', archive, '--org', orgId, '--register', '--follow']);
  expect(ingested.code, ingested.stderr).toBe(0);
  const { rows } = await pool.query<{ uuid: string }>(
    `select provider.uuid from public.api_provider as provider
     join public.api_providerauthentication as auth on auth.id = provider.authentication_id
     where auth.credentials ->> 'cluster_id' = $1`,
    [cluster],
  );
  sourceUuid = rows[0]?.uuid ?? '';
});
afterAll(async () => {
  worker.child.kill('SIGTERM');
  await worker.ended;
});

const inTenant = (statement: string) =>
  inTenantTransaction(cli.database.pool, cli.database.schema, (client) => client.query(statement));
// A function that is missing would be made again by the next command.
const breakAggregation = () =>
  inTenant('alter table ocp_node_day rename column architecture to hidden_column');
const mendAggregation = () =>
  inTenant('alter table ocp_node_day rename column hidden_column to architecture');

const rebuildArgs = () => [
  'resummarize',
  '--org',
  cli.database.orgId,
  '--cluster',
  cluster,
  '--month',
  month,
];
const rebuild = (...more: string[]) => cli.run([...rebuildArgs(), ...more]);
const runId = () => `resummarize:${cli.database.orgId}:${sourceUuid}:2026-10-01:2026-10-31`;

async function stuck(...more: string[]): Promise<StuckMonth[]> {
  const { stdout } = await cli.run(['status', '--json', ...more]);
  return (JSON.parse(stdout) as { stuckMonths: StuckMonth[] }).stuckMonths;
}

/** Rebuild the month with a column missing: the run is blocked. */
async function block(): Promise<void> {
  await breakAggregation();
  const { code, stdout } = await rebuild();
  expect(code, stdout).toBe(1);
}

test('resummarize ends when its run is blocked, with the failure and the command that resolves it', async () => {
  await breakAggregation();
  const { code, stdout } = await rebuild();
  expect(code).toBe(1);
  expect(stdout).toContain(`${runId()}: blocked, waiting for a decision`);
  expect(stdout).toContain(`ocp-pipeline replay ${runId()} --decide retry`);
  expect(stdout).toMatch(/aggregateDays:2026-10:\d+ \(SchemaTooOld\): .*architecture/);

  await waitUntil(async () => (await stuck()).length > 0);
  expect(await stuck('--org', cli.database.orgId)).toMatchObject([
    { workflowId: runId(), month, state: 'blocked', failures: [{ errorType: 'SchemaTooOld' }] },
  ]);
  expect(await stuck('--org', '7654321')).toEqual([]);
  const listed = await cli.run(['status']);
  expect(listed.stdout).toContain(`(${runId()}): blocked: mend the cause, then ocp-pipeline replay`);

  const skipped = await cli.run(['replay', runId(), '--decide', 'skip']);
  expect(skipped.code).toBe(1);
  expect(skipped.stderr).toContain('left open, because only files can be skipped: aggregateDays');
  const phase = await cli.run(['replay', runId(), '--from', 'load']);
  expect(phase.code).toBe(1);
  expect(phase.stderr).toContain('--from and --dismiss are for manifests');

  await mendAggregation();
  const decided = await cli.run(['replay', runId(), '--decide', 'retry', '--json']);
  expect(decided.code, decided.stderr).toBe(0);
  expect(JSON.parse(decided.stdout)).toMatchObject({ outcome: 'completed', result: { daysSummarised: 1 } });
  const late = await cli.run(['replay', runId(), '--decide', 'retry']);
  expect(late.code).toBe(1);
  expect(late.stderr).toContain('is not running (COMPLETED): nothing waits for a decision');
  await waitUntil(async () => (await stuck()).length === 0);
});

test('the same command, once the cause is mended, takes the blocked run to its end', async () => {
  await block();
  await mendAggregation();
  const { code, stdout, stderr } = await rebuild('--json');
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('retry: aggregateDays:2026-10:');
  expect(JSON.parse(stdout)).toMatchObject({ month, daysSummarised: 1 });
});

test('a blocked run of a month is abandoned', async () => {
  await block();
  const abandoned = await cli.run(['replay', runId(), '--decide', 'abandon', '--note', 'not now', '--json']);
  expect(abandoned.code, abandoned.stderr).toBe(0);
  expect(JSON.parse(abandoned.stdout)).toMatchObject({ outcome: 'failed', errorType: 'SchemaTooOld' });
  await mendAggregation();
});

test('cost-model apply ends when the recalculation of a month is blocked', async () => {
  const folder = await createArchiveFolder();
  const model = emptyDocument({ rates: [plainRate()] });
  const file = await folder.write(Buffer.from(JSON.stringify(model)));
  const apply = () =>
    cli.run([
      'cost-model',
      'apply',
      file,
      '--org',
      cli.database.orgId,
      '--cluster',
      cluster,
      '--from-month',
      month,
    ]);
  await inTenant('alter table ocp_day rename column cost_version to hidden_column');
  const blocked = await apply();
  expect(blocked.code, blocked.stderr).toBe(1);
  const id = `costs:${cli.database.orgId}:${sourceUuid}:${month}`;
  expect(blocked.stdout).toContain(`${id}: blocked, waiting for a decision`);
  await inTenant('alter table ocp_day rename column hidden_column to cost_version');
  const decided = await cli.run(['replay', id]);
  expect(decided.code, decided.stderr).toBe(0);
});

test('says that a run waits for workers of Trino, and moving the organisation back frees it', async () => {
  const { pool, orgId } = cli.database;
  await setTenantSettings(pool, orgId, [['engine', 'trino']]);
  const waiting = cli.start(rebuildArgs());
  let told = '';
  waiting.child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const problem = 'waiting for a worker of the Trino engine: none polls ocp-trino; nothing is lost';
  await waitUntil(() => Promise.resolve(told.includes(`${runId()}: ${problem}`)));
  expect(told).toContain('ocp-pipeline tenant set ORG engine=postgres shadow=, then rebuild the month');
  await waitUntil(async () => (await stuck()).length > 0);
  expect(await stuck()).toMatchObject([
    {
      workflowId: runId(),
      state: 'waiting for workers',
      problem: expect.stringContaining(problem) as string,
    },
  ]);
  const moved = await cli.run(['tenant', 'set', orgId, 'engine=postgres', 'shadow=']);
  expect(moved.code, moved.stderr).toBe(0);
  const again = await rebuild('--json');
  expect(again.code, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ daysSummarised: 1 });
  const { code, stderr } = await waiting.ended;
  expect(code).toBe(1);
  expect(stderr).toContain('the run was terminated');
});

test('rebuilding a month ends the rebuild after a change of settings that waits for an engine it has left', async () => {
  const { pool, orgId, schema } = cli.database;
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  atEnd(() => connection.close());
  const namespace = cli.environment['TEMPORAL_NAMESPACE'] ?? '';
  const input = { orgId, schema, sourceUuid, month: billingMonth(month) };
  const workflowId = settingsWorkflowId(input);
  const start = () =>
    new Client({ connection, namespace }).workflow.start<typeof resummarize>('resummarize', {
      workflowId,
      taskQueue: taskQueues.pipeline,
      args: [input],
    });
  const stuckRuns = async () => (await stuck()).map((run) => run.workflowId);
  await setTenantSettings(pool, orgId, [['engine', 'trino']]);
  const left = await start();
  await waitUntil(async () => (await stuckRuns()).includes(workflowId));
  await setTenantSettings(pool, orgId, [['engine', 'postgres']]);

  const whole = await rebuild('--json');
  expect(whole.code, whole.stderr).toBe(0);
  expect(whole.stderr).toContain(`${workflowId} waits for workers of an engine: it is ended`);
  expect(JSON.parse(whole.stdout)).toMatchObject({ daysSummarised: 1 });
  expect((await left.describe()).status.name).toBe('TERMINATED');

  // The next change of settings begins anew, and one that waits for nothing is left alone.
  const next = await start();
  await next.result();
  const again = await rebuild();
  expect(again.stderr).not.toContain(workflowId);
  expect((await next.describe()).status.name).toBe('COMPLETED');
});
