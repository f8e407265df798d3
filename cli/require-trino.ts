import { PipelineError } from '../domain/failures/failures.ts';
import { engineQueues } from '../domain/run/run.ts';
import { openLake } from '../engines/trino/lake.ts';
import { isPolled } from '../platform/temporal/worker-deployment.ts';
import { howToPoll } from './idle-queue.ts';
import type { Services } from './services.ts';

/**
 * Make sure that somebody does the work of the Trino engine, before a tenant is given to it: payloads would wait.
 *
 * @param services with Temporal, unless this process knows Trino itself or nobody says where Temporal is
 * @throws PipelineError `ConfigInvalid` if this process knows no Trino and no worker polls the engine's queue
 */
export async function requireTrino(services: Services): Promise<void> {
  if (services.config.TRINO_URL !== undefined) {
    openLake(services.config);
    return;
  }
  if (services.temporal !== undefined && (await isPolled(await services.client(), engineQueues.trino)))
    return;
  throw new PipelineError(
    'ConfigInvalid',
    `engine=trino needs TRINO_URL, here or in a worker: it is not set here, and no worker polls ${engineQueues.trino}`,
    { remedy: `${howToPoll(engineQueues.trino)}, then set the engine again` },
  );
}
