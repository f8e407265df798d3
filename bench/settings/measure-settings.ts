import { join } from 'node:path';
import { createMigratedDatabase, dropDatabase, onDatabase } from '../databases.ts';
import { median } from '../figures.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { shapes } from '../payload/shapes.ts';
import type { ShapeName } from '../payload/shapes.ts';
import { runPipeline } from '../pipeline-run.ts';
import { serverCpuMs } from '../process-figures.ts';
import { asBuilt, recommendedSettings, stock, variantsOf } from './variants.ts';
import type { Variant } from './variants.ts';

/** What the payloads took on a server with some settings. */
export interface SettingsRun {
  /** of the workflows, one after the other */
  totalMs: number;
  /** of all processes of the server; NaN where there is no /proc */
  serverCpuMs: number;
  walBytes: number;
  /** pages that were not in shared_buffers */
  pagesRead: number;
  checkpoints: number;
}

/** A variant with its runs; `runs[i]` is set against run i of the stock server. */
export interface MeasuredVariant extends Variant {
  /** medians of the runs; the ratios are of each run against the stock server's right beside it */
  median: SettingsRun & { totalRatio: number; cpuRatio: number; walRatio: number };
  runs: SettingsRun[];
}

/** The recommended settings of PostgreSQL against its own. */
export interface MeasuredSettings {
  shape: ShapeName;
  payloadCount: number;
  /** the stock server comes first */
  variants: MeasuredVariant[];
}

const database = 'bench_settings';

/**
 * Load payloads of so many clusters, one after the other, on a server with PostgreSQL's own settings and on the same
 * server with the recommended ones, in turn. No checkpoint is made in between: when one comes is what some are about.
 *
 * @param each also try each setting by itself
 */
export async function measureSettings(
  bench: Bench,
  options: { shape: ShapeName; payloadCount: number; each: boolean },
): Promise<MeasuredSettings> {
  const { shape, payloadCount, each } = options;
  const payloads: CachedPayload[] = [];
  for (let index = 0; index < payloadCount; index += 1)
    payloads.push(
      await cachedPayload(bench.payloadDirectory, { shape: shapes[shape], seed: bench.seed + index }, () => {
        bench.progress.step(`${shape}: generating payload ${index + 1} of ${payloadCount}`);
      }),
    );
  const recommended = asBuilt(await recommendedSettings(), await compressionMethods(bench));
  const variants = [stock, ...variantsOf(recommended, each)];
  const runs = new Map<Variant, SettingsRun[]>(variants.map((variant) => [variant, []]));
  for (let run = 1; run <= bench.runCount; run += 1)
    // Every other round backwards, so that what changes with time counts for all of them.
    for (const variant of run % 2 === 1 ? variants : [...variants].reverse()) {
      bench.signal.throwIfAborted();
      bench.progress.step(`settings, run ${run} of ${bench.runCount}: ${variant.name}`);
      runs.get(variant)?.push(await measureVariant(bench, variant, payloads));
    }
  return { shape, payloadCount, variants: compare(runs) };
}

async function compressionMethods({ servers }: Bench): Promise<string[]> {
  return onDatabase(servers.databaseUrl('postgres'), async (client) => {
    const { rows } = await client.query<{ enumvals: string[] }>(
      `select enumvals from pg_settings where name = 'wal_compression'`,
    );
    return rows[0]?.enumvals ?? [];
  });
}

async function measureVariant(
  bench: Bench,
  { settings }: Variant,
  payloads: readonly CachedPayload[],
): Promise<SettingsRun> {
  const { servers, client, signal } = bench;
  const serverPid = await servers.restartPostgres(settings);
  const databaseUrl = await createMigratedDatabase(servers, database);
  await onDatabase(databaseUrl, (observer) => observer.query('checkpoint'));
  const before = await countersOf(databaseUrl);
  const cpuBefore = await serverCpuMs(serverPid);
  const sum = { totalMs: 0, walBytes: 0 };
  for (const payload of payloads) {
    const directory = join(bench.workDirectory, 'run');
    const target = { servers, client, databaseUrl, directory, signal, checkpointFirst: false };
    const { totalMs, walBytes } = await runPipeline(target, payload);
    sum.totalMs += totalMs;
    sum.walBytes += walBytes;
  }
  const cpuAfter = await serverCpuMs(serverPid);
  const after = await countersOf(databaseUrl);
  await dropDatabase(servers, database);
  return {
    ...sum,
    serverCpuMs: (cpuAfter ?? NaN) - (cpuBefore ?? NaN),
    pagesRead: after.pagesRead - before.pagesRead,
    checkpoints: after.checkpoints - before.checkpoints,
  };
}

async function countersOf(databaseUrl: string): Promise<{ pagesRead: number; checkpoints: number }> {
  return onDatabase(databaseUrl, async (observer) => {
    const { rows } = await observer.query<{ pages_read: string; checkpoints: string }>(
      `select
         (select blks_read from pg_stat_database where datname = current_database()) as pages_read,
         (select num_timed + num_requested from pg_stat_checkpointer) as checkpoints`,
    );
    return { pagesRead: Number(rows[0]?.pages_read), checkpoints: Number(rows[0]?.checkpoints) };
  });
}

/** Set each run against the run of the first variant, the stock server, in the same round. */
export function compare(runs: ReadonlyMap<Variant, readonly SettingsRun[]>): MeasuredVariant[] {
  const [first] = runs.values();
  return [...runs].map(([variant, own]) => {
    const of = (figure: (run: SettingsRun) => number) => median(own.map(figure));
    const ratio = (figure: (run: SettingsRun) => number) =>
      median(own.map((run, index) => figure(run) / figure(first?.[index] ?? run)));
    return {
      ...variant,
      median: {
        totalMs: of((run) => run.totalMs),
        serverCpuMs: of((run) => run.serverCpuMs),
        walBytes: of((run) => run.walBytes),
        pagesRead: of((run) => run.pagesRead),
        checkpoints: of((run) => run.checkpoints),
        totalRatio: ratio((run) => run.totalMs),
        cpuRatio: ratio((run) => run.serverCpuMs),
        walRatio: ratio((run) => run.walBytes),
      },
      runs: [...own],
    };
  });
}
