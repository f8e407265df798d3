import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ensurePartitions } from '../../activities/ensure-partitions.ts';
import { startRun } from '../../intake/start-run.ts';
import type { IntakeDeps } from '../../intake/accept-payload.ts';
import { aborted } from '../../cli/stop-signal.ts';
import { msPerDay } from '../../domain/time/usage-day.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { openPool } from '../../platform/database/database.ts';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { inParallel } from '../../workflows/in-parallel.ts';
import { benchOrg, createMigratedDatabase, dropDatabase } from '../databases.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { benchNow, enabledTagKeys, lastDay, shapes } from '../payload/shapes.ts';
import type { Shape, ShapeName } from '../payload/shapes.ts';
import { cpuMs, forgetPeakRss, processMemory } from '../process-figures.ts';
import { startWorker } from '../worker-process.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { sampleText } from './soak-text.ts';
import { askMemory, probeOptions } from './worker-memory.ts';
import type { ThreadMemory } from './worker-memory.ts';
import { readWorkerMetrics } from './worker-metrics.ts';

/** How a soak is made. */
export interface SoakOptions {
  payloads: number;
  /** runs under way at a time */
  atOnce: number;
  /** clusters that the payloads are of, in turn, each with one more day of its own */
  sources: number;
  /** payloads between two samples */
  every: number;
  shape: SoakShape;
  /** collect the worker's garbage before each sample: shows what is held, and bends the curve of what is resident */
  collect: boolean;
}

/** Sizes of the payloads: `tiny` is the least that the generator can make a cluster of. */
export type SoakShape = ShapeName | 'tiny';

export const soakShapes: Readonly<Record<SoakShape, Shape>> = {
  tiny: { nodeCount: 4, podCount: 6, dayCount: 1 },
  ...shapes,
};

/** Under which a soak is kept among the results. */
export function soakName({ shape, payloads, atOnce, collect }: SoakOptions): string {
  return `${payloads} ${shape}, ${atOnce} at once${collect ? ', collected' : ''}`;
}

/** The worker after a number of payloads, while no run is under way. Memory in bytes. */
export interface SoakSample {
  payloadCount: number;
  /** since the first payload */
  seconds: number;
  cpuMs: number;
  rssBytes: number;
  /** most since the sample before */
  peakRssBytes: number;
  /** most that a look every second since the sample before found cached, and of workflow heap in use */
  maxCachedRunCount: number;
  maxWorkflowHeapUsedBytes: number;
  heapUsedBytes: number;
  heapBytes: number;
  /** buffers and the like outside of the heap, which it refers to */
  externalBytes: number;
  /** heap of the threads that run workflow code, together */
  workflowHeapUsedBytes: number;
  workflowHeapBytes: number;
  workflowThreadCount: number;
  /** sockets, timers and the like */
  resourceCount: number;
  /** runs that the worker keeps between two of their tasks */
  cachedRunCount: number;
  /** lines of its metrics */
  metricSeriesCount: number;
}

/** A worker that many payloads went through. */
export interface MeasuredSoak extends SoakOptions {
  rowsPerPayload: number;
  samples: SoakSample[];
}

const database = 'bench_soak';
/** Between two looks at what is only there while runs are under way. */
const watchMs = 1_000;
/** Days back from the last one that are within the retention months of the program's clock. */
const maxDays = 90;

/** Let many payloads go through one worker, started as the image starts it, and look at its memory again and again. */
export async function measureSoak(bench: Bench, options: SoakOptions): Promise<MeasuredSoak> {
  const { servers, client, progress, signal } = bench;
  if (options.payloads > options.sources * maxDays)
    throw new Error(
      `--sources: expected at least ${Math.ceil(options.payloads / maxDays)} for ${options.payloads} payloads, ` +
        `a day each, found ${options.sources}`,
    );
  const directory = join(bench.workDirectory, 'soak');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const databaseUrl = await createMigratedDatabase(servers, database);
  const environment = {
    OCP_NOW: benchNow,
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
    progress.step('soak: preparing');
    const rowsPerPayload = await prepare(bench, options, deps, databaseUrl);
    const { worker, metricsAddress } = await startOnFreePorts([0], async ([port = 0]) => {
      const address = `127.0.0.1:${port}`;
      const settings = { ...environment, OCP_METRICS_ADDRESS: address };
      const started = await startWorker(servers, settings, join(directory, 'worker.log'), probeOptions);
      return { worker: started, metricsAddress: address };
    });
    try {
      const stopped = aborted(signal).then(() => Promise.reject(signal.reason as Error));
      const work = soak(bench, options, deps, { worker, metricsAddress });
      return { ...options, rowsPerPayload, samples: await Promise.race([work, worker.failed, stopped]) };
    } finally {
      await worker.stop();
    }
  } finally {
    await pool.end();
    await dropDatabase(servers, database);
  }
}

async function prepare(
  bench: Bench,
  options: SoakOptions,
  { pool, objectStore, config }: IntakeDeps,
  databaseUrl: string,
): Promise<number> {
  const { orgId, schema } = benchOrg;
  let rowCount = 0;
  for (let source = 0; source < options.sources; source += 1) {
    const payload = await payloadOf(bench, options, source);
    await registerSource(
      { pool, databaseUrl, log: { info: () => undefined } },
      { orgId, clusterId: payload.clusterId, name: `soak ${source}` },
    );
    ({ rowCount } = payload);
  }
  await setTagKeys(pool, schema, enabledTagKeys, true);
  const dayCount = Math.ceil(options.payloads / options.sources);
  const days = Array.from({ length: dayCount }, (_, index) => dayBefore(index));
  const months = [...new Set(days.map((day) => day.slice(0, 7) as BillingMonth))];
  await ensurePartitions({ pool, databaseUrl, objectStore, config, now: clock(config) }, { schema, months });
  return rowCount;
}

/** The payload at a place of the soak: clusters take turns, and every turn is one day further back. */
async function payloadOf(bench: Bench, options: SoakOptions, place: number): Promise<CachedPayload> {
  return cachedPayload(bench.payloadDirectory, {
    shape: soakShapes[options.shape],
    seed: bench.seed * 1_000 + (place % options.sources),
    until: dayBefore(Math.floor(place / options.sources)),
  });
}

const dayBefore = (days: number) =>
  new Date(Date.parse(`${lastDay}T00:00:00Z`) - days * msPerDay).toISOString().slice(0, 10);

interface Observed {
  worker: WorkerProcess;
  metricsAddress: string;
}

/** What was most while runs were under way. */
type Watched = Pick<SoakSample, 'maxCachedRunCount' | 'maxWorkflowHeapUsedBytes'>;

async function soak(
  bench: Bench,
  options: SoakOptions,
  deps: IntakeDeps,
  observed: Observed,
): Promise<SoakSample[]> {
  const { progress, signal } = bench;
  const startedAt = performance.now();
  const samples = [
    await takeSample(observed, options.collect, { payloadCount: 0, seconds: 0, ...nothingWatched }),
  ];
  for (let done = 0; done < options.payloads;) {
    const until = Math.min(done + options.every, options.payloads);
    progress.step(`soak: payload ${done + 1} to ${until} of ${options.payloads}`);
    await forgetPeakRss(observed.worker.pid);
    const endWatch = watch(observed);
    const places = Array.from({ length: until - done }, (_, index) => done + index);
    await inParallel(places, options.atOnce, async (place) => {
      signal.throwIfAborted();
      await ingest(deps, await payloadOf(bench, options, place));
    }).finally(endWatch);
    done = until;
    const seconds = (performance.now() - startedAt) / 1_000;
    const at = { payloadCount: done, seconds, ...(await endWatch()) };
    const sample = await takeSample(observed, options.collect, at);
    samples.push(sample);
    progress.say(sampleText(sample));
  }
  return samples;
}

const nothingWatched: Watched = { maxCachedRunCount: 0, maxWorkflowHeapUsedBytes: 0 };

/** Look now and again until told to end. @returns ends it; what was most */
function watch({ worker, metricsAddress }: Observed): () => Promise<Watched> {
  const end = new AbortController();
  const watching = (async () => {
    const most = { ...nothingWatched };
    while (!end.signal.aborted) {
      const { cachedRunCount } = await readWorkerMetrics(metricsAddress);
      const { threads } = await askMemory(worker.child, false);
      most.maxCachedRunCount = Math.max(most.maxCachedRunCount, cachedRunCount);
      most.maxWorkflowHeapUsedBytes = Math.max(
        most.maxWorkflowHeapUsedBytes,
        sumOf(threads, 'heapUsedBytes'),
      );
      await setTimeout(watchMs, undefined, { signal: end.signal }).catch(() => undefined);
    }
    return most;
  })();
  return async () => {
    end.abort();
    return watching;
  };
}

const sumOf = (threads: readonly ThreadMemory[], figure: 'heapUsedBytes' | 'heapBytes') =>
  threads.reduce((sum, thread) => sum + thread[figure], 0);

/** @throws Error when rows are lost or refused: figures of a wrong result are worth nothing */
async function ingest(deps: IntakeDeps, payload: CachedPayload): Promise<void> {
  const { handle } = await startRun(deps, {
    orgId: benchOrg.orgId,
    payload: join(payload.directory, payload.archive),
  });
  const { outcome, rowsLoaded } = await handle.result();
  if (outcome !== 'completed' || rowsLoaded !== payload.rowCount)
    throw new Error(
      `a run of the soak went wrong: expected ${payload.rowCount} rows, found ${rowsLoaded} (${outcome})`,
    );
}

async function takeSample(
  { worker, metricsAddress }: Observed,
  collect: boolean,
  at: Pick<SoakSample, 'payloadCount' | 'seconds'> & Watched,
): Promise<SoakSample> {
  const [resident, answer, metrics, cpu] = [
    await processMemory(worker.pid),
    await askMemory(worker.child, collect),
    await readWorkerMetrics(metricsAddress),
    await cpuMs(worker.pid),
  ];
  if (resident === undefined || cpu === undefined)
    throw new Error('a soak reads /proc, which this system does not have');
  return {
    ...at,
    cpuMs: cpu,
    ...resident,
    heapUsedBytes: answer.main.heapUsedBytes,
    heapBytes: answer.main.heapBytes,
    externalBytes: answer.main.externalBytes,
    workflowHeapUsedBytes: sumOf(answer.threads, 'heapUsedBytes'),
    workflowHeapBytes: sumOf(answer.threads, 'heapBytes'),
    workflowThreadCount: answer.threads.length,
    resourceCount: answer.resources.length,
    ...metrics,
  };
}
