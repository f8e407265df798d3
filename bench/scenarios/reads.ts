import { join } from 'node:path';
import type { Pool } from 'pg';
import { fullAccess } from '../../api/access.ts';
import { handleRead } from '../../api/handle.ts';
import { openPool } from '../../platform/database/database.ts';
import { ensureMonthlyPartitions } from '../../platform/database/partitions.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { monthlyTables } from '../../summary/ensure-partitions.ts';
import { benchOrg, createMigratedDatabase, dropDatabase, onDatabase } from '../databases.ts';
import { median } from '../figures.ts';
import { fillTables } from '../growth/fill.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import { benchNow, shapes } from '../payload/shapes.ts';
import type { Shape } from '../payload/shapes.ts';
import { benchClusterName, runPipeline } from '../pipeline-run.ts';
import { secondsVerdict } from '../targets.ts';
import { wholeNumber } from './scenario.ts';
import type { MeasuredScenario } from './scenario.ts';

const threeDays = 'start_date=2026-10-01&end_date=2026-10-03';
const month = 'start_date=2026-10-01&end_date=2026-10-30';
const lastMonth = 'filter[resolution]=monthly&filter[time_scope_units]=month&filter[time_scope_value]=-2';
const report = (name: string, query: string) => `reports/openshift/${name}/?${query}`;

/** Requests by a range of days. */
const ofDays = (days: string): string[] => [
  ...['compute', 'memory'].flatMap((name) => [
    report(name, days),
    report(name, `${days}&group_by[node]=*`),
    report(name, `${days}&group_by[project]=*`),
  ]),
  report('costs', days),
  report('costs', `${days}&group_by[cluster]=*`),
  report('costs', `${days}&group_by[node]=*`),
  report('costs', `${days}&group_by[project]=*`),
  report('gpu', days),
  report('volumes', days),
  report('volumes', `${days}&group_by[project]=*`),
  report('volumes', `${days}&group_by[storageclass]=*`),
];

/** The requests that Koku's answers were recorded for: three days, or the whole of last month. */
const goldenRequests: readonly string[] = [
  'resource-types/openshift-clusters/?limit=1000',
  'resource-types/openshift-nodes/?limit=1000',
  'resource-types/openshift-projects/?limit=1000',
  `tags/openshift/?${lastMonth}`,
  report('costs', `${lastMonth}&group_by[tag:app]=*`),
  report('resources/virtual-machines', lastMonth),
  ...ofDays(threeDays),
];

const quarter = report(
  'costs',
  'filter[time_scope_units]=day&filter[time_scope_value]=-90&group_by[project]=*',
);

const maxGoldenSeconds = 0.1;
const maxQuarterSeconds = 1;
/** Answers of a request that are measured, after two that are not. */
const repetitions = 9;

/** The fourth size of customer: 23 clusters with 346 nodes, each node with 10 pods. */
const fleet = { clusters: 23, nodesOf: [16, 15], days: { from: '2026-08-04', until: '2026-11-01' } };
const seedDay = '2026-10-30';

/** What one request took, from the call to the text of the answer. */
interface ReadFigures {
  on: string;
  request: string;
  medianMs: number;
  maxMs: number;
  bytes: number;
}

/** Answer requests of the read API: those with golden answers over month_cm, and a quarter of 23 clusters. */
export async function measureReads(bench: Bench): Promise<MeasuredScenario> {
  const databaseUrl = await createMigratedDatabase(bench.servers, 'bench_reads');
  await load(bench, databaseUrl, shapes.month_cm, bench.seed);
  await onDatabase(databaseUrl, (client) => client.query('vacuum (analyze)'));
  const golden = await answered(bench, databaseUrl, 'month_cm', goldenRequests);
  const whole = await answered(bench, databaseUrl, 'month_cm', ofDays(month));
  await dropDatabase(bench.servers, 'bench_reads');
  const customerUrl = await createMigratedDatabase(bench.servers, 'bench_readers');
  const rowCount = await fillFleet(bench, customerUrl);
  const of23 = await answered(bench, customerUrl, '23 clusters', [quarter]);
  await dropDatabase(bench.servers, 'bench_readers');
  const figures = [...golden, ...whole, ...of23];
  const slowest = Math.max(...golden.map(({ medianMs }) => medianMs));
  return {
    title:
      `Answers of the read API, warm, medians of ${repetitions}: the requests with golden answers over month_cm, ` +
      `those of three days over its 30 days too, and 90 days of 23 clusters with 346 nodes (${wholeNumber(rowCount)} rows of the daily summary):`,
    head: ['tables', 'request', 'median ms', 'longest ms', 'KB'],
    rows: figures.map(({ on, request, medianMs, maxMs, bytes }) => [
      on,
      `\`${request.replace(/^reports\/openshift\//, '')}\``,
      medianMs.toFixed(1),
      maxMs.toFixed(1),
      (bytes / 1_000).toFixed(1),
    ]),
    verdicts: [
      secondsVerdict('slowest golden request, month_cm', maxGoldenSeconds, slowest / 1_000),
      secondsVerdict(
        'costs by project, 90 days, 23 clusters',
        maxQuarterSeconds,
        (of23[0]?.medianMs ?? NaN) / 1_000,
      ),
    ],
    figures,
  };
}

/** A payload with its costs. @returns the cluster's id */
async function load(bench: Bench, databaseUrl: string, shape: Shape, seed: number): Promise<string> {
  const { servers, client, signal, progress, workDirectory, payloadDirectory } = bench;
  const payload = await cachedPayload(payloadDirectory, { shape, seed }, () => {
    progress.step('reads: generating a payload');
  });
  progress.step(`reads: loading ${shape.nodeCount} nodes, ${shape.dayCount} days`);
  const directory = join(workDirectory, 'run');
  await runPipeline({ servers, client, databaseUrl, directory, signal, hasCostModel: true }, payload);
  return payload.clusterId;
}

async function answered(
  bench: Bench,
  databaseUrl: string,
  on: string,
  requests: readonly string[],
): Promise<ReadFigures[]> {
  const pool = openPool({ url: databaseUrl, size: 2, applicationName: 'bench' });
  try {
    const figures: ReadFigures[] = [];
    for (const request of requests) {
      bench.signal.throwIfAborted();
      bench.progress.step(`reads: ${request}`);
      figures.push({ on, request, ...(await timesOf(pool, request)) });
    }
    return figures;
  } finally {
    await pool.end();
  }
}

async function timesOf(pool: Pool, request: string) {
  const times: number[] = [];
  let bytes = 0;
  for (let index = -2; index < repetitions; index += 1) {
    const startedAt = performance.now();
    bytes = Buffer.byteLength(await answerTo(pool, request));
    if (index >= 0) times.push(performance.now() - startedAt);
  }
  return { medianMs: median(times), maxMs: Math.max(...times), bytes };
}

async function answerTo(pool: Pool, request: string): Promise<string> {
  const [path = '', query = ''] = request.split('?');
  const { status, body } = await handleRead(
    {
      pool,
      timeoutMs: 60_000,
      retentionMonths: 4,
      now: () => new Date(benchNow),
      warn: () => undefined,
      blockedRuns: () => Promise.resolve({ runs: [] }),
    },
    {
      prefix: '/',
      path: `/${path}`,
      query,
      accept: undefined,
      ifNoneMatch: undefined,
      orgId: benchOrg.orgId,
      access: fullAccess,
    },
  );
  if (status !== 200) throw new Error(`${request}: expected 200, found ${status} ${JSON.stringify(body)}`);
  return JSON.stringify(body);
}

/**
 * Ninety days of 23 clusters: copies of a day of two that the program itself loaded.
 * @returns rows of the daily summary
 */
async function fillFleet(bench: Bench, databaseUrl: string): Promise<number> {
  const pool = openPool({ url: databaseUrl, size: 2, applicationName: 'bench' });
  try {
    const register = async (clusterId: string) =>
      registerSource(
        { pool, databaseUrl, log: { info: () => undefined } },
        { orgId: benchOrg.orgId, clusterId, name: `${benchClusterName} ${clusterId}` },
      );
    const sources: { sourceUuid: string; clusterId: string; seedUuid: string }[] = [];
    for (const [index, nodeCount] of fleet.nodesOf.entries()) {
      const shape = { nodeCount, podCount: nodeCount * 10, dayCount: 1 };
      const clusterId = await load(bench, databaseUrl, shape, bench.seed * 1_000 + index);
      const { sourceUuid } = await register(clusterId);
      sources.push({ sourceUuid, clusterId, seedUuid: sourceUuid });
    }
    const fleetSeed = sources.at(-1)?.sourceUuid ?? '';
    while (sources.length < fleet.clusters) {
      const clusterId = `fleet-${sources.length}`;
      const { sourceUuid } = await register(clusterId);
      sources.push({ sourceUuid, clusterId, seedUuid: fleetSeed });
    }
    bench.progress.step('reads: filling 90 days');
    const client = await pool.connect();
    try {
      const months = ['2026-08', '2026-09', '2026-10', '2026-11'];
      await ensureMonthlyPartitions(client, { schema: benchOrg.schema, tables: monthlyTables, months });
    } finally {
      client.release();
    }
    const plan = { ...fleet.days, seedDay, fleetSeed, sources, stagedFrom: '2026-12-01' };
    await onDatabase(databaseUrl, (filler) => fillTables(filler, plan));
    const { rows } = await pool.query<{ count: number }>(
      `select count(*) as count from ${benchOrg.schema}.reporting_ocpusagelineitem_daily_summary`,
    );
    return rows[0]?.count ?? NaN;
  } finally {
    await pool.end();
  }
}
