import { setMaxListeners } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { standardOutput } from '../cli/output.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { packageRoot } from '../platform/config/package-root.ts';
import { connectClient, localTemporal } from '../platform/temporal/connection.ts';
import { createTemplate } from './databases.ts';
import type { Bench } from './measure.ts';
import { createProgress } from './progress.ts';
import type { Progress } from './progress.ts';
import { chart } from './report/chart.ts';
import { withResults } from './report/document.ts';
import { textReport, verdictRows } from './report/text.ts';
import { loadAverage, mergeResults, readCircumstances, readResults, wasBusy, writeText } from './results.ts';
import type { Circumstances, Results } from './results.ts';
import { startServers } from './servers.ts';

/** Options of every measurement. */
export interface BenchOptions {
  runs: number;
  seed: number;
  /** print the results as JSON */
  json: boolean;
  /** exit code 1 when a target is missed */
  check: boolean;
  /** put the results over the published ones and into the document */
  publish: boolean;
}

/** Measures something; each part of the results is kept as soon as it is there. */
export type Measurement = (bench: Bench, circumstances: Circumstances) => AsyncIterable<Results>;

const dataDirectory = join(packageRoot, '.data', 'bench');
const workDirectory = join(dataDirectory, 'work');
const resultsDirectory = join(packageRoot, 'bench', 'results');
const documentPath = join(packageRoot, 'docs', 'performance.md');

/** Generated payloads are kept here, because making them takes longer than most measurements. */
export const payloadDirectory = join(dataDirectory, 'payloads');

/** Start servers, measure, write and print what was found. @returns exit code */
export async function runBench(options: BenchOptions, measurement: Measurement): Promise<number> {
  const output = standardOutput(options);
  const progress = createProgress(output.terminal);
  let results: Results = { shapes: {} };
  try {
    for await (const part of measured(options, progress, measurement)) {
      results = mergeResults(results, part);
      await writeResults('latest', results);
      // Part by part: everything together takes most of an hour.
      if (options.publish) await publish(part);
    }
  } finally {
    progress.end();
  }
  output.result(textReport(results), results);
  const missed = verdictRows(results).some(({ verdict }) => !verdict.met);
  return options.check && missed ? 1 : 0;
}

async function* measured(
  { seed, runs: runCount }: BenchOptions,
  progress: Progress,
  measurement: Measurement,
): AsyncGenerator<Results> {
  const signal = stopSignal();
  // Every run of a long measurement listens to it.
  setMaxListeners(0, signal);
  const load = loadAverage();
  progress.step('starting PostgreSQL and Temporal');
  const servers = await startServers(join(dataDirectory, 'servers'), progress.say);
  try {
    const circumstances = await readCircumstances(servers, { seed, runCount, loadAverage: load });
    if (wasBusy(circumstances))
      progress.say(
        `this machine is busy (load ${load.toFixed(1)} on ${circumstances.cores} cores): take no decision by these figures`,
      );
    await createTemplate(servers);
    const client = await connectClient(localTemporal(servers.temporalAddress));
    try {
      const bench = { servers, client, workDirectory, payloadDirectory, seed, runCount, progress, signal };
      yield* measurement(bench, circumstances);
    } finally {
      await client.connection.close();
    }
  } finally {
    await servers.stop();
    await rm(workDirectory, { recursive: true, force: true });
  }
}

async function writeResults(name: string, results: Results): Promise<void> {
  await writeText(join(resultsDirectory, `${name}.json`), `${JSON.stringify(results, undefined, 1)}\n`);
  await writeText(join(resultsDirectory, `${name}.svg`), chart(results));
}

async function publish(results: Results): Promise<void> {
  const published = mergeResults(await readResults(join(resultsDirectory, 'published.json')), results);
  await writeResults('published', published);
  await writeFile(documentPath, withResults(await readFile(documentPath, 'utf8'), published));
}
