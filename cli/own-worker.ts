import { requireParquetWriter } from '../engines/trino/parquet-file.ts';
import type { PipelineWorkers } from '../workers/pipeline.ts';
import type { Output } from './output.ts';
import { logFile, openServices, processLogger } from './services.ts';
import type { ServiceNeeds, Services } from './services.ts';

/** What a command that starts runs needs. */
export interface OwnWorkerOptions {
  migrate: NonNullable<ServiceNeeds['migrate']>;
  /** `--with-worker`; with an embedded Temporal there is a worker in any case, as nobody else would have one */
  withWorker: boolean | undefined;
}

/**
 * Open the servers, run `work` with them, and close them when it has ended, after the worker if there is one.
 *
 * @param work may start the worker of this process, once it knows that there is something to do; it answers whether
 *   there is one. Its log is a file.
 * @returns what `work` returns
 */
export async function withOwnWorker<T>(
  output: Output,
  { migrate, withWorker }: OwnWorkerOptions,
  work: (services: Services, startWorker: () => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const services = await openServices(output.say, { temporal: true, objectStore: true, migrate });
  let workers: PipelineWorkers | undefined;
  const startWorker = async () => {
    if (withWorker !== true && !services.embedded.temporal) return false;
    requireParquetWriter(services.config);
    await processLogger(services.config, 'file');
    output.say(`Worker in this process; its log is ${logFile(services.config)}`);
    workers = await services.startWorkers();
    return true;
  };
  try {
    return await work(services, startWorker);
  } finally {
    workers?.stop();
    await workers?.finished;
    await services.close();
  }
}
