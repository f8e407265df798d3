import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { catalog, startTrinoServer } from '../../test/support/trino-server.ts';
import type { TrinoServer } from '../../test/support/trino-server.ts';
import { benchOrg, createMigratedDatabase, dropDatabase, onDatabase } from '../databases.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { shapes } from '../payload/shapes.ts';
import type { EngineName } from '../../platform/config/config.ts';
import type { ShapeName } from '../payload/shapes.ts';
import { runPipeline } from '../pipeline-run.ts';
import type { PipelineRun } from '../pipeline-run.ts';
import { peakRssBytes } from '../process-figures.ts';
import { postgresSettings } from '../servers.ts';
import { peakPrivateBytes } from './peak-memory.ts';
import { differences, tableSums } from './same-tables.ts';
import type { TableSums } from './same-tables.ts';
import { inMegabytes, inSeconds, wholeNumber } from './scenario.ts';
import type { MeasuredScenario } from './scenario.ts';

/** Of a node for customers of a million rows a day, as docs/trino.md says; the rest is what Trino does by itself. */
const heap = '4g';
const jvmOptions = [`-Xmx${heap}`, '-XX:+UseG1GC', '-XX:ReservedCodeCacheSize=256M'];

/** The first round of a shape warms up: caches, files of the WAL, what Java compiles. The last one counts. */
const roundCount = 2;

type NamedPayload = CachedPayload & { name: ShapeName };

/** One run with one engine. */
interface EngineFigures {
  shape: ShapeName;
  engine: EngineName;
  run: PipelineRun;
  /** rows of line items: staging with its indexes, or Parquet files */
  storedBytes: number;
  /** of all processes of PostgreSQL, beside `shared_buffers` */
  postgresBytes: number;
  /** of Trino, since it started */
  trinoBytes: number | undefined;
}

/** What a run leaves behind. */
interface Left {
  sums: TableSums;
  parquetBytes: number;
}

/**
 * Load each shape with both engines, one right after the other, each into a database of its own on the same server.
 * @throws Error when tables differ by more than a billionth: figures of a wrong result are worth nothing
 */
export async function measureEngines(bench: Bench, names: readonly ShapeName[]): Promise<MeasuredScenario> {
  const figures: EngineFigures[] = [];
  for (const name of names) {
    const request = { shape: shapes[name], seed: bench.seed };
    const payload = await cachedPayload(bench.payloadDirectory, request, () => {
      bench.progress.step(`engines: generating ${name}`);
    });
    figures.push(...(await bothEngines(bench, { ...payload, name })));
  }
  return {
    title:
      `Whole runs with both engines, one after the other; daily relations and summaries are equal to a billionth. ` +
      `Trino 476: one node, ${heap} of heap (-Xmx), lake in a local directory. Each has loaded the shape once before. Aggregate: ` +
      `line items to daily relations and daily summary. Stored: staging with indexes, or Parquet. Memory: peak RSS; ` +
      `of PostgreSQL that of all its processes beside shared_buffers (${postgresSettings.shared_buffers}):`,
    head: [
      'shape',
      'engine',
      'rows',
      'total s',
      'ratio',
      'split s',
      'load or convert s',
      'aggregate s',
      'rest s',
      'worker CPU s',
      'stored MB',
      'WAL MB',
      'worker MB',
      'Trino MB',
      'PostgreSQL MB',
    ],
    rows: figures.map((one) => rowOf(one, figures)),
    verdicts: [],
    figures,
  };
}

function rowOf({ shape, engine, run, ...of }: EngineFigures, all: readonly EngineFigures[]): string[] {
  const { totalMs } = run;
  const { splitting = 0, loading = 0, aggregating = 0 } = run.phaseMs;
  const beside = all.find((other) => other.shape === shape && other.engine === 'postgres');
  return [
    shape,
    engine,
    wholeNumber(run.rowCount),
    inSeconds(totalMs),
    (totalMs / (beside?.run.totalMs ?? NaN)).toFixed(2),
    ...[splitting, loading, aggregating, totalMs - splitting - loading - aggregating].map(inSeconds),
    inSeconds(run.workerCpuMs ?? NaN),
    inMegabytes(of.storedBytes),
    inMegabytes(run.walBytes),
    inMegabytes(run.peakRssBytes ?? NaN),
    of.trinoBytes === undefined ? '–' : inMegabytes(of.trinoBytes),
    inMegabytes(of.postgresBytes),
  ];
}

async function bothEngines(bench: Bench, payload: NamedPayload): Promise<EngineFigures[]> {
  const { name } = payload;
  bench.progress.step(`engines: starting Trino for ${name}`);
  // A server of its own for each shape: memory that Java has taken it does not give back.
  const directory = join(bench.workDirectory, `trino-${name}`);
  await rm(directory, { recursive: true, force: true });
  const trino = await startTrinoServer({
    directory,
    jvmOptions,
    config: {},
    port: 0,
    withoutWorkers: false,
    environment: process.env,
  });
  try {
    await bench.servers.track(trino.identity);
    let figures: EngineFigures[] = [];
    for (let round = 1; round <= roundCount; round += 1) figures = await oneRound(bench, payload, trino);
    return figures;
  } finally {
    await trino.stop();
  }
}

async function oneRound(bench: Bench, payload: NamedPayload, trino: TrinoServer): Promise<EngineFigures[]> {
  const withPostgres = await runWith(bench, payload);
  const withTrino = await runWith(bench, payload, trino);
  const found = differences(withTrino.left.sums, withPostgres.left.sums);
  if (found.length > 0)
    throw new Error(
      `${payload.name}: Trino's tables differ from PostgreSQL's in ${found.length} figures:\n  ` +
        found.slice(0, 20).join('\n  '),
    );
  return [withPostgres.figures, withTrino.figures];
}

async function runWith(
  { servers, client, signal, progress, workDirectory }: Bench,
  { name: shape, ...payload }: NamedPayload,
  trino?: TrinoServer,
): Promise<{ figures: EngineFigures; left: Left }> {
  const engine = trino === undefined ? 'postgres' : 'trino';
  signal.throwIfAborted();
  progress.step(`engines: ${shape} with ${engine}`);
  const database = `bench_engines_${engine}`;
  const databaseUrl = await createMigratedDatabase(servers, database);
  const directory = join(trino?.directory ?? workDirectory, `run_${shape}`);
  const environment = trino === undefined ? { OCP_POSTGRES_PIPELINE: 'true' } : inLake(trino, directory);
  const peak = peakPrivateBytes(servers.postgresPid());
  const run = await runPipeline(
    { servers, client, databaseUrl, directory, signal, environment },
    payload,
  ).finally(() => {
    peak.stop();
  });
  const left = await leftBehind(databaseUrl, engine);
  await dropDatabase(servers, database);
  const storedBytes = engine === 'trino' ? left.parquetBytes : run.grownBytes.staging;
  const trinoBytes = trino === undefined ? undefined : await peakRssBytes(trino.identity.pid);
  return { left, figures: { shape, engine, run, storedBytes, postgresBytes: peak.bytes(), trinoBytes } };
}

/** Objects of the run are where the server sees them; its schema is named like the run. */
function inLake(trino: TrinoServer, directory: string): Record<string, string> {
  const name = basename(directory);
  return {
    OCP_POSTGRES_PIPELINE: 'false',
    TRINO_URL: trino.url,
    TRINO_CATALOG: catalog,
    TRINO_LOCATION: `local:///${name}/objects`,
    TRINO_SCHEMA_PREFIX: `${name}_`,
  };
}

/** @throws Error when another engine than was asked for has done the work */
async function leftBehind(databaseUrl: string, engine: EngineName): Promise<Left> {
  const { schema } = benchOrg;
  return onDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ engines: string[]; parquet_bytes: number }>(
      `select
           array(select distinct engine from ${schema}.ocp_source_month) as engines,
           (select coalesce(sum(byte_count), 0)::float8 from ${schema}.ocp_lake_piece) as parquet_bytes`,
    );
    const engines = rows[0]?.engines.join() ?? '';
    const parquetBytes = rows[0]?.parquet_bytes ?? NaN;
    if (engines !== engine || parquetBytes > 0 !== (engine === 'trino'))
      throw new Error(
        `expected the month to be made by ${engine}, found ${engines || 'no engine'} and ${parquetBytes} bytes of Parquet`,
      );
    return { sums: await tableSums(client, schema), parquetBytes };
  });
}
