import { Worker } from '@temporalio/worker';
import type { InjectedSinks, NativeConnection, WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { ActivityDependencies } from '../activities/index.ts';
import { PipelineError } from '../domain/failures/failures.ts';
import { engineQueues, taskQueues } from '../domain/run/run.ts';
import { recordComparedDays, recordFailedRun } from '../platform/observability/metrics.ts';
import { dataConverter } from '../platform/temporal/connection.ts';
import type { WorkerTracing } from '../platform/observability/traced-process.ts';
import type { MetricSinks } from '../workflows/failed-runs.ts';
import { workflowCode } from './workflow-bundle.ts';

/** The workers of one process; each polls the queue for one scarce resource. */
export interface PipelineWorkers {
  /** Resolves when all have drained after {@link stop}; rejects when one of them fails, after stopping the others. */
  finished: Promise<void>;
  /** Stop polling and let running activities finish, for at most the grace period. */
  stop(): void;
}

export interface PipelineWorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dependencies: ActivityDependencies;
  /**
   * how long running activities may continue after a stop before they are cancelled, milliseconds; default as
   * configured
   */
  graceMs?: number;
  /** name of this worker in Temporal; the SDK's default is process id and host name */
  identity?: string | undefined;
  /** version of this worker, which then takes only tasks of that version; undefined: unversioned */
  version?: WorkerVersion | undefined;
  tracing?: WorkerTracing | undefined;
  /** bundle to run instead of that of the build */
  workflowBundlePath?: string;
}

/** Tenants cleaned up concurrently: cleanups have all night, and payloads need the connections. */
const maintenanceSlots = 2;

/** Activities did not end after a stop and were abandoned; PostgreSQL rolls back their transactions. */
function shutdownTooLong(waitedMs: number, cause: unknown): PipelineError {
  return new PipelineError(
    'ShutdownTooLong',
    `running activities did not end within ${waitedMs / 1_000} s of the shutdown request and were abandoned`,
    { cause },
  );
}

/** The version of a worker: `deploymentName` and the build in it. */
export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
}

/** How workflow code reports its end, once and not during a replay. */
const metricSinks: InjectedSinks<MetricSinks> = {
  metrics: {
    runFailed: {
      fn: ({ workflowType }, type) => recordFailedRun(workflowType, type),
      callDuringReplay: false,
    },
    comparisonFailed: {
      fn: (_info, dayCount) => recordComparedDays('unknown', 'failed', dayCount),
      callDuringReplay: false,
    },
  },
};

/** Every workflow ends within days, so it stays with the version on which it started. */
function versioning(version: WorkerVersion | undefined): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (version === undefined) return {};
  return {
    workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
  };
}

/**
 * Start the workers of a process: workflows and short activities, loads, aggregations, cleanups, and what the Trino
 * engine does if this process knows a Trino; with slots limited so that every activity that needs a connection of the
 * pool gets one.
 */
export async function startPipelineWorkers(options: PipelineWorkersOptions): Promise<PipelineWorkers> {
  const { connection, namespace, dependencies, tracing, identity } = options;
  const { config } = dependencies;
  const graceMs = options.graceMs ?? config.OCP_SHUTDOWN_GRACE;
  const common = {
    connection,
    namespace,
    dataConverter,
    ...(identity === undefined ? {} : { identity }),
    ...versioning(options.version),
    activities: createActivities(dependencies),
    interceptors: tracing === undefined ? {} : { activity: [tracing.activity] },
    // An activity learns that it was cancelled or paused from the response to a heartbeat, which is sent no more often
    // than this; the default of 24 s is long for somebody who waits in front of the UI.
    maxHeartbeatThrottleInterval: '5s',
    shutdownGraceTime: graceMs,
    shutdownForceTime: 2 * graceMs,
  };
  const code = workflowCode({ traced: tracing !== undefined, given: options.workflowBundlePath });
  const workers = await allOrNone([
    Worker.create({
      ...common,
      ...code,
      interceptors: { ...common.interceptors, ...('interceptors' in code ? code.interceptors : {}) },
      sinks: { ...metricSinks, ...tracing?.sinks },
      // Not the SDK's default, which depends on the heap size: in a small container it holds less than a burst, whose
      // runs then evict each other, so that each is replayed at each task. With room for 100 of 200 runs this took
      // twice the CPU time.
      maxCachedWorkflows: config.OCP_CACHED_RUNS,
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
    // A process that does not know where Trino is leaves its work to others.
    ...(config.TRINO_URL === undefined
      ? []
      : [
          Worker.create({
            ...common,
            taskQueue: engineQueues.trino,
            maxConcurrentActivityTaskExecutions: config.TRINO_CONCURRENCY,
          }),
        ]),
  ]);
  let stoppedAt: number | undefined;
  const stop = () => {
    stoppedAt ??= performance.now();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runs = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      const isLate = stoppedAt !== undefined && performance.now() - stoppedAt >= 2 * graceMs;
      stop();
      // The SDK's own error is hidden behind one about its inner state.
      throw isLate ? shutdownTooLong(2 * graceMs, error) : error;
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

/**
 * If one cannot be created, the others release their connection: otherwise it could not be closed, and the process
 * would not end.
 */
async function allOrNone(creations: readonly Promise<Worker>[]): Promise<Worker[]> {
  const settled = await Promise.allSettled(creations);
  const workers = settled.flatMap((creation) => (creation.status === 'fulfilled' ? [creation.value] : []));
  const failed = settled.find((creation) => creation.status === 'rejected');
  if (failed === undefined) return workers;
  await Promise.allSettled(workers.map((worker) => worker.runUntil(Promise.resolve())));
  throw failed.reason;
}
