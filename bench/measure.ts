import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { createMigratedDatabase, dropDatabase } from './databases.ts';
import { figuresOf, growthFigures, medianFigures } from './figures.ts';
import type { Figures, GrowthFigures, GrowthRun, MeasuredRun } from './figures.ts';
import { measureFloor } from './floor/floor.ts';
import { cachedPayload } from './payload/cache.ts';
import type { CachedPayload } from './payload/cache.ts';
import { laterShapes, shapes } from './payload/shapes.ts';
import type { ShapeName } from './payload/shapes.ts';
import { runPipeline } from './pipeline-run.ts';
import type { PipelineRun } from './pipeline-run.ts';
import type { Progress } from './progress.ts';
import type { BenchServers } from './servers.ts';
import { judge, judgeLater } from './targets.ts';
import type { Verdict } from './targets.ts';

/** A shape's figures and what they were made from. */
export interface MeasuredShape {
  payload: Pick<CachedPayload, 'rowCount' | 'csvBytes' | 'podLabelSetCount' | 'podGroupCount'> & {
    dayCount: number;
    archiveFileCount: number;
  };
  median: Figures;
  /** a payload that the same tenant loads afterwards, where the shape has one */
  later?: { shape: ShapeName; median: GrowthFigures };
  verdicts: Verdict[];
  runs: (MeasuredRun & { figures: Figures; later?: GrowthRun })[];
}

/** What all measurements share. */
export interface Bench {
  servers: BenchServers;
  client: Client;
  /** for objects and logs of the present run */
  workDirectory: string;
  payloadDirectory: string;
  seed: number;
  runCount: number;
  progress: Progress;
  /** aborted when the user wants to stop */
  signal: AbortSignal;
}

const database = { run: 'bench_run', empty: 'bench_empty' };

/**
 * Measure a shape: so many times the floor and right after it the workflow, each in a fresh database of the same
 * server. The payload's files have been read before, so both sides find them in the page cache, and a checkpoint
 * precedes each.
 */
export async function measureShape(bench: Bench, name: ShapeName): Promise<MeasuredShape> {
  const payload = await payloadOf(bench, name);
  const { dayCount } = shapes[name];
  const later = laterShapes[name];
  const runs: MeasuredShape['runs'] = [];
  for (let run = 1; run <= bench.runCount; run += 1) {
    const title = `${name}, run ${run} of ${bench.runCount}`;
    begin(bench, `${title}: floor`);
    const floor = await measureFloor(bench.servers, payload, bench.signal);
    begin(bench, `${title}: workflow`);
    const databaseUrl = await createMigratedDatabase(bench.servers, database.run);
    const pipeline = await runIn(bench, databaseUrl, payload, 'hasCostModel' in shapes[name]);
    const figures = figuresOf({ floor, pipeline }, dayCount);
    const afterwards = later === undefined ? {} : { later: await runLater(bench, title, databaseUrl, later) };
    runs.push({ floor, pipeline, figures, ...afterwards });
    await dropDatabase(bench.servers, database.run);
  }
  return measuredShape(name, payload, runs);
}

async function payloadOf(bench: Bench, name: ShapeName): Promise<CachedPayload> {
  return cachedPayload(bench.payloadDirectory, { shape: shapes[name], seed: bench.seed }, () => {
    bench.progress.step(`${name}: generating the payload`);
  });
}

function begin(bench: Bench, step: string): void {
  bench.signal.throwIfAborted();
  bench.progress.step(step);
}

async function runIn(
  bench: Bench,
  databaseUrl: string,
  payload: CachedPayload,
  hasCostModel = false,
): Promise<PipelineRun> {
  const { servers, client, signal } = bench;
  return runPipeline(
    { servers, client, databaseUrl, directory: join(bench.workDirectory, 'run'), signal, hasCostModel },
    payload,
  );
}

/** Run another payload of the tenant on empty tables, and in the database that holds the shape's payload already. */
async function runLater(bench: Bench, title: string, full: string, later: ShapeName): Promise<GrowthRun> {
  const payload = await payloadOf(bench, later);
  begin(bench, `${title}: ${later} on empty tables`);
  const empty = await runIn(bench, await createMigratedDatabase(bench.servers, database.empty), payload);
  begin(bench, `${title}: ${later} afterwards`);
  const run = { empty, full: await runIn(bench, full, payload) };
  await dropDatabase(bench.servers, database.empty);
  return run;
}

function measuredShape(name: ShapeName, payload: CachedPayload, runs: MeasuredShape['runs']): MeasuredShape {
  const median = medianFigures(runs.map(({ figures }) => figures));
  const shape = laterShapes[name];
  const later =
    shape === undefined
      ? undefined
      : { shape, median: growthFigures(runs.flatMap((run) => run.later ?? [])) };
  const { rowCount, csvBytes, podLabelSetCount, podGroupCount } = payload;
  return {
    payload: {
      rowCount,
      csvBytes,
      podLabelSetCount,
      podGroupCount,
      dayCount: shapes[name].dayCount,
      archiveFileCount: payload.files.length,
    },
    median,
    ...(later === undefined ? {} : { later }),
    verdicts: [...judge(name, median), ...(later === undefined ? [] : judgeLater(later.shape, later.median))],
    runs,
  };
}
