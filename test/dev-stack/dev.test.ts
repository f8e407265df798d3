import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbeddedStack } from '../../dev-stack/stack.ts';
import { startProgram } from '../support/command-line.ts';
import { program } from '../support/program-process.ts';
import { waitUntil } from '../support/wait-until.ts';

/** No server is configured, so all are embedded. */
const configured = { DATABASE_URL: undefined, OBJECT_STORE: undefined, TEMPORAL_ADDRESS: undefined };

let scratch: string;
let child: ChildProcess | undefined;
let ended: Promise<unknown>;
let output: { stdout: string; stderr: string };

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocp-pipeline-dev-'));
  // PostgreSQL may run as user postgres, which must be able to pass through.
  await chmod(scratch, 0o755);
});
afterEach(async () => {
  child?.kill('SIGINT');
  await ended;
  await rm(scratch, { recursive: true, force: true });
});

/** Start a command on an embedded stack of its own and wait until it has printed something. */
async function start(args: readonly string[], until: RegExp, environment: Record<string, string> = {}) {
  const found = { stdout: '', stderr: '' };
  output = found;
  const started = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...configured, ...environment, OCP_DATA_DIR: join(scratch, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  started.stdout.on('data', (chunk: Buffer) => (found.stdout += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (found.stderr += chunk.toString()));
  ended = new Promise((resolve) => started.on('close', resolve));
  await waitUntil(() => Promise.resolve(until.test(found.stdout) || started.exitCode !== null));
  expect(found.stdout, found.stderr).toMatch(until);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Files below a directory that others than their owner may read. */
async function openFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const found = await Promise.all(
    files.map(async (path) => {
      // PostgreSQL's come and go.
      const mode = await stat(path).then(
        (file) => file.mode & 0o077,
        () => 0,
      );
      return mode === 0 ? [] : [`${path} ${mode.toString(8)}`];
    }),
  );
  return found.flat();
}

test('dev answers on OCP_HEALTH_ADDRESS, and serves the page, which asks for a token', async () => {
  const health = `127.0.0.1:${await freePort()}`;
  await start(['dev'], /Ctrl-C/, { OCP_HEALTH_ADDRESS: health });
  expect((await fetch(`http://${health}/healthz`)).status).toBe(200);
  const page = /Page: (\S+)/.exec(output.stdout)?.[1] ?? '';
  expect(await (await fetch(page)).text()).toContain('<title>OpenShift costs</title>');
  expect((await fetch(new URL('../api/cost-management/v1/status/', page))).status).toBe(401);
  expect(await openFiles(join(scratch, 'data'))).toEqual([]);
});

test('demo ends with the page and its costs; what it leaves is in its database, and no file for others to read', async () => {
  await start(['demo', '--stay'], /Page: .*\n/);
  const lines = output.stdout.trimEnd().split('\n');
  const page = /^Page: +(http:\/\/127\.0\.0\.1:\d+\/page\/\?range=last-month)$/.exec(lines.at(-1) ?? '')?.[1];
  expect(await (await fetch(page ?? '')).text()).toContain('<title>OpenShift costs</title>');
  // What the page shows to who comes from here is what the table says.
  const report = await fetch(
    new URL('../api/cost-management/v1/reports/openshift/costs/?filter[time_scope_value]=-2', page),
  );
  const { meta } = (await report.json()) as { meta: { total: { cost: { total: { value: number } } } } };
  const all = /^all .* ([\d,.]+) *$/m.exec(output.stdout)?.[1]?.replaceAll(',', '');
  expect(Number(all)).toBeGreaterThan(0);
  expect(meta.total.cost.total.value).toBeCloseTo(Number(all), 2);
  const connectionString = /postgresql:\S+/.exec(output.stdout)?.[0];
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query('select count(*)::int as n from orgdemo.ocp_manifest');
  const costs = await client.query<{ cost: number; rest: number }>(
    `select sum(cost_model_cpu_cost + cost_model_memory_cost + cost_model_volume_cost)::float8 as cost,
         sum(distributed_cost)::float8 as rest
     from orgdemo.reporting_ocpusagelineitem_daily_summary`,
  );
  await client.end();
  expect(rows).toEqual([{ n: 1 }]);
  // Three days of 11 nodes at 900 a month and a cluster at 1,500, and usage.
  expect(costs.rows[0]?.cost).toBeGreaterThan((3 * (11 * 900 + 1_500)) / 31);
  expect(costs.rows[0]?.rest).toBeCloseTo(0, 9);
  expect(output.stdout).toMatch(/Platform unallocated .* -[\d,.]+ +0 /);
  expect(await openFiles(join(scratch, 'data'))).toEqual([]);
  child?.kill('SIGINT');
  await ended;
  // Where nobody watches it ends by itself, and says how to see the page.
  await start(['demo'], /Page: .*\n/);
  await ended;
  expect(child?.exitCode).toBe(0);
  expect(output.stdout).toMatch(/\nPage: +npm run demo -- --stay serves it\n$/);
  expect(output.stderr).toMatch(/to see the page: npm run demo -- --stay\n$/);
});

test('demo on data from before the first release says in one sentence how to start afresh', async () => {
  const directory = join(scratch, 'data');
  const stack = await openEmbeddedStack({
    dataDirectory: directory,
    needs: { postgres: true, temporal: false, objectStore: false },
    say: () => undefined,
  });
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  await client.query(`create table ocp_migration (id serial primary key, name varchar(255), run_on timestamp);
    insert into ocp_migration (name, run_on) values ('000004_intake', now())`);
  await client.end();
  await stack.stop();
  const run = startProgram(['demo'], { ...configured, OCP_DATA_DIR: directory });
  child = run.child;
  ended = run.ended;
  const { code, stderr } = await run.ended;
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(
    `The data in ${directory} was created by ocp-pipeline 0.1.0, before the first release, and ` +
      `cannot be migrated to this version; to start afresh, run: rm -r '${directory}'`,
  );
  expect(stderr).not.toMatch(/^ +at /m);
});
