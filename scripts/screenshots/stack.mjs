// Embedded servers and a worker with runs in the states that the runbook shows. The reason is a real one: the role
// that the pipeline connects as loses the right to insert into the daily summary, and gets it back.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { openEmbeddedStack } from '../../dist/dev-stack/stack.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'dist', 'cli', 'main.js');
const payload = (name) => join(root, 'test', 'fixtures', 'payloads', `${name}.tar.gz`);
const org = '1234567';
const dailySummary = `org${org}.reporting_ocpusagelineitem_daily_summary`;
/** The payloads hold days of October 2026. */
const now = '2026-11-05T12:00:00Z';
const clusters = { 'my-ocp-cluster-small': 'shop', 'operator-sample-cluster': 'warehouse' };

/** Bounds that let a step give up, and a run fail, while one looks on. */
const impatient = { OCP_ACTIVITY_SQL_TIMEOUT: '6s' };
const undecided = { ...impatient, BLOCKED_WAIT: '3s' };

/** Start everything; `directory` holds all data and goes in the end. */
export async function startStack(directory, say) {
  const stack = await openEmbeddedStack({
    dataDirectory: directory,
    needs: { postgres: true, temporal: true, objectStore: true },
    say,
  });
  const environment = {
    ...process.env,
    DATABASE_URL: await createDatabase(stack.databaseUrl),
    OBJECT_STORE: stack.objectStoreUrl,
    TEMPORAL_ADDRESS: stack.temporalAddress,
    OCP_DATA_DIR: directory,
    OCP_NOW: now,
  };
  const cli = (args, more = {}) => runProgram(args, { ...environment, ...more });
  await cli(['migrate']);
  await cli(['setup']);
  for (const [cluster, name] of Object.entries(clusters))
    await cli(['source', 'add', '--org', org, '--cluster', cluster, '--name', name]);
  const worker = spawn(process.execPath, [program, 'worker'], { env: environment, stdio: 'ignore' });
  const connection = await Connection.connect({ address: stack.temporalAddress });
  return {
    uiUrl: stack.temporalUiUrl,
    client: new Client({ connection }),
    ingest: (name, requestId, more = {}) =>
      cli(['ingest', payload(name), '--org', org, '--request-id', requestId, '--no-follow'], more),
    revoke: () => asOwner(environment.DATABASE_URL, `revoke insert on ${dailySummary} from pipeline`),
    grant: () => asOwner(environment.DATABASE_URL, `grant insert on ${dailySummary} to pipeline`),
    stop: async () => {
      await connection.close();
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      await ended;
      await stack.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A role without more rights than the installation guide gives, and its database. @returns its address */
async function createDatabase(superuserUrl) {
  await asOwner(superuserUrl, `create role pipeline login password 'pipeline'`);
  await asOwner(superuserUrl, 'create database koku owner pipeline');
  const url = new URL(superuserUrl);
  url.username = 'pipeline';
  url.password = 'pipeline';
  url.pathname = '/koku';
  return url.href;
}

async function asOwner(url, statement) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function runProgram(args, environment) {
  const child = spawn(process.execPath, [program, ...args], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`ocp-pipeline ${args.join(' ')} ended with ${code}`);
}

/** Bring about the runs: one completed, one blocked, one that tries again, two that nobody decided about in time. */
export async function makeRuns(stack) {
  await stack.ingest('operator-sample', 'upload-0001');
  await until(stack, `PipelineState = 'completed'`, 1);
  await stack.revoke();
  await stack.ingest('nise-full_day1', 'upload-0002', undecided);
  await stack.ingest('nise-partial_12h_day1', 'upload-0003', undecided);
  await until(stack, `ExecutionStatus = 'Failed'`, 2);
  await stack.ingest('nise-small', 'upload-0004', impatient);
  await until(stack, `PipelineState = 'blocked'`, 1);
  await stack.ingest('nise-no_node_labels', 'upload-0005');
  await until(stack, `PipelineState = 'aggregating'`, 1);
}

/** Wait until so many runs fit the query. */
export async function until({ client }, query, count) {
  const deadline = Date.now() + 120_000;
  while ((await client.workflow.count(query)).count !== count) {
    if (Date.now() > deadline) throw new Error(`${query}: expected ${count} runs`);
    await delay(200);
  }
}
