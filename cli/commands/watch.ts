import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { bucketRoot } from '../../intake/watch/bucket-place.ts';
import type { DropRoot } from '../../intake/watch/drop-place.ts';
import { localRoot } from '../../intake/watch/local-place.ts';
import { requireServers } from '../../intake/watch/station.ts';
import type { WatchDeps } from '../../intake/watch/station.ts';
import { watch } from '../../intake/watch/watch.ts';
import { durationMs } from '../../platform/config/setting.ts';
import { serveHealth } from '../../platform/observability/health-server.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import type { Command } from '../command.ts';
import { describeFailure } from '../failure.ts';
import type { Output } from '../output.ts';
import { withOwnWorker } from '../own-worker.ts';
import type { Services } from '../services.ts';
import { stopSignal } from '../stop-signal.ts';
import { watchReporter } from '../watch-report.ts';

interface Options {
  place: string;
  org: string | undefined;
  once: boolean;
  interval: number | undefined;
  withWorker: boolean;
}

/** Between two looks; a listing of a bucket costs money. */
const usualIntervalMs = { folder: 2_000, bucket: 15_000 };

export const watchCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .positional('place', {
        type: 'string',
        demandOption: true,
        describe: 'folder, or s3://bucket/prefix',
      })
      .option('org', {
        type: 'string',
        describe: 'organisation id; without it, each folder in the place is named like an organisation',
      })
      .option('once', {
        type: 'boolean',
        default: false,
        describe: 'take what is there, wait for its runs and end (for cron); exit code 1 if something failed',
      })
      .option('interval', {
        type: 'string',
        describe:
          'time between two looks; a file is taken if it is the same at both (default 2s, bucket 15s)',
        coerce: intervalOf,
      })
      .option('with-worker', {
        type: 'boolean',
        default: false,
        describe: 'run a worker in this process',
      }) as unknown as Argv<Options>,
  run: async (options, output) => {
    const stop = stopSignal();
    const isBucket = /^s3:\/\//i.test(options.place);
    const local = isBucket ? undefined : localRoot(directoryOf(options.place));
    await local?.check(); // before servers are started for it
    return withOwnWorker(
      output,
      { migrate: 'public', withWorker: options.withWorker },
      async (services, startWorker) => {
        const deps = await watchDeps(services, output, await startWorker());
        const root = local ?? openBucket(services, options.place);
        const usual = isBucket ? usualIntervalMs.bucket : usualIntervalMs.folder;
        const { org: orgId, once, interval: intervalMs = usual } = options;
        const problemCount = await watch(deps, root, { orgId, once, intervalMs }, stop);
        return once && problemCount > 0 ? 1 : 0;
      },
    );
  },
};

function intervalOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = durationMs.safeParse(text);
  if (parsed.success && parsed.data > 0) return parsed.data;
  throw new Error(`--interval: expected a whole number with a unit, for example 10s; found "${text}"`);
}

function directoryOf(place: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(place) && !place.startsWith('file://'))
    throw new PipelineError(
      'ConfigInvalid',
      `${place}: cannot be watched; name a folder or s3://bucket/prefix`,
    );
  return resolve(place.startsWith('file://') ? fileURLToPath(place) : place);
}

function openBucket({ config, disposal }: Services, url: string): DropRoot {
  const store = openObjectStore({ url, s3: { endpoint: config.S3_ENDPOINT, region: config.S3_REGION } });
  disposal.add(`the watched bucket ${store.location}`, () => {
    store.close();
  });
  return bucketRoot(store);
}

async function watchDeps(services: Services, output: Output, hasWorker: boolean): Promise<WatchDeps> {
  const { config, pool, objectStore } = services;
  const client = await services.lazyClient();
  if (config.OCP_HEALTH_ADDRESS !== undefined && !hasWorker)
    services.disposal.add(
      'the health pages',
      await serveHealth(config.OCP_HEALTH_ADDRESS, {
        '/healthz': () => [{ what: 'watcher' }],
        '/readyz': async () => [
          await requireServers({ pool, client, objectStore }).then(
            () => ({ what: 'servers' }),
            (error: unknown) => ({ what: 'servers', problem: describeFailure(error).errorType }),
          ),
        ],
      }),
    );
  const received = await counter(services, hasWorker);
  return {
    client,
    pool,
    objectStore,
    config,
    explain: describeFailure,
    say: watchReporter(output),
    ...(received === undefined ? {} : { received }),
  };
}

/** Metrics are on the meter of the SDK's native core, which is loaded only if somebody reads them. */
async function counter(
  { config, disposal }: Services,
  hasWorker: boolean,
): Promise<WatchDeps['received'] | undefined> {
  if (config.OCP_METRICS_ADDRESS === undefined) return undefined;
  if (!hasWorker) {
    const { createLogger } = await import('../../platform/observability/logging.ts');
    const { installTemporalRuntime, closeTemporalRuntime } =
      await import('../../platform/observability/temporal-runtime.ts');
    // Standard output is for what happens to the files; the SDK of a process without workers has nothing to say.
    installTemporalRuntime(createLogger({ level: 'silent' }), {
      metricsAddress: config.OCP_METRICS_ADDRESS,
    });
    disposal.add('the metrics endpoint', closeTemporalRuntime);
  }
  const { recordReceived } = await import('../../platform/observability/metrics.ts');
  return recordReceived;
}
