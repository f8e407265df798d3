import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, test } from 'vitest';
import { breakAggregation, mendAggregation } from '../support/broken-aggregation.ts';
import { atEnd } from '../support/at-end.ts';
import { startRun } from '../../intake/start-run.ts';
import type { StartedRun } from '../../intake/start-run.ts';
import { loadConfig } from '../../platform/config/config.ts';
import { openPool } from '../../platform/database/database.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { registerSearchAttributes } from '../../platform/temporal/search-attributes.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { openFailuresQuery, resolveFailureUpdate } from '../../workflows/messages.ts';
import { startObservedWorker } from '../platform/observability/observed-worker.ts';
import { payloadPath } from '../support/fixtures.ts';
import { testNow } from '../support/pipeline.ts';
import { startTestServers } from '../support/servers.ts';
import { databaseUrl, onServer } from '../support/template-database.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startPrometheus } from './prometheus.ts';
import type { Prometheus } from './prometheus.ts';

let prometheus: Prometheus;
let run: StartedRun;
/** Bring back what the daily summary lacks. */
let mend: () => Promise<void>;

interface Alert {
  state: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-prometheus-'));
  const servers = await startTestServers();
  const connection = await Connection.connect({ address: servers.temporalAddress });
  atEnd(async () => {
    await prometheus.stop();
    await connection.close();
    await servers.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const database = `metrics_${process.pid}`;
  await onServer(servers.postgresUrl, (client) => client.query(`create database ${database}`));
  await registerSearchAttributes(connection, 'default');
  const environment = {
    DATABASE_URL: databaseUrl(servers.postgresUrl, database),
    OBJECT_STORE: pathToFileURL(join(directory, 'objects')).href,
    OCP_NOW: testNow,
  };
  const worker = await startObservedWorker({ ...environment, TEMPORAL_ADDRESS: servers.temporalAddress });
  prometheus = await startPrometheus(join(directory, 'prometheus'), worker.metricsAddress);
  run = await startBlockingRun(new Client({ connection }), environment);
});

/**
 * A payload whose daily summary cannot be written: no retry would help, so the step gives up at once. Retries until a
 * time limit would fail loads of a busy machine, too, and be as many as OcpErrorRateHigh begins to wait for.
 */
async function startBlockingRun(
  client: Client,
  environment: Record<string, string> & { DATABASE_URL: string; OBJECT_STORE: string },
): Promise<StartedRun> {
  const orgId = '1234567';
  const pool = openPool({ url: environment.DATABASE_URL, size: 2, applicationName: 'test' });
  atEnd(() => pool.end());
  const { schema } = await registerSource(
    { pool, databaseUrl: environment.DATABASE_URL, log: { info: () => undefined } },
    { orgId, clusterId: 'operator-sample-cluster', name: 'sample' },
  );
  await breakAggregation({ pool, schema });
  mend = () => mendAggregation({ pool, schema });
  const config = loadConfig(environment);
  const objectStore = openObjectStore({ url: environment.OBJECT_STORE, s3: { endpoint: undefined } });
  return startRun({ client, pool, objectStore, config }, { orgId, payload: payloadPath('operator-sample') });
}

const alerts = async () => (await prometheus.api<{ alerts: Alert[] }>('alerts')).alerts;

test('a run that waits for a decision makes Prometheus fire the alert, with its runbook', async () => {
  // A worker samples the gauge every minute; Prometheus scrapes and evaluates every second.
  await waitUntil(async () => (await alerts()).some(({ state }) => state === 'firing'));
  expect(await alerts()).toMatchObject([
    {
      state: 'firing',
      labels: { alertname: 'OcpManifestsBlocked', severity: 'critical' },
      annotations: {
        summary: '1 runs have exhausted their retries and wait for a decision',
        runbook: 'docs/operations.md#ocpmanifestsblocked',
      },
    },
  ]);
});

test('Prometheus accepts every line of the endpoint and stores our metrics under their names', async () => {
  const { activeTargets } = await prometheus.api<{ activeTargets: { health: string; lastError: string }[] }>(
    'targets',
  );
  expect(activeTargets).toMatchObject([{ health: 'up', lastError: '' }]);
  const series = await prometheus.api<Record<string, string>[]>('series', {
    'match[]': '{__name__=~"ocp_postgres_.+"}',
  });
  const names = new Set(series.map((labels) => labels['__name__']));
  for (const name of [
    'ocp_postgres_staging_rows_loaded',
    'ocp_postgres_summary_rows_created',
    'ocp_postgres_staging_table_size_bytes',
    'ocp_postgres_csv_load_errors_total',
    'ocp_postgres_aggregation_errors_total',
    'ocp_postgres_validation_warnings_total',
    'ocp_postgres_values_left_out_total',
    'ocp_postgres_manifests_blocked',
  ])
    expect(names).toContain(name);
});

test('every rule evaluates without an error', async () => {
  interface Group {
    rules: { name: string; health: string; lastError?: string }[];
  }
  const evaluated = async () =>
    (await prometheus.api<{ groups: Group[] }>('rules')).groups.flatMap(({ rules }) => rules);
  await waitUntil(async () => (await evaluated()).every(({ health }) => health !== 'unknown'));
  const rules = await evaluated();
  const alerts = await readFile(new URL('../../deploy/prometheus/alerts.yml', import.meta.url), 'utf8');
  const names = [...alerts.matchAll(/^ *- alert: (.+)$/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(0);
  expect(rules.map(({ name }) => name).sort()).toEqual(names.sort());
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
});

test('every query of the dashboard is answered', async () => {
  interface Panel {
    title: string;
    targets?: { expr: string }[];
  }
  const path = fileURLToPath(new URL('../../deploy/grafana/ocp-pipeline.json', import.meta.url));
  const dashboard = JSON.parse(await readFile(path, 'utf8')) as { panels: Panel[] };
  const answers = new Map<string, number>();
  for (const { title, targets = [] } of dashboard.panels)
    for (const { expr } of targets) {
      // What Grafana puts in for its variables.
      const query = expr.replaceAll('$job', 'ocp-pipeline').replaceAll('$__rate_interval', '1m');
      expect(query).not.toContain('$');
      answers.set(title, (await prometheus.api<{ result: unknown[] }>('query', { query })).result.length);
    }
  expect(answers.get('Runs that wait for a decision')).toBe(1);
  expect(answers.get('Staging size')).toBe(1);
  expect(answers.get('Free slots')).toBeGreaterThan(2);
});

test('the alert ends when the cause is mended and an operator has decided', async () => {
  const open = await run.handle.query(openFailuresQuery);
  expect(open).toMatchObject([{ step: 'aggregateDays', subject: '2026-10' }]);
  await mend();
  await run.handle.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: open[0]?.failureId ?? '', action: 'retry' }],
  });
  expect(await run.handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  await waitUntil(async () => (await alerts()).length === 0);
});
