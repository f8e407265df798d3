import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { createMigratedDatabase, dropDatabase } from './databases.ts';
import { figuresOf, medianFigures } from './figures.ts';
import type { Figures, MeasuredRun } from './figures.ts';
import { measureFloor } from './floor/floor.ts';
import { cachedPayload } from './payload/cache.ts';
import type { CachedPayload } from './payload/cache.ts';
import { shapes } from './payload/shapes.ts';
import type { ShapeName } from './payload/shapes.ts';
import { runPipeline } from './pipeline-run.ts';
import type { Progress } from './progress.ts';
import type { BenchServers } from './servers.ts';
import { judge } from './targets.ts';
import type { Verdict } from './targets.ts';

/** A shape's figures and what they were made from. */
export interface MeasuredShape {
  payload: Pick<CachedPayload, 'rowCount' | 'csvBytes' | 'podLabelSetCount' | 'podGroupCount'> & {
    dayCount: number;
    archiveFileCount: number;
  };
  median: Figures;
  verdicts: Verdict[];
  runs: (MeasuredRun & { figures: Figures })[];
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

const database = 'bench_run';

/**
 * Measure a shape: so many times the floor and right after it the workflow, each in a fresh database of the same server.
 * The payload's files have been read before, so both sides find them in the page cache, and a checkpoint precedes each.
 */
export async function measureShape(bench: Bench, name: ShapeName): Promise<MeasuredShape> {
  const shape = shapes[name];
  const { progress, servers, client, workDirectory, runCount } = bench;
  const payload = await cachedPayload(bench.payloadDirectory, { shape, seed: bench.seed }, () => {
    progress.step(`${name}: generating the payload`);
  });
  const runs: MeasuredShape['runs'] = [];
  for (let run = 1; run <= runCount; run += 1) {
    const title = `${name}, run ${run} of ${runCount}`;
    bench.signal.throwIfAborted();
    progress.step(`${title}: floor`);
    const floor = await measureFloor(servers, payload, bench.signal);
    bench.signal.throwIfAborted();
    progress.step(`${title}: workflow`);
    const databaseUrl = await createMigratedDatabase(servers, database);
    const directory = join(workDirectory, 'run');
    const pipeline = await runPipeline(
      { servers, client, databaseUrl, directory, signal: bench.signal },
      payload,
    );
    await dropDatabase(servers, database);
    runs.push({ floor, pipeline, figures: figuresOf({ floor, pipeline }, shape.dayCount) });
  }
  const median = medianFigures(runs.map(({ figures }) => figures));
  const { rowCount, csvBytes, podLabelSetCount, podGroupCount } = payload;
  return {
    payload: {
      rowCount,
      csvBytes,
      podLabelSetCount,
      podGroupCount,
      dayCount: shape.dayCount,
      archiveFileCount: payload.files.length,
    },
    median,
    verdicts: judge(name, median),
    runs,
  };
}
