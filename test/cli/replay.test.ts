import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEnd } from '../../cli/follow-run.ts';
import type { RunStatus } from '../../cli/run-status.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { countFailedPayloads } from '../../payload/open-failures.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { refuseRows } from '../support/refuse-rows.ts';
import { waitUntil } from '../support/wait-until.ts';
import { podFileAlone, podStaging } from '../support/held-load.ts';

let cli: CommandLine;
let folder: ArchiveFolder;
let small: Payload;
let worker: { child: ChildProcess; ended: Promise<unknown> };
/** pauses that need no patience, in the input of the runs that are started with them */
const brief = { OCP_ACTIVITY_RETRY_INITIAL: '100ms', OCP_ACTIVITY_RETRY_MAX: '500ms' };

beforeAll(async () => {
  cli = await createCommandLine();
  folder = await createArchiveFolder();
  small = podFileAlone(await readPayload('operator-sample'), 'app');
  await cli.run(['migrate']);
  worker = cli.start(['worker']);
});
afterAll(async () => {
  worker.child.kill('SIGTERM');
  await worker.ended;
});

interface Started {
  cluster: string;
  manifest: string;
}

/** Start a payload of a cluster of its own; with `follow`, wait for its end. */
async function ingest(payload: Payload, ...options: string[]): Promise<Started> {
  const cluster = `cluster-${randomUUID()}`;
  const manifest = randomUUID();
  const archive = await folder.pack(withManifest(payload, { cluster_id: cluster, uuid: manifest }));
  const args = ['ingest', archive, '--org', cli.database.orgId, '--register', ...options];
  const { code, stderr } = await cli.run(args, brief);
  expect(code, stderr).toBe(0);
  return { cluster, manifest };
}

async function inTenant(statement: string): Promise<void> {
  const { pool, schema } = cli.database;
  await inTenantTransaction(pool, schema, (client) => client.query(statement));
}
// A function that is missing would be made again by the next command.
const breakAggregation = () =>
  inTenant('alter table ocp_node_day rename column architecture to hidden_column');
const mendAggregation = () =>
  inTenant('alter table ocp_node_day rename column hidden_column to architecture');

interface Status {
  state: string;
  runs: RunStatus[];
  rejects: { fileName: string; rejectedRowCount: number; listedIn: string; rows: unknown[] }[];
}
async function statusOf(manifest: string): Promise<Status> {
  return JSON.parse((await cli.run(['status', manifest, '--json'])).stdout) as Status;
}
async function untilRun(manifest: string, isSo: (run: RunStatus) => boolean): Promise<RunStatus> {
  let found: RunStatus | undefined;
  await waitUntil(async () => {
    [found] = (await statusOf(manifest)).runs;
    return found !== undefined && isSo(found);
  });
  if (found === undefined) throw new Error('no run');
  return found;
}

async function replay(manifest: string, ...options: string[]) {
  const { code, stdout, stderr } = await cli.run(['replay', manifest, '--json', ...options], brief);
  return { code, stderr, ends: stdout === '' ? [] : (JSON.parse(stdout) as RunEnd[]) };
}

test('status tells retrying from in progress, with the attempt and what it failed with', async () => {
  // The first payload makes the tenant's tables.
  await ingest(small, '--follow');
  const { pool, schema } = cli.database;
  const mend = await refuseRows(pool, {
    schema,
    table: podStaging,
    event: 'insert',
    message: 'the disk is on fire',
  });
  const { manifest } = await ingest(small);
  const run = await untilRun(manifest, ({ activities }) => (activities[0]?.attempt ?? 0) > 1);
  expect(run).toMatchObject({ status: 'RUNNING', state: 'loading' });
  expect(run.activities).toMatchObject([
    { activity: 'loadReportDay', lastFailure: expect.stringContaining('the disk is on fire') as string },
  ]);
  const { stdout } = await cli.run(['status', manifest]);
  expect(stdout).toMatch(/Run manifest:.*: retrying, attempt \d+\n/);
  expect(stdout).toMatch(/loadReportDay +\d+ .*the disk is on fire/);
  await mend();
  await untilRun(manifest, ({ status }) => status === 'COMPLETED');
  expect(await statusOf(manifest)).toMatchObject({ state: 'completed' });
});

test('status prints the rejected rows of a file, and where all of them are', async () => {
  const [[name, csv] = ['', '']] = small.files;
  // 12 of 72 rows are less than the fifth at which a file fails.
  const good = csv + csv.slice(csv.indexOf('\n') + 1).repeat(11);
  const bad = Array.from({ length: 12 }, (_, index) => `not,enough,"fields, ${index}"\n`).join('');
  const { manifest } = await ingest({ ...small, files: new Map([[name, good + bad]]) }, '--follow');
  const { rejects } = await statusOf(manifest);
  expect(rejects).toMatchObject([{ fileName: name, rejectedRowCount: 12 }]);
  expect(rejects[0]?.rows).toHaveLength(10);
  expect(rejects[0]?.rows[0]).toMatchObject({
    fileName: name,
    line: 62,
    reason: expect.stringContaining('fields') as string,
    row: 'not,enough,"fields, 0"',
  });
  const all = await readFile(fileURLToPath(rejects[0]?.listedIn ?? ''), 'utf8');
  expect(all.trimEnd().split('\n')).toHaveLength(13);
  const { stdout } = await cli.run(['status', manifest, '--rejects', '2']);
  expect(stdout).toContain(`Rejected rows of ${name}: 12, all in file:///`);
  expect(stdout).toContain('not,enough,"fields, 1"');
  expect(stdout).not.toContain('not,enough,"fields, 2"');
});

describe('replay', () => {
  test('resets a finished run to a phase, and starts it again', async () => {
    const { manifest } = await ingest(small, '--follow');
    for (const options of [['--from', 'aggregate'], ['--from', 'download'], []])
      expect(await replay(manifest, ...options)).toMatchObject({
        code: 0,
        ends: [{ outcome: 'completed', result: { rowCount: 5 } }],
      });
    const decided = await replay(manifest, '--decide', 'retry');
    expect(decided).toMatchObject({ code: 1, ends: [] });
    expect(decided.stderr).toContain('is not running (COMPLETED): nothing waits for a decision');
  });

  test('decides about a blocked run: retry once the cause is mended', async () => {
    await breakAggregation();
    const { manifest } = await ingest(small);
    await untilRun(manifest, ({ state }) => state === 'blocked');
    expect((await cli.run(['status', manifest])).stdout).toContain('blocked: waiting for a decision');
    const skipped = await replay(manifest, '--decide', 'skip');
    expect(skipped).toMatchObject({ code: 1, ends: [{ outcome: 'blocked' }] });
    expect(skipped.stderr).toContain('left open, because only files can be skipped: aggregateDays:2026-10:');
    await mendAggregation();
    expect(await replay(manifest)).toMatchObject({ code: 0, ends: [{ outcome: 'completed' }] });
  });

  test('abandons a blocked run and does not start it again; replayed later, it ends complete', async () => {
    await breakAggregation();
    const { manifest } = await ingest(small);
    await untilRun(manifest, ({ state }) => state === 'blocked');
    expect(await replay(manifest, '--decide', 'abandon', '--note', 'sent twice')).toMatchObject({
      code: 0,
      ends: [{ outcome: 'failed', errorType: 'SchemaTooOld' }],
    });
    await mendAggregation();
    expect((await statusOf(manifest)).runs).toMatchObject([{ status: 'FAILED', state: 'failed' }]);
    expect(await replay(manifest)).toMatchObject({
      code: 0,
      ends: [{ outcome: 'completed', result: { daysSummarised: 1, rowsLoaded: 0 } }],
    });
  });

  test('dismisses a refused payload, which then no longer counts as open', async () => {
    const archive = await folder.write(Buffer.from('no archive'));
    const request = `refused-${randomUUID()}`;
    const args = ['ingest', archive, '--org', cli.database.orgId, '--request-id', request];
    expect((await cli.run([...args, '--follow'])).code).toBe(1);
    const open = () => countFailedPayloads(cli.database.pool);
    expect(await open()).toEqual(new Map([['ManifestInvalid', 1]]));
    const dismissed = await cli.run(['replay', request, '--dismiss', '--json']);
    expect(dismissed.code, dismissed.stderr).toBe(0);
    expect(JSON.parse(dismissed.stdout)).toEqual({ dismissedCount: 1 });
    expect(await open()).toEqual(new Map());
    expect((await cli.run(['status'])).stdout).toMatch(/ManifestInvalid.*dismissed/);
  });
});
