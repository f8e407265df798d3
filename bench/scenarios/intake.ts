import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ingestWorkflowId } from '../../domain/run/run.ts';
import { createToken } from '../../platform/tenants/credentials.ts';
import type { ingestManifest } from '../../workflows/index.ts';
import { benchOrg } from '../databases.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { benchMonth, benchNow } from '../payload/shapes.ts';
import { peakRssBytes } from '../process-figures.ts';
import { memoryVerdict } from '../targets.ts';
import { startServe, startWorker } from '../worker-process.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { withFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { startBucket } from './bucket.ts';
import { inMegabytes, inSeconds } from './scenario.ts';
import type { MeasuredScenario } from './scenario.ts';
import { uploadBytes, uploadFile } from './uploads.ts';
import type { Sender, Upload } from './uploads.ts';

const megabyte = 1_000_000;
/** What memory is measured with: one body as large as the default limit allows, and ten large ones at the same time. */
const large = [
  { count: 1, byteCount: 500 * megabyte },
  { count: 10, byteCount: 100 * megabyte },
] as const;
const sourceCount = 20;
/** Nodes and pods of each of the twenty sources: the fourth size of customer has 346 nodes in 23 clusters. */
const nodeCount = 15;
const podCount = 150;

/** A row of the table. */
interface IntakeFigures {
  what: string;
  store: string;
  /** from the first byte sent to the last answer */
  uploadMs: number;
  /** of the longest upload */
  longestUploadMs: number;
  /** from the first byte sent to the close of the last run; undefined: no runs */
  totalMs: number | undefined;
  servePeakRssBytes: number;
}

/** Large uploads to `serve`, for its memory; then a day of twenty sources at once, with one worker and with two. */
export async function measureIntake(bench: Bench): Promise<MeasuredScenario> {
  const payloads = await dayOfSources(bench);
  const plan = {
    now: benchNow,
    clusterIds: payloads.map(({ clusterId }) => clusterId),
    months: [benchMonth],
  };
  const figures: IntakeFigures[] = [];
  for (const { count, byteCount } of large)
    for (const store of ['folder', 'bucket'] as const) {
      const what = `${count} of ${byteCount / megabyte} MB at once`;
      bench.progress.step(`intake: ${what}, ${store}`);
      const measured = await withFleet(bench, plan, (fleet) =>
        withStore(bench, fleet, store, (environment) =>
          largeUploads(bench, { ...fleet, environment }, count, byteCount),
        ),
      );
      if (measured !== undefined) figures.push({ what, store, ...measured });
    }
  for (const workers of [1, 2]) {
    const what = `${sourceCount} sources, ${workers === 1 ? '1 worker' : `${workers} workers`}`;
    bench.progress.step(`intake: ${what}`);
    const measured = await withFleet(bench, plan, (fleet) => sourcesAtOnce(bench, fleet, payloads, workers));
    figures.push({ what, store: 'folder', ...measured });
  }
  const seconds = (ms: number | undefined) => (ms === undefined ? '' : inSeconds(ms));
  return {
    title:
      'Uploads to serve at once, into a folder and into a bucket of versitygw; each of the sources sends a day of ' +
      `${nodeCount} nodes and ${podCount} pods:`,
    head: ['uploads', 'store', 'answered after s', 'longest s', 'summarised after s', 'peak RSS of serve MB'],
    rows: figures.map(({ what, store, uploadMs, longestUploadMs, totalMs, servePeakRssBytes }) => [
      what,
      store,
      seconds(uploadMs),
      seconds(longestUploadMs),
      seconds(totalMs),
      inMegabytes(servePeakRssBytes),
    ]),
    verdicts: figures.map(({ what, store, servePeakRssBytes }) =>
      memoryVerdict(servePeakRssBytes, `, ${what}, ${store}`, 'peak memory of serve'),
    ),
    figures,
  };
}

type Measured = Omit<IntakeFigures, 'what' | 'store'>;

/** @returns undefined when there is no S3 server to measure with */
async function withStore(
  bench: Bench,
  { environment, directory }: Fleet,
  store: 'folder' | 'bucket',
  work: (environment: Readonly<Record<string, string>>) => Promise<Measured>,
): Promise<Measured | undefined> {
  if (store === 'bucket') {
    const bucket = await startBucket(bench.servers, join(directory, 'bucket'));
    if (bucket === undefined) return undefined;
    try {
      return await work({ ...environment, ...bucket.environment });
    } finally {
      await bucket.stop();
    }
  }
  const objects = join(directory, 'uploads');
  try {
    return await work({ ...environment, OBJECT_STORE: pathToFileURL(objects).href });
  } finally {
    await rm(objects, { recursive: true, force: true });
  }
}

async function withServe<T>(
  bench: Bench,
  { environment, directory, pool }: Fleet,
  work: (sender: Sender, serving: WorkerProcess) => Promise<T>,
): Promise<T> {
  const { secret } = await createToken(pool, { orgId: benchOrg.orgId });
  const serving = await startServe(bench.servers, { ...environment }, join(directory, 'serve.log'));
  try {
    return await Promise.race([work({ port: serving.port, token: secret }, serving), serving.failed]);
  } finally {
    await serving.stop();
  }
}

function largeUploads(bench: Bench, fleet: Fleet, count: number, byteCount: number): Promise<Measured> {
  return withServe(bench, fleet, async (sender, serving) => {
    const startedAt = performance.now();
    const sent = await Promise.all(Array.from({ length: count }, () => uploadBytes(sender, byteCount)));
    return { ...(await figuresOf(sent, startedAt, serving)), totalMs: undefined };
  });
}

async function figuresOf(sent: readonly Upload[], startedAt: number, serving: WorkerProcess) {
  return {
    uploadMs: performance.now() - startedAt,
    longestUploadMs: Math.max(...sent.map(({ ms }) => ms)),
    servePeakRssBytes: (await peakRssBytes(serving.pid)) ?? NaN,
  };
}

async function sourcesAtOnce(
  bench: Bench,
  fleet: Fleet,
  payloads: readonly CachedPayload[],
  workers: number,
): Promise<Measured> {
  const further: WorkerProcess[] = [];
  // The fleet has one worker already.
  for (let number = 2; number <= workers; number += 1)
    further.push(
      await startWorker(
        bench.servers,
        { ...fleet.environment },
        join(fleet.directory, `worker-${number}.log`),
      ),
    );
  try {
    return await withServe(bench, fleet, async (sender, serving) => {
      const startedAt = performance.now();
      const sent = await Promise.all(
        payloads.map(({ directory, archive }) => uploadFile(sender, join(directory, archive))),
      );
      const uploaded = await figuresOf(sent, startedAt, serving);
      const results = await Promise.all(
        sent.map(({ requestId }) =>
          bench.client.workflow
            .getHandle<typeof ingestManifest>(ingestWorkflowId(benchOrg.orgId, requestId))
            .result(),
        ),
      );
      const totalMs = performance.now() - startedAt;
      const rowCount = results.reduce((sum, { rowsLoaded }) => sum + rowsLoaded, 0);
      const expected = payloads.reduce((sum, payload) => sum + payload.rowCount, 0);
      if (rowCount !== expected) throw new Error(`rows were lost: expected ${expected}, found ${rowCount}`);
      return { ...uploaded, totalMs };
    });
  } finally {
    for (const worker of further) await worker.stop();
  }
}

async function dayOfSources(bench: Bench): Promise<CachedPayload[]> {
  const payloads: CachedPayload[] = [];
  for (let source = 0; source < sourceCount; source += 1)
    payloads.push(
      await cachedPayload(
        bench.payloadDirectory,
        { shape: { nodeCount, podCount, dayCount: 1 }, seed: bench.seed * 1_000 + source },
        () => {
          bench.progress.step(`intake: generating the day of source ${source + 1} of ${sourceCount}`);
        },
      ),
    );
  return payloads;
}
