import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { openSync } from 'node:fs';
import { Connection } from '@temporalio/client';
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import { program } from '../support/program-process.ts';
import type { CommandLine } from '../support/command-line.ts';
import { payloadPath } from '../support/fixtures.ts';
import { startRefusingProxy } from '../support/refusing-proxy.ts';
import type { Refusal } from '../support/refusing-proxy.ts';
import { waitUntil } from '../support/wait-until.ts';

let cli: CommandLine;
let folder: ArchiveFolder;
beforeAll(async () => {
  cli = await createCommandLine();
  folder = await createArchiveFolder();
  await cli.run(['migrate']);
});

/** What Node itself says on a terminal: warnings of the process, and stack traces. */
const warningOrTrace = /\(node:\d+\)|^\s+at /m;

describe('a followed run', () => {
  test('that takes long warns of nothing', async () => {
    // One file of the manifest never comes: 5 s of waiting are some 20 looks at the run, twice as many requests as
    // Node allows listeners on one signal before it warns.
    const payload = await readPayload('operator-sample');
    const [[name, text] = ['', '']] = payload.files;
    const archive = await folder.pack({ ...payload, files: new Map([[name, text]]) });
    const args = ['ingest', archive, '--org', cli.database.orgId, '--register', '--with-worker'];
    const { stderr } = await cli.run(args, { OCP_MANIFEST_WAIT: '5s' });
    expect(stderr).toMatch(/· waiting · /);
    expect(stderr).not.toMatch(warningOrTrace);
  });

  test('among a dozen at once warns of nothing', async () => {
    const payload = await readPayload('nise-full_day1');
    const archives = await Promise.all(
      Array.from({ length: 12 }, () => folder.pack(withManifest(payload, { uuid: randomUUID() }))),
    );
    const args = ['ingest', ...archives, '--org', cli.database.orgId, '--register', '--with-worker'];
    const { code, stderr } = await cli.run(args);
    expect(code).toBe(0);
    expect(stderr).not.toMatch(warningOrTrace);
  });
});

describe('output that nobody reads', () => {
  /** Run with one stream closed by its reader before a byte is written. */
  async function runUnread(args: readonly string[], closed: 'stdout' | 'stderr') {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, ...cli.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let read = '';
    const other = closed === 'stdout' ? 'stderr' : 'stdout';
    child[other].on('data', (chunk: Buffer) => (read += chunk.toString()));
    child[closed].destroy();
    const code = await new Promise((resolve) => child.on('close', resolve));
    return { code, read };
  }

  test.for([
    [['status'], 0],
    [['status', '8f6b2c1e'], 0],
    [['schedules', 'list'], 0],
    [['--help'], 0],
    [['source', 'list', '--json'], 0],
    [['status', 'no-such-manifest', '--json'], 1],
    [['nonsense'], 1],
  ] as [string[], number][])('%j ends with its own code and no trace', async ([args, code]) => {
    for (const closed of ['stdout', 'stderr'] as const) {
      const found = await runUnread(args, closed);
      expect(found.read).not.toMatch(warningOrTrace);
      expect(found.code).toBe(code);
    }
  });

  test('that cannot be written is said, exit code 1', async () => {
    const child = spawn(process.execPath, [program, 'source', 'list'], {
      env: { ...process.env, ...cli.environment },
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
    expect(stderr).toMatch(/^Standard output cannot be written: ENOSPC.*\n$/);
  });
});

describe('errors', () => {
  test.for([
    [['status', 'no-such-manifest'], 'ConfigInvalid', /No manifest no-such-manifest/],
    [['nonsense'], 'UsageError', /nonsense/],
    [['ingest', 'absent.tar.gz', '--org', '1'], 'PayloadUnavailable', /no such file/],
    [['status', '--limit', '1.5'], 'UsageError', /--limit: expected a whole number/],
  ] as [string[], string, RegExp][])('%j --json is one line of JSON', async ([args, type, message]) => {
    const { code, stdout, stderr } = await cli.run([...args, '--json']);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(JSON.parse(stderr)).toEqual({
      error: { type, message: expect.stringMatching(message) as string },
    });
  });
});

describe('what Temporal refuses is said with the reason and the remedy', () => {
  const ingest = (environment: Record<string, string>) =>
    cli.run(['ingest', payloadPath('nise-full_day1'), '--org', cli.database.orgId], environment);
  let proxy: { address: string; refusals: Refusal[] };
  beforeAll(async () => {
    proxy = await startRefusingProxy(inject('temporalAddress'));
  });
  beforeEach(() => {
    proxy.refusals.length = 0;
  });

  test('a search attribute that the namespace lacks', async () => {
    const namespace = `bare-${randomBytes(6).toString('hex')}`;
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    });
    await waitUntil(async () =>
      connection.operatorService.listSearchAttributes({ namespace }).then(
        () => true,
        () => false,
      ),
    );
    await connection.close();
    const { code, stderr } = await ingest({ TEMPORAL_NAMESPACE: namespace });
    expect(code).toBe(1);
    expect(stderr).toMatch(/lacks the search attribute \w+; .*: ocp-pipeline setup\n$/);
    await cli.run(['setup'], { TEMPORAL_NAMESPACE: namespace });
    expect(await ingest({ TEMPORAL_NAMESPACE: namespace })).toMatchObject({ code: 0 });
  });

  test('a namespace that does not exist', async () => {
    const { code, stderr } = await ingest({ TEMPORAL_NAMESPACE: 'no-such-place' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /namespace no-such-place does not exist; correct TEMPORAL_NAMESPACE, or create it: temporal operator namespace create --namespace no-such-place\n$/,
    );
  });

  test('a server that is not there', async () => {
    const { code, stderr } = await ingest({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Temporal at 127\.0\.0\.1:1 .* cannot be reached: .*; check TEMPORAL_ADDRESS/);
  });

  test.for([
    [7, 'Request unauthorized.', 'PERMISSION_DENIED', /the role of the API key or certificate/],
    [16, 'no credentials', 'UNAUTHENTICATED', /check TEMPORAL_API_KEY or the client certificate/],
    [4, 'context deadline exceeded', 'DEADLINE_EXCEEDED', /did not answer in time/],
    [12, 'unknown method', 'UNIMPLEMENTED', /Temporal server 1\.29 or later/],
  ] as [number, string, string, RegExp][])('code %i', async ([code, message, name, remedy]) => {
    proxy.refusals.push({ method: 'StartWorkflowExecution', code, message });
    const found = await ingest({ TEMPORAL_ADDRESS: proxy.address });
    expect(found.code).toBe(1);
    expect(found.stderr).toContain(`Failed to start Workflow – ${message} (${name}); `);
    expect(found.stderr).toMatch(remedy);
  });

  test('credentials that the server refuses when it is greeted', async () => {
    proxy.refusals.push({ method: 'GetSystemInfo', code: 7, message: 'Request unauthorized.' });
    const { code, stderr } = await ingest({ TEMPORAL_ADDRESS: proxy.address });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Request unauthorized\. \(PERMISSION_DENIED\); .*check TEMPORAL_NAMESPACE/);
  });
});
