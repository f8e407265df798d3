import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { createHttpApp } from '../../http/app.ts';
import type { HttpDeps } from '../../http/app.ts';
import { startWaiting } from '../../intake/start-waiting.ts';
import type { Command } from '../command.ts';
import { requireConfigured } from '../required-settings.ts';
import { openServices, processLogger } from '../services.ts';
import type { Services } from '../services.ts';
import { aborted, stopSignal } from '../stop-signal.ts';

interface Options {
  sources: boolean;
  api: boolean;
}

/** Connections to the database: uploads use one for a moment each. */
const poolSize = 10;
/** How often uploads that wait for Temporal are looked for, and how long they wait at least. */
const sweepIntervalMs = 10_000;
const sweepAfterSeconds = 15;

export const serveCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .option('sources', {
        type: 'boolean',
        default: true,
        describe: "serve the Sources API; --no-sources where Koku's own is in front",
      })
      .option('api', {
        type: 'boolean',
        default: false,
        describe: 'serve the read API and the page (/page/) too',
      }),
  run: async (options, output) => {
    const stop = stopSignal();
    requireConfigured(
      ['DATABASE_URL', 'OBJECT_STORE'],
      'ocp-pipeline dev prints the settings of embedded servers',
    );
    const services = await openServices(output.say, { temporal: true, objectStore: true, migrate: 'public' });
    try {
      await serve(services, options, stop);
    } finally {
      await services.close();
    }
    return 0;
  },
};

async function serve(services: Services, { sources, api }: Options, stop: AbortSignal): Promise<void> {
  const { config, objectStore, databaseUrl } = services;
  const logger = await processLogger(config, 'standard output');
  const { closeTemporalRuntime } = await import('../../platform/observability/temporal-runtime.ts');
  services.disposal.add('the metrics endpoint', closeTemporalRuntime);
  // Metrics are on the meter of the SDK's native core, which only processes that serve them load.
  const { recordReceived } = await import('../../platform/observability/metrics.ts');
  const deps: HttpDeps = {
    client: await services.lazyClient(),
    pool: services.openPool(poolSize, 'ocp-pipeline serve'),
    objectStore,
    config,
    databaseUrl,
    logger,
    received: recordReceived,
  };
  const app = await createHttpApp(deps, {
    sources,
    ...(api ? { read: { readPool: services.openReadPool(poolSize, 'ocp-pipeline api') } } : {}),
  });
  const { host, port } = listenAddress(config.OCP_HTTP_ADDRESS);
  await app.listen({ host, port }).catch((cause: unknown) => {
    throw new PipelineError(
      'ConfigInvalid',
      `OCP_HTTP_ADDRESS: cannot listen on "${config.OCP_HTTP_ADDRESS}": ` +
        `${cause instanceof Error ? cause.message : String(cause)}; expected an address of this machine with a free port`,
      { cause },
    );
  });
  const address = app.server.address();
  logger.info({ address, sources }, 'accepting uploads');
  const sweep = sweepUntil(stop, deps);
  await aborted(stop);
  logger.info('no further uploads are accepted; those in progress end first');
  await app.close();
  await sweep;
}

function listenAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** Start what was accepted while Temporal was away. */
async function sweepUntil(stop: AbortSignal, deps: HttpDeps): Promise<void> {
  let isAway = false;
  const isStopping = () => stop.aborted;
  while (!isStopping()) {
    try {
      const count = await startWaiting(deps, { minSeconds: sweepAfterSeconds, signal: stop });
      if (count > 0) deps.logger.info({ count }, 'uploads that waited for Temporal were started');
      isAway = false;
    } catch (error) {
      if (!isAway && !isStopping()) deps.logger.warn({ error }, 'uploads wait for Temporal');
      isAway = true;
    }
    await waitOrStop(stop);
  }
}

function waitOrStop(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) {
      resolve();
      return;
    }
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, sweepIntervalMs);
    stop.addEventListener('abort', end, { once: true });
  });
}
