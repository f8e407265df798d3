import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockedRunsQuery } from '../../platform/metrics.ts';
import { registerSearchAttributes } from '../../platform/search-attributes.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { startObservedWorker } from '../metrics/observed-worker.ts';
import { startTestServers } from '../support/servers.ts';
import { databaseUrl, onServer } from '../support/template-database.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startPrometheus } from './prometheus.ts';
import type { Prometheus } from './prometheus.ts';

let prometheus: Prometheus;

interface Alert {
  state: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-prometheus-'));
  const servers = await startTestServers();
  const connection = await Connection.connect({ address: servers.temporalAddress });
  afterAll(async () => {
    await prometheus.stop();
    await connection.close();
    await servers.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const database = `metrics_${process.pid}`;
  await onServer(servers.postgresUrl, (client) => client.query(`create database ${database}`));
  await registerSearchAttributes(connection, 'default');

  // A run that waits for a decision, as visibility sees it; the worker counts it when it starts.
  const client = new Client({ connection });
  await waitUntil(async () => {
    await client.workflow.start('waitsForADecision', {
      workflowId: 'blocked',
      taskQueue: 'nobody-polls-this-queue',
      workflowIdConflictPolicy: 'USE_EXISTING',
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.pipelineState, value: 'blocked' },
      ]),
    });
    return (await client.workflow.count(blockedRunsQuery)).count === 1;
  });
  const worker = await startObservedWorker({
    DATABASE_URL: databaseUrl(servers.postgresUrl, database),
    OBJECT_STORE: pathToFileURL(join(directory, 'objects')).href,
    TEMPORAL_ADDRESS: servers.temporalAddress,
  });
  prometheus = await startPrometheus(join(directory, 'prometheus'), worker.metricsAddress);
});

const alerts = async () => (await prometheus.api<{ alerts: Alert[] }>('alerts')).alerts;

test('a run that exhausted its retries makes Prometheus fire the alert, with its runbook', async () => {
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
  expect(rules.length).toBe(10);
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
