import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, chmod, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identifyProcess, isRunning, stopProcess } from '../../dev-stack/process-identity.ts';
import type { ProcessIdentity } from '../../dev-stack/process-identity.ts';
import { compileStackProgram } from './stack-process.ts';

const program = `
import { createInterface } from 'node:readline';
import { startTestServers } from './test/support/servers.js';
const servers = await startTestServers();
process.stdout.write(JSON.stringify(servers) + '\\n');
createInterface(process.stdin).once('line', () => void servers.stop().then(() => process.exit(0)));
`;

let scratch: string;
let temporary: string;
let child: ChildProcessWithoutNullStreams;
let servers: ProcessIdentity[];

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocp-pipeline-servers-'));
  temporary = join(scratch, 'tmp');
  await mkdir(temporary);
  await chmod(scratch, 0o755);
  servers = [];
  await compileStackProgram(join(scratch, 'program'));
  await writeFile(join(scratch, 'program', 'servers.js'), program);
});

afterEach(async () => {
  child.kill('SIGKILL');
  for (const server of servers) {
    await stopProcess(server, 'test server', [{ signal: 'SIGQUIT', graceMs: 10_000 }]);
  }
  await rm(scratch, { recursive: true, force: true });
});

async function start(
  extra: NodeJS.ProcessEnv = {},
): Promise<{ postgresUrl: string; temporalAddress: string }> {
  const environment = { ...process.env };
  // The run of these tests may itself use given servers.
  delete environment['TEST_POSTGRES_URL'];
  delete environment['TEMPORAL_ADDRESS'];
  const started = spawn(process.execPath, [join(scratch, 'program', 'servers.js')], {
    env: { ...environment, TMPDIR: temporary, ...extra },
  });
  started.stderr.pipe(process.stderr);
  child = started;
  const lines = createInterface(started.stdout);
  const [line] = (await once(lines, 'line')) as [string];
  return JSON.parse(line) as { postgresUrl: string; temporalAddress: string };
}

async function rememberServers(): Promise<void> {
  const [name = ''] = await readdir(temporary);
  const text = await readFile(join(temporary, name, 'processes.json'), 'utf8');
  ({ servers } = JSON.parse(text) as { servers: ProcessIdentity[] });
  expect(servers).toHaveLength(2);
}

async function setting(postgresUrl: string, name: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  const { rows } = await client.query<{ value: string }>('select current_setting($1) as value', [name]);
  await client.end();
  return rows[0]?.value;
}

async function waitUntilEnded(): Promise<void> {
  await expect.poll(async () => Promise.all(servers.map(isRunning))).toEqual([false, false]);
}

test('the test servers answer, know the search attributes, and are gone after stop', async () => {
  const { postgresUrl, temporalAddress } = await start();
  await rememberServers();
  expect(await setting(postgresUrl, 'max_connections')).toBe('300');
  expect(await setting(postgresUrl, 'fsync')).toBe('off');
  const connection = await Connection.connect({ address: temporalAddress });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  await connection.close();
  expect(Object.keys(customAttributes)).toEqual(
    expect.arrayContaining(['OrgId', 'PipelineState', 'ManifestDate']),
  );

  child.stdin.write('stop\n');
  await once(child, 'exit');

  expect(await Promise.all(servers.map(isRunning))).toEqual([false, false]);
  expect(await readdir(temporary)).toEqual([]);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the test servers end with a process that gets %s',
  async (signal) => {
    await start();
    await rememberServers();
    const exit = once(child, 'exit');
    child.kill(signal);
    expect(await exit).toEqual([signal === 'SIGINT' ? 130 : 143, null]);
    await waitUntilEnded();
    expect(await readdir(temporary)).toEqual([]);
  },
);

test('servers of a test run killed with SIGKILL are removed by the next run', async () => {
  await start();
  await rememberServers();
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  const leftBehind = servers;
  expect(await Promise.all(leftBehind.map(({ pid }) => identifyProcess(pid)))).toEqual(
    leftBehind.map(({ pid, startTime }) => ({ pid, startTime })),
  );

  await start();

  await waitUntilEnded();
  await rememberServers();
  child.stdin.write('stop\n');
  await once(child, 'exit');
});

test('servers named in the environment are used instead', async () => {
  const given = { TEST_POSTGRES_URL: 'postgresql://somebody@127.0.0.1:1/x', TEMPORAL_ADDRESS: '127.0.0.1:2' };
  expect(await start(given)).toEqual({
    postgresUrl: given.TEST_POSTGRES_URL,
    temporalAddress: given.TEMPORAL_ADDRESS,
  });
});
