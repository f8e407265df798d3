import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { refuseRows } from '../../support/refuse-rows.ts';
import { atEnd } from '../../support/at-end.ts';
import { startRun } from '../../../intake/start-run.ts';
import { runOptions } from '../../../intake/start-workflow.ts';
import type { IngestManifestResult } from '../../../domain/run/run.ts';
import { workedMs } from '../../../domain/run/work.ts';
import { reportKinds, stagingTableOf } from '../../../domain/reports/report-kind.ts';
import { loadConfig } from '../../../platform/config/config.ts';
import { blockedRunsQuery } from '../../../domain/run/search-attributes.ts';
import { openObjectStore } from '../../../platform/object-store/index.ts';
import { registerSource } from '../../../platform/tenants/sources.ts';
import { searchAttributes } from '../../../workflows/search-attributes.ts';
import { createArchiveFolder, readPayload } from '../../support/archives.ts';
import type { Payload } from '../../support/archives.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createNamespace, testNow } from '../../support/pipeline.ts';
import { createStagedSource } from '../../support/staging-fixture.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createObjectFolder } from './object-folder.ts';
import { startObservedWorker } from './observed-worker.ts';
import type { ObservedWorker, Sample } from './observed-worker.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const dailySummary = 'reporting_ocpusagelineitem_daily_summary';

let database: TestDatabase;
let worker: ObservedWorker;
/** the endpoint before anything was done, and after a payload went through with troubles on its way */
let atStart: Sample[];
let scraped: Sample[];
let stagingBytes: Map<string, number>;
let result: IngestManifestResult;

/** Value of a series; the labels given must be all it has. */
function valueOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  const found = samples.filter(
    (sample) =>
      sample.name === name &&
      Object.keys(sample.labels).length === Object.keys(labels).length &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length !== 1) throw new Error(`${name} ${JSON.stringify(labels)}: found ${found.length} series`);
  return found[0]?.value ?? Number.NaN;
}

const sumOf = (samples: readonly Sample[], name: string) =>
  samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0);

/** The pod report with text where a number belongs, in two rows, and with NaN in three others. */
function withBadRows(payload: Payload): Payload {
  const files = new Map(payload.files);
  for (const [name, csv] of files) {
    const [header = '', ...lines] = csv.split('\n');
    const column = header.split(',').indexOf('pod_usage_cpu_core_seconds');
    if (column < 0) continue;
    const bad = lines.map((line, index) =>
      index < 5
        ? line
            .split(',')
            .with(column, index < 2 ? 'many' : 'NaN')
            .join(',')
        : line,
    );
    files.set(name, [header, ...bad].join('\n'));
    return { ...payload, files };
  }
  throw new Error('the payload has no pod report');
}

async function readStagingBytes(): Promise<Map<string, number>> {
  const { rows } = await database.pool.query<{ name: string; bytes: number }>(
    `select regexp_replace(relname, '_\\d{4}_\\d{2}$', '') as name, sum(pg_total_relation_size(oid))::bigint as bytes
     from pg_class
     where relnamespace = $1::regnamespace and relkind = 'r' and relname ~ '_staging_\\d{4}_\\d{2}$'
     group by 1`,
    [database.schema],
  );
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}

beforeAll(async () => {
  database = await createTestDatabase();
  const { connection, namespace } = await createNamespace();
  atEnd(() => connection.close());
  const client = new Client({ connection, namespace });
  const environment = {
    DATABASE_URL: database.url,
    OBJECT_STORE: await createObjectFolder(),
    OCP_NOW: testNow,
    OCP_ACTIVITY_RETRY_INITIAL: '50ms',
    OCP_ACTIVITY_RETRY_MAX: '500ms',
  };

  // The gauges are sampled when the worker starts, so what they show is there before.
  const staged = await createStagedSource(database, '2026-09');
  await staged.stage('pod_usage', '2026-09-01', [
    { hour: 0, pod: 'p', namespace: 'n', node: 'w', label_set_id: {} },
  ]);
  stagingBytes = await readStagingBytes();
  await client.workflow.start('waitsForADecision', {
    workflowId: 'blocked',
    taskQueue: 'nobody-polls-this-queue',
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.pipelineState, value: 'blocked' },
    ]),
  });
  await waitUntil(async () => (await client.workflow.count(blockedRunsQuery)).count === 1);

  worker = await startObservedWorker({
    ...environment,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
  });
  await waitUntil(async () => sumOf(await worker.scrape(), 'ocp_postgres_manifests_blocked') === 1);
  atStart = await worker.scrape();

  const payload = withBadRows(await readPayload('nise-full_day1'));
  await registerSource(
    { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
    { orgId: database.orgId, clusterId: String(payload.manifest['cluster_id']), name: 'metered' },
  );
  const config = loadConfig(environment);
  const objectStore = openObjectStore({ url: environment.OBJECT_STORE, s3: { endpoint: undefined } });
  const { pool, schema } = database;
  const refuse = (table: string) => refuseRows(pool, { schema, table, event: 'insert' });
  const mendStaging = await refuse(stagingTableOf('pod_usage'));
  const mendSummary = await refuse(dailySummary);
  const { handle } = await startRun(
    { client, pool: database.pool, objectStore, config },
    { orgId: database.orgId, payload: await (await createArchiveFolder()).pack(payload) },
  );
  await waitUntil(async () => sumOf(await worker.scrape(), 'ocp_postgres_csv_load_errors_total') > 0);
  await mendStaging();
  await waitUntil(async () => sumOf(await worker.scrape(), 'ocp_postgres_aggregation_errors_total') > 0);
  await mendSummary();
  result = await handle.result();
  // A type that no workflow has: its tasks fail, which is what the SDK's counter of failures is for.
  await client.workflow.start('noSuchWorkflow', {
    workflowId: 'no-such',
    taskQueue: 'ocp-pipeline',
    args: [runOptions(config)],
  });
  await waitUntil(async () => sumOf(await worker.scrape(), 'temporal_workflow_task_execution_failed') > 0);
  scraped = await worker.scrape();
});

test('every counter stands at 0 before anything happened, so that its first increase is seen', () => {
  for (const kind of reportKinds)
    for (const name of [
      'ocp_postgres_csv_load_errors_total',
      'ocp_postgres_staging_rows_loaded',
      'ocp_postgres_validation_warnings_total',
      'ocp_postgres_values_left_out_total',
    ])
      expect(valueOf(atStart, name, { report_kind: kind })).toBe(0);
  for (const table of [dailySummary, 'reporting_ocp_cost_summary_p', 'reporting_ocp_vm_summary_p']) {
    expect(valueOf(atStart, 'ocp_postgres_aggregation_errors_total', { table })).toBe(0);
    expect(valueOf(atStart, 'ocp_postgres_summary_rows_created', { table })).toBe(0);
  }
  expect(valueOf(atStart, 'ocp_postgres_validation_warnings_total', { table: dailySummary })).toBe(0);
});

test('runs that wait for a decision are counted', () => {
  expect(valueOf(atStart, 'ocp_postgres_manifests_blocked')).toBe(1);
});

test('the size of each staging table is that of its partitions', () => {
  for (const kind of reportKinds) {
    const table = stagingTableOf(kind);
    expect(valueOf(atStart, 'ocp_postgres_staging_table_size_bytes', { table })).toBe(
      stagingBytes.get(table),
    );
  }
  expect(stagingBytes.get(stagingTableOf('pod_usage'))).toBeGreaterThan(
    stagingBytes.get(stagingTableOf('gpu_usage')) ?? 0,
  );
});

test('rows that are loaded are counted once, however often their load failed', () => {
  expect(sumOf(scraped, 'ocp_postgres_staging_rows_loaded')).toBe(result.rowsLoaded);
  expect(result.rowsLoaded).toBeGreaterThan(0);
  const pieces = valueOf(scraped, 'ocp_postgres_csv_load_duration_seconds_count', {
    report_kind: 'pod_usage',
  });
  expect(pieces).toBeGreaterThan(0);
  expect(
    valueOf(scraped, 'ocp_postgres_csv_load_errors_total', { report_kind: 'pod_usage' }),
  ).toBeGreaterThan(0);
  expect(valueOf(scraped, 'ocp_postgres_csv_load_errors_total', { report_kind: 'storage_usage' })).toBe(0);
});

test('rows of the daily summary are counted once, and the failed attempts beside them', () => {
  const table = dailySummary;
  expect(valueOf(scraped, 'ocp_postgres_summary_rows_created', { table })).toBe(result.summaryRowCount);
  expect(valueOf(scraped, 'ocp_postgres_aggregation_duration_seconds_count', { table })).toBe(1);
  expect(valueOf(scraped, 'ocp_postgres_aggregation_errors_total', { table })).toBeGreaterThan(0);
});

test('report tables are measured one by one, and their rows are those of the table', async () => {
  const { schema, pool } = database;
  for (const table of ['reporting_ocp_cost_summary_p', 'reporting_ocp_pod_summary_by_project_p']) {
    const { rows } = await pool.query<{ n: number }>(`select count(*) as n from ${schema}.${table}`);
    expect(valueOf(scraped, 'ocp_postgres_summary_rows_created', { table })).toBe(rows[0]?.n);
    expect(valueOf(scraped, 'ocp_postgres_aggregation_duration_seconds_count', { table })).toBe(1);
  }
});

test('rejected rows are warnings of their report kind', () => {
  expect(result.rejectedRowCount).toBe(2);
  expect(valueOf(scraped, 'ocp_postgres_validation_warnings_total', { report_kind: 'pod_usage' })).toBe(2);
  expect(valueOf(scraped, 'ocp_postgres_values_left_out_total', { report_kind: 'pod_usage' })).toBe(3);
});

test('one payload is one observation of the total processing time, in seconds', () => {
  expect(valueOf(scraped, 'ocp_postgres_total_processing_duration_seconds_count')).toBe(1);
  const seconds = valueOf(scraped, 'ocp_postgres_total_processing_duration_seconds_sum');
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeCloseTo(workedMs(result.phaseMs) / 1_000, 6);
});

test('labels are report kinds, tables, steps, workflows, types of failure, ways, outcomes and engines, never ids', () => {
  const ours = scraped.filter(({ name }) => name.startsWith('ocp_postgres_'));
  expect(ours.length).toBeGreaterThan(100);
  for (const { labels } of ours)
    for (const [key, value] of Object.entries(labels)) {
      expect([
        'report_kind',
        'table',
        'step',
        'workflow',
        'type',
        'way',
        'outcome',
        'engine',
        'le',
      ]).toContain(key);
      if (key !== 'le')
        expect(value).toMatch(['report_kind', 'table'].includes(key) ? /^[a-z_]+$/ : /^[A-Za-z]+$/);
    }
});

test('no name ends in _total twice or has a prefix of the SDK', () => {
  const names = new Set(scraped.map(({ name }) => name));
  expect([...names].filter((name) => /_total_total|temporal_ocp/.test(name))).toEqual([]);
});

describe('what is shipped to operators', () => {
  const metricNames = (text: string) =>
    new Set(text.match(/\b(?:ocp_postgres|temporal)_(?!postgres\b)[a-z_]+\b/g) ?? []);

  test.each([['deploy/prometheus/alerts.yml'], ['deploy/grafana/ocp-pipeline.json']])(
    'every metric in %s is on the endpoint under that name',
    async (path) => {
      const served = new Set(scraped.map(({ name }) => name));
      const used = [...metricNames(await readFile(`${root}${path}`, 'utf8'))];
      expect(used.length).toBeGreaterThan(5);
      expect(used.filter((name) => !served.has(name))).toEqual([]);
    },
  );

  test('the dashboard and docs/metrics.md name every metric of ours', async () => {
    const ours = new Set(
      scraped
        .map(({ name }) => name.replace(/_(bucket|sum|count)$/, ''))
        .filter((name) => name.startsWith('ocp_postgres_')),
    );
    expect(ours.size).toBe(18);
    for (const path of ['deploy/grafana/ocp-pipeline.json', 'docs/metrics.md']) {
      const text = await readFile(`${root}${path}`, 'utf8');
      expect([...ours].filter((name) => !text.includes(name))).toEqual([]);
    }
  });

  test('docs/metrics.md explains every alert', async () => {
    const docs = await readFile(`${root}docs/metrics.md`, 'utf8');
    const alerts = [
      ...(await readFile(`${root}deploy/prometheus/alerts.yml`, 'utf8')).matchAll(/alert: (\w+)/g),
    ];
    expect(alerts.length).toBeGreaterThan(5);
    expect(alerts.map(([, name = '']) => name).filter((name) => !docs.includes(name))).toEqual([]);
    expect(await readdir(`${root}deploy/prometheus`)).toContain('alerts.test.yml');
  });
});
