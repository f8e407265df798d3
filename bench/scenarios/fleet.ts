import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pool } from 'pg';
import { ensurePartitions } from '../../activities/ensure-partitions.ts';
import { aborted } from '../../cli/stop-signal.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import type { IntakeDeps } from '../../intake/accept-payload.ts';
import { startRun } from '../../intake/start-run.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { openPool } from '../../platform/database/database.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { benchOrg, createMigratedDatabase, dropDatabase } from '../databases.ts';
import type { Bench } from '../measure.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { enabledTagKeys } from '../payload/shapes.ts';
import { startWorker } from '../worker-process.ts';

/** Clusters of one customer, a worker with default settings, and a database of their own. */
export interface Fleet {
  pool: Pool;
  databaseUrl: string;
  workerPid: number;
  /** settings of the worker, for further processes */
  environment: Readonly<Record<string, string>>;
  /** where further processes may put their logs */
  directory: string;
  /** by cluster id */
  sourceUuids: ReadonlyMap<string, string>;
  /**
   * Run a payload through the workflow.
   * @returns milliseconds from the workflow's start to its close
   * @throws Error when rows are lost or refused: figures of a wrong result are worth nothing
   */
  ingest(payload: CachedPayload): Promise<number>;
}

/** What a fleet is made of. */
export interface FleetPlan {
  /** the program's clock */
  now: string;
  clusterIds: readonly string[];
  months: readonly string[];
}

const database = 'bench_fleet';

/** Start a fleet, do something with it, and remove it. */
export async function withFleet<T>(
  bench: Bench,
  plan: FleetPlan,
  work: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const { servers, client, signal } = bench;
  const directory = join(bench.workDirectory, 'fleet');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const databaseUrl = await createMigratedDatabase(servers, database);
  const environment = {
    OCP_NOW: plan.now,
    DATABASE_URL: databaseUrl,
    OBJECT_STORE: pathToFileURL(join(directory, 'objects')).href,
    OCP_DATA_DIR: directory,
    TEMPORAL_ADDRESS: servers.temporalAddress,
  };
  const config = loadConfig(environment);
  const pool = openPool({ url: databaseUrl, size: 4, applicationName: 'bench' });
  const objectStore = openObjectStore({ url: environment.OBJECT_STORE, s3: { endpoint: undefined } });
  const deps: IntakeDeps = { client, pool, objectStore, config };
  try {
    const sourceUuids = await prepare(plan, deps, databaseUrl);
    const worker = await startWorker(servers, environment, join(directory, 'worker.log'));
    try {
      const ingest = (payload: CachedPayload) => ingestWhole(deps, payload);
      const stopped = aborted(signal).then(() => Promise.reject(signal.reason as Error));
      return await Promise.race([
        work({ pool, databaseUrl, workerPid: worker.pid, environment, directory, sourceUuids, ingest }),
        worker.failed,
        stopped,
      ]);
    } finally {
      await worker.stop();
    }
  } finally {
    await pool.end();
    await dropDatabase(servers, database);
  }
}

async function prepare(
  { clusterIds, months }: FleetPlan,
  { pool, objectStore, config }: IntakeDeps,
  databaseUrl: string,
): Promise<Map<string, string>> {
  const { orgId, schema } = benchOrg;
  const sourceUuids = new Map<string, string>();
  for (const [index, clusterId] of clusterIds.entries()) {
    const { sourceUuid } = await registerSource(
      { pool, databaseUrl, log: { info: () => undefined } },
      { orgId, clusterId, name: `cluster ${index + 1}` },
    );
    sourceUuids.set(clusterId, sourceUuid);
  }
  await setTagKeys(pool, schema, enabledTagKeys, true);
  await ensurePartitions(
    { pool, databaseUrl, objectStore, config, now: clock(config) },
    { schema, months: months as BillingMonth[] },
  );
  return sourceUuids;
}

async function ingestWhole(deps: IntakeDeps, payload: CachedPayload): Promise<number> {
  const { handle } = await startRun(deps, {
    orgId: benchOrg.orgId,
    payload: join(payload.directory, payload.archive),
  });
  const { outcome, rowsLoaded, validationWarningCount } = await handle.result();
  if (outcome !== 'completed' || rowsLoaded !== payload.rowCount || validationWarningCount !== 0)
    throw new Error(
      `a run went wrong: expected ${payload.rowCount} rows and no warning, found ${rowsLoaded} and ` +
        `${validationWarningCount} (${outcome})`,
    );
  const { startTime, closeTime } = await handle.describe();
  return (closeTime?.getTime() ?? NaN) - startTime.getTime();
}
