import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { createArchiveFolder, packMembers, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { payloadPath } from '../support/fixtures.ts';
import { waitUntil } from '../support/wait-until.ts';

let cli: CommandLine;
let folder: ArchiveFolder;
beforeAll(async () => {
  cli = await createCommandLine();
  folder = await createArchiveFolder();
});

test('Ctrl-C while a run is followed ends with 130, without a stack trace; the run goes on', async () => {
  const { orgId } = cli.database;
  const { child, ended } = cli.start(['ingest', payloadPath('nise-full_day1'), '--org', orgId, '--follow']);
  const connection = await Connection.connect({ address: cli.environment['TEMPORAL_ADDRESS'] ?? '' });
  const client = new Client({ connection, namespace: cli.environment['TEMPORAL_NAMESPACE'] ?? '' });
  await waitUntil(async () => (await client.workflow.count(`ExecutionStatus = 'Running'`)).count === 1);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect((await client.workflow.count(`ExecutionStatus = 'Running'`)).count).toBe(1);
  await connection.close();
});

describe('addresses', () => {
  let address: string;
  const served = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const body = served.get(new URL(request.url ?? '/', 'http://host').searchParams.get('id') ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
    served.set('1', await readFile(payloadPath('nise-full_day1')));
    served.set('2', await readFile(payloadPath('operator-sample')));
  });
  afterAll(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  );
  const ingest = (payload: string) =>
    cli.run(['ingest', payload, '--org', cli.database.orgId, '--with-worker', '--register', '--json']);

  test('that differ in more than their signature are different payloads, and secrets are not shown', async () => {
    const first = await ingest(`${address}?id=1&X-Amz-Signature=TOPSECRET`);
    expect(first.stdout).toContain('"completed"');
    const same = await ingest(`${address}?id=1&X-Amz-Signature=OTHERSECRET`);
    expect(same.stdout).toContain('"already ingested"');
    const second = await ingest(`${address}?id=2&X-Amz-Signature=TOPSECRET`);
    expect(second.stdout).toContain('8f6b2c1e-3d57-4b1f-9a44-0f2f9c1d7e20');
    for (const { stdout, stderr } of [first, same, second]) expect(stdout + stderr).not.toContain('SECRET');
  });

  test('that are gone leave no secret in the inbox', async () => {
    const { code } = await ingest(`${address}?id=gone&X-Amz-Signature=TOPSECRET`);
    expect(code).toBe(1);
    const { rows } = await cli.database.pool.query<{ download_url: string | null }>(
      `select download_url from public.payload_inbox where object_key is null`,
    );
    expect(rows).toEqual([{ download_url: null }]);
  });
});

describe('payloads', () => {
  const ingest = (payload: string) =>
    cli.run(['ingest', payload, '--org', cli.database.orgId, '--with-worker', '--register']);

  test('with a name that no table can hold lose that row and nothing else', async () => {
    const payload = withManifest(await readPayload('nise-full_day1'), { cluster_id: 'long-names' });
    const files = new Map(payload.files);
    for (const [name, text] of files)
      if (text.includes('pod_usage_cpu_core_seconds'))
        files.set(name, text.replace(',Toronto,', `,${'n'.repeat(300)},`));
    const { code, stdout } = await ingest(await folder.pack({ ...payload, files }));
    expect(code).toBe(0);
    expect(stdout).toMatch(/completed: .* 1 row rejected/);
  });

  test('with two members of one name are refused', async () => {
    const member = { name: 'a.csv', content: 'x' };
    const { code, stdout } = await ingest(await folder.write(await packMembers([member, member])));
    expect(code).toBe(1);
    expect(stdout).toContain('contains two members named \\"a.csv\\"'.replaceAll('\\', ''));
  });

  test('with a manifest nested deeper than the stack are refused', async () => {
    const manifest = `{"cr_status":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    const { code, stdout } = await ingest(
      await folder.write(await packMembers([{ name: 'manifest.json', content: manifest }])),
    );
    expect(code).toBe(1);
    expect(stdout).toContain('ManifestInvalid');
  });
});

test.for([
  [['ingest', '.', '--org', '1'], /not a file; give the path of a tar\.gz archive/],
  [
    ['ingest', payloadPath('nise-small'), '--org', 'a;drop'],
    /organisation "a;drop": expected 1 to 36 letters/,
  ],
  [['status', '--limit', '1.5'], /--limit: expected a whole number/],
  [
    ['source', 'add', '--org', '1', '--cluster', 'c', '--name', 'n', '--uuid', 'nope'],
    /source "nope": expected a UUID/,
  ],
  [['tags', 'enable', '', '--org', '1234567'], /label key "": expected 1 to 512 characters/],
  [['replay', 'nothing-like-this'], /No payload with manifest or request "nothing-like-this"/],
] as [string[], RegExp][])('%j ends with one sentence', async ([args, sentence]) => {
  const { code, stdout, stderr } = await cli.run(args);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(sentence);
  expect(stderr).not.toMatch(/^\s+at /m);
});
