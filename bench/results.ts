import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../platform/config/package-root.ts';
import { onDatabase } from './databases.ts';
import type { MeasuredGrowth } from './growth/measure-growth.ts';
import type { MeasuredShape } from './measure.ts';
import { generatorVersion } from './payload/generate.ts';
import { shapeNames } from './payload/shapes.ts';
import type { ShapeName } from './payload/shapes.ts';
import type { MeasuredScenario, ScenarioName } from './scenarios/scenario.ts';
import { postgresSettings } from './servers.ts';
import type { BenchServers } from './servers.ts';
import type { MeasuredSettings } from './settings/measure-settings.ts';
import type { MeasuredSoak } from './soak/soak.ts';

/** When, where and from what a figure comes. */
export interface Circumstances {
  measuredAt: string;
  /** with `+` when the work tree had changes */
  commit: string;
  seed: number;
  generatorVersion: number;
  runCount: number;
  cores: number;
  processor: string;
  memoryBytes: number;
  platform: string;
  node: string;
  postgres: string;
  postgresSettings: Readonly<Record<string, string>>;
  /** processes that wanted a core when the benchmark began, mean of a minute */
  loadAverage: number;
}

/** What was measured, by shape; each with its circumstances, because shapes can be measured again one by one. */
export interface Results {
  shapes: Partial<Record<ShapeName, MeasuredShape & { circumstances: Circumstances }>>;
  growth?: MeasuredGrowth & { circumstances: Circumstances };
  /** by the shape that was loaded */
  settings?: Partial<Record<ShapeName, MeasuredSettings & { circumstances: Circumstances }>>;
  /** several, because they differ in how many runs are under way at a time */
  soaks?: Record<string, MeasuredSoak & { circumstances: Circumstances }>;
  scenarios?: Partial<Record<ScenarioName, MeasuredScenario & { circumstances: Circumstances }>>;
}

const run = promisify(execFile);

/** Look at the machine, before anything is measured on it. */
export async function readCircumstances(
  servers: BenchServers,
  options: { seed: number; runCount: number; loadAverage: number },
): Promise<Circumstances> {
  const [processor] = cpus();
  const postgres = await onDatabase(servers.databaseUrl('postgres'), async (client) => {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version ?? '';
  });
  return {
    measuredAt: new Date().toISOString(),
    commit: await commitOf(),
    generatorVersion,
    cores: cpus().length,
    processor: processor?.model ?? 'unknown',
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres,
    postgresSettings,
    ...options,
  };
}

/** Mean number of processes that wanted a core during the last minute. */
export function loadAverage(): number {
  return loadavg()[0] ?? NaN;
}

/** Was the machine busy with something else? Then the figures say little. */
export function wasBusy({ loadAverage: load, cores }: Circumstances): boolean {
  return load > cores / 2;
}

async function commitOf(): Promise<string> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: packageRoot })).stdout.trim();
  try {
    const changed = await git('status', '--porcelain', '--untracked-files=no');
    return `${await git('rev-parse', '--short=10', 'HEAD')}${changed === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}

/** Results of a file; none when there is no such file. */
export async function readResults(path: string): Promise<Results> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? { shapes: {} } : (JSON.parse(text) as Results);
}

/** Put newer results over older ones, shape by shape. */
export function mergeResults(older: Results, newer: Results): Results {
  const growth = newer.growth ?? older.growth;
  const all = { ...older.shapes, ...newer.shapes };
  const shapes: Results['shapes'] = {};
  for (const name of shapeNames) if (all[name] !== undefined) shapes[name] = all[name];
  const settings = { ...older.settings, ...newer.settings };
  const soaks = { ...older.soaks, ...newer.soaks };
  const scenarios = { ...older.scenarios, ...newer.scenarios };
  return {
    shapes,
    ...(growth === undefined ? {} : { growth }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
    ...(Object.keys(soaks).length === 0 ? {} : { soaks }),
    ...(Object.keys(scenarios).length === 0 ? {} : { scenarios }),
  };
}

export async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
