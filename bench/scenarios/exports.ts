import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { packageRoot } from '../../platform/config/package-root.ts';
import { openPool } from '../../platform/database/database.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { workerEnvironment, workerNodeOptions } from '../../workers/memory.ts';
import { benchOrg, createMigratedDatabase, dropDatabase, onDatabase } from '../databases.ts';
import type { Bench } from '../measure.ts';
import { benchNow } from '../payload/shapes.ts';
import { memoryVerdict } from '../targets.ts';
import { fillCostedMonth } from './costed-month.ts';
import { inMegabytes, inSeconds, wholeNumber } from './scenario.ts';
import type { MeasuredScenario } from './scenario.ts';

const month = billingMonth('2026-10');
/** A hundred thousand lines and a million: memory that grew with lines would be told from memory that does not. */
const clusters = { tenth: 280, million: 3_150 } as const;
/** Of a process that ends after some minutes, where a worker has 300. */
const maxMemoryMegabytes = 400;
const formats = ['csv', 'parquet'] as const;

/** One export, in a process of its own. */
interface ExportFigures {
  format: (typeof formats)[number];
  lineCount: number;
  totalMs: number;
  fileBytes: number;
  peakRssBytes: number;
}

/** Printed by the process itself when it ends: nobody can look at it afterwards. */
const tellPeak = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak KB '+process.resourceUsage().maxRSS))`;

/** Export a month of 31 days to CSV and Parquet: 100,000 lines and a million. */
export async function measureExports(bench: Bench): Promise<MeasuredScenario> {
  const databaseUrl = await createMigratedDatabase(bench.servers, 'bench_exports');
  await fill(bench, databaseUrl);
  await onDatabase(databaseUrl, (client) => client.query('vacuum (analyze)'));
  const figures: ExportFigures[] = [];
  for (const clusterId of Object.keys(clusters))
    for (const format of formats) figures.push(await exported(bench, databaseUrl, clusterId, format));
  await dropDatabase(bench.servers, 'bench_exports');
  return {
    title: 'Exports of a month in FOCUS format, each by a process of its own:',
    head: ['format', 'lines', 's', 'file MB', 'peak RSS MB'],
    rows: figures.map(({ format, lineCount, totalMs, fileBytes, peakRssBytes }) => [
      format,
      wholeNumber(lineCount),
      inSeconds(totalMs),
      inMegabytes(fileBytes),
      inMegabytes(peakRssBytes),
    ]),
    verdicts: figures.map(({ format, lineCount, peakRssBytes }) =>
      memoryVerdict(
        peakRssBytes,
        `, ${format}, ${wholeNumber(lineCount)} lines`,
        'peak memory of an export',
        maxMemoryMegabytes,
      ),
    ),
    figures,
  };
}

async function fill({ progress, signal }: Bench, databaseUrl: string): Promise<void> {
  const pool = openPool({ url: databaseUrl, size: 2, applicationName: 'bench' });
  try {
    for (const [clusterId, rowsPerDay] of Object.entries(clusters)) {
      signal.throwIfAborted();
      progress.step(`exports: filling a month with ${rowsPerDay} rows a day`);
      const { sourceUuid } = await registerSource(
        { pool, databaseUrl, log: { info: () => undefined } },
        { orgId: benchOrg.orgId, clusterId, name: clusterId },
      );
      await fillCostedMonth(pool, { schema: benchOrg.schema, sourceUuid, clusterId, month, rowsPerDay });
    }
  } finally {
    await pool.end();
  }
}

async function exported(
  { progress, signal, workDirectory }: Bench,
  databaseUrl: string,
  clusterId: string,
  format: ExportFigures['format'],
): Promise<ExportFigures> {
  progress.step(`exports: ${clusterId} as ${format}`);
  await mkdir(workDirectory, { recursive: true });
  const path = join(workDirectory, `export.${format}`);
  const command = ['export', 'focus', '--org', benchOrg.orgId, '--month', month, '--cluster', clusterId];
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...workerNodeOptions,
      '--import',
      tellPeak,
      join(packageRoot, 'dist', 'cli', 'main.js'),
      ...command,
      '-o',
      path,
      '--json',
    ],
    {
      env: { PATH: process.env['PATH'], ...workerEnvironment, DATABASE_URL: databaseUrl, OCP_NOW: benchNow },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    },
  );
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const totalMs = performance.now() - startedAt;
  if (child.exitCode !== 0) throw new Error(`the export of ${clusterId} failed: ${errors}`);
  const { size: fileBytes } = await stat(path);
  await rm(path);
  return {
    format,
    lineCount: (JSON.parse(output) as { rows: number }).rows,
    totalMs,
    fileBytes,
    peakRssBytes: Number(/peak KB (\d+)/.exec(errors)?.[1]) * 1_024,
  };
}
