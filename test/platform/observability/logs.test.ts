import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { startRun } from '../../../intake/start-run.ts';
import { openFailuresQuery, resolveFailureUpdate } from '../../../workflows/messages.ts';
import type { IngestManifestResult } from '../../../domain/run/run.ts';
import { workedMs } from '../../../domain/run/work.ts';
import { loadConfig } from '../../../platform/config/config.ts';
import { createLogger } from '../../../platform/observability/logging.ts';
import { blockedRunsQuery } from '../../../domain/run/search-attributes.ts';
import { openObjectStore } from '../../../platform/object-store/index.ts';
import { registerSource } from '../../../platform/tenants/sources.ts';
import { createArchiveFolder, readPayload } from '../../support/archives.ts';
import { createTestDatabase } from '../../support/database.ts';
import { createNamespace, testNow } from '../../support/pipeline.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createObjectFolder } from './object-folder.ts';
import { startObservedWorker } from './observed-worker.ts';
import type { ObservedWorker } from './observed-worker.ts';

describe('secrets never reach the log', () => {
  const databaseUrl = 'postgresql://koku:s3cret-pass@db.example:5432/koku';
  const presigned =
    'https://bucket.example/payload.tar.gz?X-Amz-Credential=AKIA123&X-Amz-Signature=deadbeef&X-Amz-Expires=900';
  const withCause = new Error(`connect to ${databaseUrl} failed`, {
    cause: new Error(`GET ${presigned} answered 403`),
  });
  const foreign = Object.assign(new Error('refused'), {
    config: { connection: { password: 's3cret-pass' } },
    request: { downloadUrl: presigned, headers: { Authorization: 'AWS4 Signature=deadbeef' } },
  });

  test.each([
    ['in the message', {}, `fetching ${presigned} into ${databaseUrl}`],
    ['in a field', { address: presigned, database: databaseUrl }, 'fields'],
    [
      'in fields of a name that says so',
      { a: { b: { password: 's3cret-pass', sessionToken: 'deadbeef' } } },
      'x',
    ],
    ['in an error and its cause', { error: withCause }, 'failed'],
    ['in fields of an error of a library', { error: foreign }, 'failed'],
    ['under the key err', { err: foreign }, 'failed'],
    ['in a list', { addresses: [presigned, [databaseUrl]] }, 'list'],
    ['in text that quotes JSON', { body: JSON.stringify({ url: presigned, db: databaseUrl }) }, 'body'],
    ['in a connection string of key words', { dsn: 'host=db password=s3cret-pass user=koku' }, 'dsn'],
  ])('%s', async (_, fields, message) => {
    const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-log-'));
    const file = join(directory, 'log');
    const logger = createLogger({ level: 'info', file });
    logger.info(fields, message);
    await new Promise((resolve) => logger.flush(resolve));
    await waitUntil(async () => (await readFile(file, 'utf8')).endsWith('\n'));
    const line = await readFile(file, 'utf8');
    await rm(directory, { recursive: true });
    expect(line).not.toMatch(/s3cret-pass|deadbeef|AKIA123/);
    expect(JSON.parse(line)).toMatchObject({ pipeline: 'postgres', level: 30 });
  });

  test('what is not secret stays', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-log-'));
    const file = join(directory, 'log');
    const logger = createLogger({ level: 'info', file });
    logger.info({ address: presigned, database: databaseUrl, error: withCause }, 'kept');
    await new Promise((resolve) => logger.flush(resolve));
    await waitUntil(async () => (await readFile(file, 'utf8')).endsWith('\n'));
    const line = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await rm(directory, { recursive: true });
    expect(line).toMatchObject({
      msg: 'kept',
      address: 'https://bucket.example/payload.tar.gz',
      database: 'postgresql://db.example:5432/koku',
      error: {
        type: 'Error',
        message: expect.stringContaining('connect to postgresql://db.example') as string,
      },
    });
  });
});

describe('log lines of a worker', () => {
  let worker: ObservedWorker;
  let sourceUuid: string;
  let clusterId: string;
  let manifestId: number;
  let password: string;

  beforeAll(async () => {
    const database = await createTestDatabase();
    const { connection, namespace } = await createNamespace();
    atEnd(() => connection.close());
    password = new URL(database.url).password;
    const environment = {
      DATABASE_URL: database.url,
      OBJECT_STORE: await createObjectFolder(),
      OCP_NOW: testNow,
      OCP_LOG_LEVEL: 'debug',
      OCP_ACTIVITY_RETRY_INITIAL: '50ms',
    };
    worker = await startObservedWorker({
      ...environment,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: namespace,
    });
    const payload = await readPayload('nise-full_day1');
    clusterId = String(payload.manifest['cluster_id']);
    ({ sourceUuid } = await registerSource(
      { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
      { orgId: database.orgId, clusterId, name: 'logged' },
    ));
    // Aggregation gives up, so that activities fail and workflow code reports it.
    await database.pool.query(`drop function ${database.schema}.ocp_rebuild_relations`);
    const config = loadConfig(environment);
    const client = new Client({ connection, namespace });
    const { handle } = await startRun(
      {
        client,
        pool: database.pool,
        config,
        objectStore: openObjectStore({ url: environment.OBJECT_STORE, s3: { endpoint: undefined } }),
      },
      { orgId: database.orgId, payload: await (await createArchiveFolder()).pack(payload) },
    );
    // The gauge of blocked runs counts what this finds.
    await waitUntil(async () => (await client.workflow.count(blockedRunsQuery)).count === 1);
    const [blocked] = await handle.query(openFailuresQuery);
    const { failureId = '' } = blocked ?? {};
    await handle.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'abandon' }] });
    await expect(handle.result()).rejects.toThrow();
    await waitUntil(async () => (await client.workflow.count(blockedRunsQuery)).count === 0);
    const { rows } = await database.pool.query<{ manifest_id: number }>(
      `select manifest_id from ${database.schema}.ocp_manifest`,
    );
    manifestId = rows[0]?.manifest_id ?? -1;
    await waitUntil(() => worker.lines().some(({ activityType }) => activityType === 'recordFailure'));
  });

  const linesOf = (activityType: string) =>
    worker.lines().filter((line) => line['activityType'] === activityType);
  const month = { start_date: '2026-10-01', end_date: '2026-10-31' };

  test('every line is JSON and names the pipeline', () => {
    const lines = worker.lines();
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter(({ pipeline }) => pipeline !== 'postgres')).toEqual([]);
  });

  test('an aggregation that fails says which manifest, source, cluster and month', () => {
    const failed = linesOf('aggregateDays').filter(({ msg }) => msg === 'Activity failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const line of failed)
      expect(line).toMatchObject({
        manifest_id: manifestId,
        provider_uuid: sourceUuid,
        cluster_id: clusterId,
        ...month,
        error: { message: expect.stringContaining('ocp_rebuild_relations') as string },
      });
  });

  test('the statement that failed is logged with its place', () => {
    const failed = linesOf('aggregateDays').filter(({ msg }) => msg === 'statement failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const line of failed)
      expect(line).toMatchObject({
        level: 40,
        manifest_id: manifestId,
        sqlState: '42883',
        position: expect.stringMatching(/^\d+$/) as string,
        error: { type: 'DatabaseError', message: expect.stringContaining('does not exist') as string },
      });
  });

  test('the end of the run is an error', () => {
    const lines = worker.lines().filter(({ msg }) => msg === 'PostgreSQL pipeline processing failed');
    expect(lines).toEqual([
      expect.objectContaining({ level: 50, manifest_id: manifestId, errorType: 'SchemaTooOld', ...month }),
    ]);
  });

  test('a load is about the day of its piece', () => {
    const ended = linesOf('loadReportDay').filter(({ msg }) => msg === 'Activity completed');
    expect(ended.length).toBeGreaterThan(0);
    for (const line of ended) {
      expect(line).toMatchObject({
        manifest_id: manifestId,
        provider_uuid: sourceUuid,
        cluster_id: clusterId,
      });
      expect(line['start_date']).toMatch(/^2026-10-\d\d$/);
      expect(line['end_date']).toBe(line['start_date']);
    }
  });

  test('lines of workflow code carry what the activities of the run have found out', () => {
    const lines = worker.lines().filter(({ msg }) => msg === 'step gave up: waiting for a decision');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 50,
      manifest_id: manifestId,
      provider_uuid: sourceUuid,
      cluster_id: clusterId,
      ...month,
    });
  });

  test('the password of the database is nowhere in the output', () => {
    expect(password.length).toBeGreaterThan(8);
    expect(worker.output()).not.toContain(password);
  });
});

describe('log lines at the default level', () => {
  let worker: ObservedWorker;
  let about: Record<string, unknown>;
  let result: IngestManifestResult;

  beforeAll(async () => {
    const database = await createTestDatabase();
    const { connection, namespace } = await createNamespace();
    atEnd(() => connection.close());
    const environment = {
      DATABASE_URL: database.url,
      OBJECT_STORE: await createObjectFolder(),
      OCP_NOW: testNow,
    };
    worker = await startObservedWorker({
      ...environment,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: namespace,
    });
    const payload = await readPayload('nise-full_day1');
    const clusterId = String(payload.manifest['cluster_id']);
    const { sourceUuid } = await registerSource(
      { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
      { orgId: database.orgId, clusterId, name: 'quiet' },
    );
    const { handle } = await startRun(
      {
        client: new Client({ connection, namespace }),
        pool: database.pool,
        config: loadConfig(environment),
        objectStore: openObjectStore({ url: environment.OBJECT_STORE, s3: { endpoint: undefined } }),
      },
      { orgId: database.orgId, payload: await (await createArchiveFolder()).pack(payload) },
    );
    result = await handle.result();
    const { rows } = await database.pool.query<{ manifest_id: number }>(
      `select manifest_id from ${database.schema}.ocp_manifest`,
    );
    about = {
      level: 30,
      pipeline: 'postgres',
      manifest_id: rows[0]?.manifest_id,
      provider_uuid: sourceUuid,
      cluster_id: clusterId,
      start_date: '2026-10-01',
      end_date: '2026-10-31',
    };
    await waitUntil(() => worker.lines().some(({ msg }) => msg === `${pipelineName} completed`));
  });

  const pipelineName = 'PostgreSQL pipeline processing';
  const linesWith = (isMeant: (message: string) => boolean) =>
    worker.lines().filter(({ msg }) => isMeant(String(msg)));

  test('one says that the payload starts, and what it is', () => {
    expect(linesWith((msg) => msg === `${pipelineName} started`)).toEqual([expect.objectContaining(about)]);
  });

  test('one says of each phase that it begins, in order', () => {
    const phases = linesWith((msg) => msg.startsWith('phase '));
    expect(phases.map(({ phase }) => phase)).toEqual([
      'downloading',
      'splitting',
      'loading',
      'aggregating',
      'summarising',
      'validating',
    ]);
    for (const line of phases.slice(2)) expect(line).toMatchObject(about);
  });

  test('one says how it ended, with counts and seconds', () => {
    const [end, ...more] = linesWith((msg) => msg === `${pipelineName} completed`);
    expect(more).toEqual([]);
    expect(end).toMatchObject({
      ...about,
      outcome: 'completed',
      fileCount: result.fileCount,
      rowCount: result.rowCount,
      rejectedRowCount: 0,
      rowsLoaded: result.rowsLoaded,
      daysSummarised: result.daysSummarised,
      summaryRowCount: result.summaryRowCount,
    });
    expect(end?.['seconds']).toBeCloseTo(workedMs(result.phaseMs) / 1_000, 6);
    expect(end?.['seconds']).toBeGreaterThan(0);
  });

  test('nothing else is said about the run, and a start says little', () => {
    const ofRun = worker.lines().filter(({ workflowId }) => workflowId !== undefined);
    expect(
      ofRun.map(({ msg }) => msg).filter((msg) => !/^(phase |PostgreSQL pipeline)/.test(String(msg))),
    ).toEqual([]);
    const messages = worker.lines().map(({ msg }) => String(msg));
    expect(messages).not.toContain('Worker state changed');
    expect(messages.filter((msg) => msg.includes('registered, not polling'))).toEqual([]);
    expect(messages.indexOf('worker started')).toBeLessThan(5);
  });
});
