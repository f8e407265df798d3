import { blockedRunsQuery } from '../domain/run/search-attributes.ts';
import { clock } from '../platform/config/config.ts';
import type { Services } from '../platform/runtime/services.ts';
import type { WorkerObserver } from './health.ts';
import { connectWorker } from './native-connection.ts';
import { startPipelineWorkers } from './pipeline.ts';
import type { PipelineWorkers } from './pipeline.ts';
import { startSampling } from './sampling.ts';

/** Options for starting the workers of a process. */
export interface StartWorkersOptions {
  /** sees the workers that are started */
  observer: WorkerObserver;
  /** part of a deployment: under the configured version */
  deployed: boolean;
}

/**
 * Start the workers of a process on its services, and the sampling of the gauges if metrics are served. What is opened
 * for them is closed with the services; stop the workers first.
 */
export async function startWorkers(
  services: Services,
  { observer, deployed }: StartWorkersOptions,
): Promise<PipelineWorkers> {
  const { config, databaseUrl, objectStore, identity, disposal } = services;
  const { connectionOptions, ...where } = services.temporalTarget();
  // Before the connection, which is therefore closed first: nobody uses the pool then.
  const pool = services.openPool(config.OCP_DATABASE_POOL_SIZE, 'ocp-pipeline worker');
  const connection = await disposal.open(
    "the workers' connection to Temporal",
    () =>
      connectWorker({ ...where, connectionOptions: { ...connectionOptions, plugins: [observer.plugin] } }),
    (opened) => opened.close(),
  );
  if (config.OCP_METRICS_ADDRESS !== undefined) await sampleGauges(services);
  const { TEMPORAL_WORKER_BUILD_ID: buildId, TEMPORAL_DEPLOYMENT_NAME: deploymentName } = config;
  return startPipelineWorkers({
    connection,
    namespace: where.namespace,
    identity,
    version: deployed && buildId !== undefined ? { deploymentName, buildId } : undefined,
    tracing: (await services.tracing())?.worker,
    dependencies: { pool, databaseUrl, objectStore, config, now: clock(config) },
  });
}

async function sampleGauges(services: Services): Promise<void> {
  const { workflow } = await services.client();
  const stopSampling = startSampling({
    pool: services.pool,
    countBlocked: async () => (await workflow.count(blockedRunsQuery)).count,
    onError: (error) => {
      services.warn({ error }, 'a sample failed; gauges keep their values');
    },
  });
  services.disposal.add('the sampling of the gauges', stopSampling);
}
