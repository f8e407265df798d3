import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from '@temporalio/client';
import type { ClientBase } from 'pg';
import { applyModel } from '../costs/apply-model.ts';
import { readCostModel } from '../costs/cost-model-document.ts';
import { startRun } from '../intake/start-run.ts';
import { aborted } from '../cli/stop-signal.ts';
import { ensurePartitions } from '../activities/ensure-partitions.ts';
import type { IngestManifestResult, PipelineState } from '../domain/run/run.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { clock, loadConfig } from '../platform/config/config.ts';
import type { Config } from '../platform/config/config.ts';
import { openPool } from '../platform/database/database.ts';
import { openObjectStore } from '../platform/object-store/index.ts';
import { registerSource } from '../platform/tenants/sources.ts';
import { setTagKeys } from '../summary/tag-keys.ts';
import { benchOrg, grownBy, onDatabase, tenantSizes, walPosition } from './databases.ts';
import type { TenantSizes } from './databases.ts';
import type { CachedPayload } from './payload/cache.ts';
import { benchCostModel } from './payload/cost-model.ts';
import { benchMonth, benchNow, enabledTagKeys } from './payload/shapes.ts';
import { cpuMs, peakRssBytes } from './process-figures.ts';
import type { BenchServers } from './servers.ts';
import { stepMs } from './step-times.ts';
import { startWorker } from './worker-process.ts';

/** One run of the whole workflow. */
export interface PipelineRun {
  /** from the workflow's start to its close */
  totalMs: number;
  phaseMs: Partial<Record<PipelineState, number>>;
  /** of the cost step, which writes the report tables too */
  costMs: number;
  rowCount: number;
  summaryRowCount: number;
  /** undefined where there is no /proc */
  peakRssBytes: number | undefined;
  workerCpuMs: number | undefined;
  walBytes: number;
  grownBytes: TenantSizes;
}

/** Where a run happens. */
export interface PipelineTarget {
  servers: BenchServers;
  client: Client;
  /** URL of a migrated database */
  databaseUrl: string;
  /** for objects and the worker's log; must not be in use */
  directory: string;
  /** ends the run when the user wants to stop */
  signal: AbortSignal;
  /** default true: the writes of what went before are no part of the run */
  checkpointFirst?: boolean;
  /** default false: give the payload's cluster the cost model of the benchmark */
  hasCostModel?: boolean;
  /** default none: further settings of the worker and of this process */
  environment?: Readonly<Record<string, string>>;
}

/** Name of every cluster; it is part of what a day was summarised with. */
export const benchClusterName = 'bench cluster';

/** What the worker and this process are configured with, beside addresses: everything else is the default. */
const settings = { OCP_NOW: benchNow, OCP_LOG_LEVEL: 'info' };

/**
 * Register the payload's cluster, make the month's partitions and run the payload through the workflow, in a worker
 * started for it.
 *
 * @throws Error when rows are lost or refused: figures of a wrong result are worth nothing
 */
export async function runPipeline(target: PipelineTarget, payload: CachedPayload): Promise<PipelineRun> {
  const { servers, client, databaseUrl, directory } = target;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const environment = {
    ...settings,
    ...target.environment,
    DATABASE_URL: databaseUrl,
    OBJECT_STORE: pathToFileURL(join(directory, 'objects')).href,
    OCP_DATA_DIR: directory,
    TEMPORAL_ADDRESS: servers.temporalAddress,
  };
  const config = loadConfig(environment);
  await prepare(config, databaseUrl, payload, target.hasCostModel ?? false);
  const worker = await startWorker(servers, environment, join(directory, 'worker.log'));
  try {
    return await onDatabase(databaseUrl, async (observer) => {
      const sizesBefore = await tenantSizes(observer);
      if (target.checkpointFirst ?? true) await observer.query('checkpoint');
      const cpuBefore = (await cpuMs(worker.pid)) ?? 0;
      const walBefore = await walPosition(observer);
      const { totalMs, costMs, result } = await Promise.race([
        ingest(client, config, databaseUrl, payload),
        worker.failed,
        aborted(target.signal).then(() => Promise.reject(target.signal.reason as Error)),
      ]);
      const walBytes = (await walPosition(observer)) - walBefore;
      const cpuAfter = await cpuMs(worker.pid);
      requireWhole({ ...result, labelsLeftOut: await labelsLeftOut(observer) }, payload);
      return {
        totalMs,
        phaseMs: result.phaseMs,
        costMs,
        rowCount: result.rowCount,
        summaryRowCount: result.summaryRowCount,
        peakRssBytes: await peakRssBytes(worker.pid),
        workerCpuMs: cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
        walBytes,
        grownBytes: grownBy(sizesBefore, await tenantSizes(observer)),
      };
    });
  } finally {
    await worker.stop();
  }
}

async function prepare(
  config: Config,
  databaseUrl: string,
  payload: CachedPayload,
  hasCostModel: boolean,
): Promise<void> {
  const pool = openPool({ url: databaseUrl, size: 2, applicationName: 'bench' });
  try {
    const { orgId, schema } = benchOrg;
    const { sourceUuid } = await registerSource(
      { pool, databaseUrl, log: { info: () => undefined } },
      { orgId, clusterId: payload.clusterId, name: benchClusterName },
    );
    await setTagKeys(pool, schema, enabledTagKeys, true);
    if (hasCostModel) {
      const model = readCostModel(JSON.stringify(benchCostModel), 'json', 'benchmark');
      const sources = [{ sourceUuid, clusterId: payload.clusterId }];
      await applyModel(pool, schema, model, { source: 'benchmark', sources, move: false });
    }
    const objectStore = openObjectStore({ url: config.OBJECT_STORE ?? '', s3: { endpoint: undefined } });
    const deps = { pool, databaseUrl, objectStore, config, now: clock(config) };
    await ensurePartitions(deps, { schema, months: [benchMonth as BillingMonth] });
  } finally {
    await pool.end();
  }
}

async function ingest(
  client: Client,
  config: Config,
  databaseUrl: string,
  payload: CachedPayload,
): Promise<{ totalMs: number; costMs: number; result: IngestManifestResult }> {
  const pool = openPool({ url: databaseUrl, size: 2, applicationName: 'bench' });
  try {
    const objectStore = openObjectStore({ url: config.OBJECT_STORE ?? '', s3: { endpoint: undefined } });
    const { handle } = await startRun(
      { client, pool, objectStore, config },
      { orgId: benchOrg.orgId, payload: join(payload.directory, payload.archive), again: true },
    );
    const result = await handle.result();
    const { startTime, closeTime } = await handle.describe();
    const costMs = await stepMs(handle, 'applyCostModel');
    return { totalMs: (closeTime?.getTime() ?? NaN) - startTime.getTime(), costMs, result };
  } finally {
    await pool.end();
  }
}

/**
 * Label keys and sets that OCP_MAX_NEW_LABEL_KEYS and OCP_MAX_NEW_LABEL_SETS kept out: shapes stay within the defaults.
 */
async function labelsLeftOut(observer: ClientBase): Promise<number> {
  const { rows } = await observer.query<{ count: string }>(
    `select coalesce(sum(left_out_label_keys + reduced_label_sets), 0) as count from ${benchOrg.schema}.ocp_piece`,
  );
  return Number(rows[0]?.count);
}

function requireWhole(
  result: IngestManifestResult & { labelsLeftOut: number },
  payload: CachedPayload,
): void {
  const found = {
    outcome: result.outcome,
    rowCount: result.rowCount,
    rowsLoaded: result.rowsLoaded,
    rejectedRowCount: result.rejectedRowCount,
    daysSummarised: result.daysSummarised,
    validationWarnings: result.validationWarningCount,
    warnings: result.warnings,
    labelsLeftOut: result.labelsLeftOut,
  };
  const { rowCount, shape } = payload;
  const expected: typeof found = {
    outcome: 'completed',
    rowCount,
    rowsLoaded: rowCount,
    rejectedRowCount: 0,
    daysSummarised: shape.dayCount,
    validationWarnings: 0,
    warnings: [],
    labelsLeftOut: 0,
  };
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(
      `the run went wrong: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`,
    );
}
