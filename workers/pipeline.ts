import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { ActivityDependencies } from '../activities/index.ts';
import { taskQueues } from '../domain/run.ts';
import { packageRoot } from '../platform/package-root.ts';
import { dataConverter } from '../platform/temporal.ts';

/** The workers of one process; each polls the queue of one scarce resource. */
export interface PipelineWorkers {
  /** Resolves when all have drained after {@link stop}; rejects when one of them fails, after stopping the others. */
  finished: Promise<void>;
  /** Stop polling and let running activities end, for at most the grace time. */
  stop(): void;
}

export interface PipelineWorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dependencies: ActivityDependencies;
  /** how long running activities may go on after a stop before they are cancelled, milliseconds */
  graceMs?: number;
  /** bundle to run instead of the one of the build */
  workflowBundlePath?: string;
}

/** Tenants cleaned up at a time: cleanups have all night, and payloads need the connections. */
const maintenanceSlots = 2;

/** Built by `npm run build`; from source the SDK bundles the workflows when the worker starts. */
export const builtBundlePath = join(packageRoot, 'dist', 'workflow-bundle.js');

function workflowCode(given?: string): { workflowBundle: WorkflowBundleOption } | { workflowsPath: string } {
  if (given !== undefined) return { workflowBundle: { codePath: given } };
  const fromBuild = import.meta.url.includes('/dist/workers/');
  return fromBuild && existsSync(builtBundlePath)
    ? { workflowBundle: { codePath: builtBundlePath } }
    : { workflowsPath: fileURLToPath(new URL('../workflows', import.meta.url)) };
}

/**
 * Start the workers of a process: workflows and short activities, loads, aggregations, and cleanups, with slots bounded so
 * that every activity that needs a connection of the pool finds one.
 */
export async function startPipelineWorkers(options: PipelineWorkersOptions): Promise<PipelineWorkers> {
  const { connection, namespace, dependencies } = options;
  const { config } = dependencies;
  const common = {
    connection,
    namespace,
    dataConverter,
    activities: createActivities(dependencies),
    shutdownGraceTime: options.graceMs ?? 30_000,
    shutdownForceTime: (options.graceMs ?? 30_000) + 30_000,
  };
  const workers = await allOrNone([
    Worker.create({
      ...common,
      ...workflowCode(options.workflowBundlePath),
      taskQueue: taskQueues.pipeline,
      maxConcurrentActivityTaskExecutions: 10,
    }),
    Worker.create({
      ...common,
      taskQueue: taskQueues.load,
      maxConcurrentActivityTaskExecutions: config.OCP_LOAD_CONCURRENCY,
    }),
    Worker.create({
      ...common,
      taskQueue: taskQueues.sql,
      maxConcurrentActivityTaskExecutions: config.OCP_SQL_CONCURRENCY,
    }),
    Worker.create({
      ...common,
      taskQueue: taskQueues.maintenance,
      maxConcurrentActivityTaskExecutions: maintenanceSlots,
    }),
  ]);
  const stop = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runs = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      stop();
      throw error;
    }),
  );
  return {
    finished: Promise.allSettled(runs).then((ended) => {
      const failed = ended.find((run) => run.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }),
    stop,
  };
}

/** When one cannot be created, the others let go of their connection: it could not be closed otherwise, nor the process end. */
async function allOrNone(creations: readonly Promise<Worker>[]): Promise<Worker[]> {
  const settled = await Promise.allSettled(creations);
  const workers = settled.flatMap((creation) => (creation.status === 'fulfilled' ? [creation.value] : []));
  const failed = settled.find((creation) => creation.status === 'rejected');
  if (failed === undefined) return workers;
  await Promise.allSettled(workers.map((worker) => worker.runUntil(Promise.resolve())));
  throw failed.reason;
}
