import { join } from 'node:path';
import type { Pool } from 'pg';
import { ensureMonthlyPartitions } from '../../platform/database/partitions.ts';
import { openPool } from '../../platform/database/database.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { monthlyTables } from '../../summary/ensure-partitions.ts';
import { benchOrg, createMigratedDatabase, dropDatabase, onDatabase } from '../databases.ts';
import { growthFigures } from '../figures.ts';
import type { GrowthFigures, GrowthRun } from '../figures.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { shapes } from '../payload/shapes.ts';
import type { ShapeName } from '../payload/shapes.ts';
import { benchClusterName, runPipeline } from '../pipeline-run.ts';
import { judgeGrowth } from '../targets.ts';
import type { Verdict } from '../targets.ts';
import { fillTables } from './fill.ts';

/** One more day of a cluster, on empty tables and beside a year of many clusters. */
export interface MeasuredGrowth {
  shape: ShapeName;
  fleetShape: ShapeName;
  clusterCount: number;
  dayCount: number;
  summaryRowCount: number;
  stagingRowCount: number;
  databaseBytes: number;
  median: GrowthFigures;
  verdicts: Verdict[];
  runs: GrowthRun[];
}

const fleetShape: ShapeName = 'small';
const clusterCount = 50;
/** Twelve months of days that went before the one that is measured; staging still has the last of them. */
const filled = { seedDay: '2026-10-01', from: '2025-11-01', until: '2026-10-29', stagedFrom: '2026-10-01' };
const database = { empty: 'bench_empty', full: 'bench_full' };

/**
 * Fill a database with a year of data of fifty clusters and run one more day, in turn with the same day on empty
 * tables. Each run is a day of another of the fifty, with a year of its own behind it, so that no run has to be undone.
 */
export async function measureGrowth(bench: Bench, shape: ShapeName): Promise<MeasuredGrowth> {
  const { servers, progress, runCount, client, signal } = bench;
  const full = await createMigratedDatabase(servers, database.full);
  const sizes = await fill(bench, shape, full);
  const runs: MeasuredGrowth['runs'] = [];
  for (let run = 1; run <= runCount; run += 1) {
    const payload = await dayOf(bench, shape, run);
    const measure = async (databaseUrl: string, directory: string) => {
      signal.throwIfAborted();
      return runPipeline(
        { servers, client, databaseUrl, directory: join(bench.workDirectory, directory), signal },
        payload,
      );
    };
    progress.step(`growth, run ${run} of ${runCount}: one day of ${shape} on empty tables`);
    const empty = await measure(await createMigratedDatabase(servers, database.empty), 'empty');
    progress.step(`growth, run ${run} of ${runCount}: the same day on full tables`);
    runs.push({ empty, full: await measure(full, 'full') });
  }
  for (const name of Object.values(database)) await dropDatabase(servers, name);
  const figures = growthFigures(runs);
  return {
    shape,
    fleetShape,
    clusterCount,
    ...sizes,
    median: figures,
    verdicts: judgeGrowth(figures),
    runs,
  };
}

/** @param seed which cluster: the measured ones have seeds from 1 on */
async function dayOf(bench: Bench, shape: ShapeName, seed: number, until?: string): Promise<CachedPayload> {
  const request = { shape: shapes[shape], seed: bench.seed * 1_000 + seed };
  return cachedPayload(bench.payloadDirectory, until === undefined ? request : { ...request, until });
}

async function fill(bench: Bench, shape: ShapeName, databaseUrl: string) {
  const { servers, client, progress, runCount, workDirectory, signal } = bench;
  const pool = openPool({ url: databaseUrl, size: 2, applicationName: 'bench' });
  try {
    const register = async (clusterId: string) =>
      (
        await registerSource(
          { pool, databaseUrl, log: { info: () => undefined } },
          { orgId: benchOrg.orgId, clusterId, name: benchClusterName },
        )
      ).sourceUuid;
    const sources: { sourceUuid: string; clusterId: string; seedUuid: string }[] = [];
    const seeds = [
      await dayOf(bench, fleetShape, 0, filled.seedDay),
      ...(await Promise.all(
        Array.from({ length: runCount }, (_, index) => dayOf(bench, shape, index + 1, filled.seedDay)),
      )),
    ];
    for (const payload of seeds) {
      progress.step('growth: a first day of the clusters, by the program itself');
      await runPipeline(
        { servers, client, databaseUrl, directory: join(workDirectory, 'seed'), signal },
        payload,
      );
      const sourceUuid = await register(payload.clusterId);
      sources.push({ sourceUuid, clusterId: payload.clusterId, seedUuid: sourceUuid });
    }
    const fleetSeed = sources[0]?.sourceUuid ?? '';
    while (sources.length < clusterCount) {
      const clusterId = `fleet-${sources.length}`;
      sources.push({ sourceUuid: await register(clusterId), clusterId, seedUuid: fleetSeed });
    }
    progress.step('growth: filling a year of days');
    await makePartitions(pool);
    await onDatabase(databaseUrl, (filler) => fillTables(filler, { ...filled, fleetSeed, sources }));
    return await countRows(pool);
  } finally {
    await pool.end();
  }
}

async function makePartitions(pool: Pool): Promise<void> {
  const [year = 0, month = 0] = filled.from.split('-').map(Number);
  const months = Array.from({ length: 12 }, (_, index) =>
    new Date(Date.UTC(year, month - 1 + index)).toISOString().slice(0, 7),
  );
  const client = await pool.connect();
  try {
    await ensureMonthlyPartitions(client, { schema: benchOrg.schema, tables: monthlyTables, months });
  } finally {
    client.release();
  }
}

async function countRows(pool: Pool) {
  const { rows } = await pool.query<{ summary: number; staging: number; days: number; bytes: number }>(
    `select
         (select count(*) from ${benchOrg.schema}.reporting_ocpusagelineitem_daily_summary) as summary,
         (select count(*) from ${benchOrg.schema}.reporting_ocpusagelineitem_pod_staging) as staging,
         (select count(distinct usage_day) from ${benchOrg.schema}.ocp_day) as days,
         pg_database_size(current_database()) as bytes`,
  );
  const [found] = rows;
  return {
    summaryRowCount: found?.summary ?? NaN,
    stagingRowCount: found?.staging ?? NaN,
    dayCount: found?.days ?? NaN,
    databaseBytes: found?.bytes ?? NaN,
  };
}
