import type { FastifyInstance } from 'fastify';
import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { createHttpApp, createReaderApp } from '../../http/app.ts';
import type { HttpDeps } from '../../http/app.ts';
import { startWaiting } from '../../intake/start-waiting.ts';
import type { Config } from '../../platform/config/config.ts';
import type { PipelineLogger } from '../../platform/observability/logging.ts';
import { configuredTemporal } from '../../platform/temporal/connection.ts';
import type { Command } from '../command.ts';
import { requireConfigured } from '../required-settings.ts';
import { openServices, processLogger } from '../services.ts';
import type { Services } from '../services.ts';
import { aborted, stopSignal } from '../stop-signal.ts';

interface Options {
  sources: boolean | undefined;
  api: boolean;
  uploads: boolean;
}

/** Connections to the database: uploads and logins use one for a moment each. */
const poolSize = 10;
/** How often uploads that wait for Temporal are looked for, and how long they wait at least. */
const sweepIntervalMs = 10_000;
const sweepAfterSeconds = 15;

export const serveCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .option('sources', {
        type: 'boolean',
        describe:
          "serve the Sources API with the uploads (default); --no-sources where Koku's own is in front",
      })
      .option('api', {
        type: 'boolean',
        default: false,
        describe: 'serve the read API and the page (/page/) too',
      })
      .option('uploads', {
        type: 'boolean',
        default: true,
        describe:
          'accept uploads; with --no-uploads readers alone are served, and only DATABASE_URL is needed',
      })
      .check(({ uploads, api, sources }) => {
        if (!uploads && !api) throw new Error('--no-uploads: nothing is left to serve; add --api');
        if (!uploads && sources === true)
          throw new Error('--no-uploads: the Sources API is for those who upload; remove --sources');
        return true;
      }),
  run: async (options, output) => {
    const stop = stopSignal();
    const { uploads } = options;
    requireConfigured(
      uploads ? ['DATABASE_URL', 'OBJECT_STORE', 'TEMPORAL_ADDRESS'] : ['DATABASE_URL'],
      'ocp-pipeline dev prints the settings of embedded servers',
    );
    const services = await openServices(output.say, {
      // Readers are told which runs wait, if that can be known.
      temporal: uploads || configuredTemporal() !== undefined,
      objectStore: uploads,
      migrate: 'public',
    });
    try {
      await (uploads ? serveUploads(services, options, stop) : serveReaders(services, stop));
    } finally {
      await services.close();
    }
    return 0;
  },
};

async function serveUploads(
  services: Services,
  { sources = true, api }: Options,
  stop: AbortSignal,
): Promise<void> {
  const { config, objectStore, databaseUrl } = services;
  const logger = await openLog(services);
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
  await listen(app, config);
  logger.info({ address: app.server.address(), sources }, 'accepting uploads');
  const sweep = sweepUntil(stop, deps);
  await aborted(stop);
  logger.info('no further uploads are accepted; those in progress end first');
  await app.close();
  await sweep;
}

async function serveReaders(services: Services, stop: AbortSignal): Promise<void> {
  const { config } = services;
  const logger = await openLog(services);
  const client = services.temporal === undefined ? undefined : await services.lazyClient();
  const app = await createReaderApp(
    { client, pool: services.openPool(poolSize, 'ocp-pipeline serve'), config, logger },
    { readPool: services.openReadPool(poolSize, 'ocp-pipeline api') },
  );
  await listen(app, config);
  logger.info({ address: app.server.address() }, 'answering readers');
  await aborted(stop);
  logger.info('no further readers are answered; answers in progress end first');
  await app.close();
}

/** The log, and the metrics of the SDK's runtime, which is there with it. */
async function openLog({ config, disposal }: Services): Promise<PipelineLogger> {
  const logger = await processLogger(config, 'standard output');
  const { closeTemporalRuntime } = await import('../../platform/observability/temporal-runtime.ts');
  disposal.add('the metrics endpoint', closeTemporalRuntime);
  return logger;
}

async function listen(app: FastifyInstance, config: Config): Promise<void> {
  const { host, port } = listenAddress(config.OCP_HTTP_ADDRESS);
  await app.listen({ host, port }).catch((cause: unknown) => {
    throw new PipelineError(
      'ConfigInvalid',
      `OCP_HTTP_ADDRESS: cannot listen on "${config.OCP_HTTP_ADDRESS}": ` +
        `${cause instanceof Error ? cause.message : String(cause)}; expected an address of this machine with a free port`,
      { cause },
    );
  });
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
