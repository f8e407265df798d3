import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { blockedRunsQuery } from '../../domain/run/search-attributes.ts';
import { openFailuresQuery, progressQuery } from '../../workflows/messages.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { podFileAlone } from '../support/held-load.ts';
import { waitUntil } from '../support/wait-until.ts';

let cli: CommandLine;
let client: Client;
let folder: ArchiveFolder;
let small: Payload;
let worker: { child: ChildProcess; ended: Promise<unknown> };

beforeAll(async () => {
  cli = await createCommandLine();
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = cli.environment;
  const connection = await Connection.connect(address === undefined ? {} : { address });
  client = new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
  atEnd(() => connection.close());
  folder = await createArchiveFolder();
  small = podFileAlone(await readPayload('operator-sample'), 'app');
  await cli.run(['migrate']);
  worker = cli.start(['worker']);
});
afterAll(async () => {
  worker.child.kill('SIGTERM');
  await worker.ended;
});

interface Blocked {
  archive: string;
  manifest: string;
  workflowId: string;
}

/** A payload of a cluster of its own, whose aggregation fails until it is mended. */
async function blockedRun(): Promise<Blocked> {
  const [cluster, manifest] = [`cluster-${randomUUID()}`, randomUUID()];
  const archive = await folder.pack(withManifest(small, { cluster_id: cluster, uuid: manifest }));
  const ingest = ['ingest', archive, '--org', cli.database.orgId, '--json'];
  const source = ['source', 'add', '--org', cli.database.orgId, '--cluster', cluster, '--name', cluster];
  expect((await cli.run(source)).code).toBe(0);
  const { pool, schema } = cli.database;
  await inTenantTransaction(pool, schema, async (tenant) => {
    // A column and not a function: the next command makes a missing function again.
    await tenant.query(
      `do $$ begin
         alter table ocp_node_day rename column architecture to hidden_column;
       exception when undefined_column then null;
       end $$`,
    );
  });
  const { code, stdout, stderr } = await cli.run(ingest);
  expect(code, stderr).toBe(0);
  const [started] = JSON.parse(stdout) as { workflowId: string; alreadyRunning: boolean }[];
  expect(started?.alreadyRunning).toBe(false);
  const workflowId = started?.workflowId ?? '';
  await waitUntil(async () => (await progressOf(workflowId)).state === 'blocked');
  return { archive, manifest, workflowId };
}

const progressOf = (workflowId: string) => client.workflow.getHandle(workflowId).query(progressQuery);

/** What the list and the page of one manifest say. */
async function statesOf(manifest: string): Promise<[list: string | undefined, page: string | undefined]> {
  const list = await cli.run(['status', '--json']);
  const page = await cli.run(['status', manifest, '--json']);
  const { manifests } = JSON.parse(list.stdout) as { manifests: { manifestUuid: string; state: string }[] };
  return [
    manifests.find(({ manifestUuid }) => manifestUuid === manifest)?.state,
    (JSON.parse(page.stdout) as { state: string }).state,
  ];
}

async function countBlocked(): Promise<number> {
  return (await client.workflow.count(blockedRunsQuery)).count;
}

test('a blocked run is shown as blocked, and ingesting its payload again starts nothing and says so', async () => {
  const { archive, manifest, workflowId } = await blockedRun();
  const blocked = 'blocked: waiting for a decision (ocp-pipeline replay)';
  expect(await statesOf(manifest)).toEqual([blocked, blocked]);
  const again = await cli.run(['ingest', archive, '--org', cli.database.orgId, '--again']);
  expect(again.code).toBe(1);
  expect(again.stdout).toMatch(
    /nothing was started: .* is blocked and waits for a decision \(.*ocp-pipeline replay/,
  );
  expect(again.stdout).not.toContain('started manifest:');
  const json = await cli.run(['ingest', archive, '--org', cli.database.orgId, '--again', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject([
    { workflowId, alreadyIngested: false, alreadyRunning: true, blocked: true },
  ]);
  await client.workflow.getHandle(workflowId).terminate('the test is over');
});

test('a cancelled run is shown as cancelled and asks for no decision', async () => {
  const { manifest, workflowId } = await blockedRun();
  const handle = client.workflow.getHandle(workflowId);
  await handle.cancel();
  await waitUntil(async () => (await handle.describe()).status.name === 'CANCELLED');
  expect(await statesOf(manifest)).toEqual(['cancelled, unfinished', 'cancelled, unfinished']);
  expect(await handle.query(openFailuresQuery)).toEqual([]);
  expect(await progressOf(workflowId)).toMatchObject({ state: 'cancelled', openFailureCount: 0 });
  const details = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  expect(details.currentDetails).toContain('**cancelled**');
  expect(details.currentDetails).not.toContain('Waiting for a decision');
});

test('a terminated run is shown as terminated, and is not among those that wait', async () => {
  const { manifest, workflowId } = await blockedRun();
  await waitUntil(async () => (await countBlocked()) === 1);
  await client.workflow.getHandle(workflowId).terminate('by an operator');
  await waitUntil(async () => (await countBlocked()) === 0);
  expect(await statesOf(manifest)).toEqual(['terminated, unfinished', 'terminated, unfinished']);
});
