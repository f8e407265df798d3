import type { NativeConnectionPlugin, Worker, WorkerPlugin } from '@temporalio/worker';
import type { Pool } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import type { HealthCheck, HealthPages } from '../platform/observability/health-server.ts';
import { activityLogContext } from '../platform/observability/logging.ts';
import { tenantIsBehind } from '../platform/migrations/migrate.ts';
import { migrationNames, shippedSources } from '../platform/migrations/files.ts';
import { appliedMigrations } from '../platform/migrations/runner.ts';
import { registeredSchemas } from '../platform/migrations/tenant-schemas.ts';

/** State of this process's workers, as seen from outside, and the context of their log lines. */
export interface WorkerObserver {
  /** passed to the connection of the workers, which passes it on to each of them */
  plugin: NativeConnectionPlugin & WorkerPlugin;
  /** one entry per worker, with its problem if it does not poll */
  checks(): HealthCheck[];
  /** a worker ended because something it cannot work without failed */
  failed(): boolean;
}

/** Create it before the workers' connection. */
export function observeWorkers(): WorkerObserver {
  const workers: Worker[] = [];
  let createdCount = 0;
  return {
    plugin: {
      name: 'ocp-pipeline-observer',
      configureWorker: (options) => {
        createdCount += 1;
        const activity = [activityLogContext, ...(options.interceptors?.activity ?? [])];
        return { ...options, interceptors: { ...options.interceptors, activity } };
      },
      runWorker: (worker, next) => {
        workers.push(worker);
        return next(worker);
      },
    },
    checks: () =>
      createdCount === 0 || workers.length < createdCount
        ? [{ what: 'workers', problem: `starting: ${workers.length} of ${createdCount} run` }]
        : workers.map(checkWorker),
    failed: () => workers.some((worker) => worker.getState() === 'FAILED'),
  };
}

function checkWorker(worker: Worker): HealthCheck {
  const { runState, workflowPollerState, activityPollerState } = worker.getStatus();
  // A worker without workflows has no workflow poller; the SDK reports it as shut down.
  const { workflowBundle, workflowsPath } = worker.options;
  const hasWorkflows = workflowBundle !== undefined || workflowsPath !== undefined;
  const isPolling = activityPollerState === 'POLLING' && (workflowPollerState === 'POLLING' || !hasWorkflows);
  return {
    what: `worker on ${worker.options.taskQueue}`,
    problem:
      runState === 'RUNNING' && isPolling
        ? undefined
        : `${runState}, workflow poller ${workflowPollerState}, activity poller ${activityPollerState}`,
  };
}

/** Schemas that were found up to date: no version of this program reverts migrations. */
type KnownSchemas = Set<string>;

/**
 * `/healthz`: the process answers and no worker failed; otherwise a restart helps. `/readyz`: the workers poll, the
 * database answers, and every schema is at least at the version of this program.
 */
export function healthPages(observer: WorkerObserver, pool: Pool): HealthPages {
  const known: KnownSchemas = new Set();
  return {
    '/healthz': () => [{ what: 'workers', problem: observer.failed() ? 'a worker failed' : undefined }],
    '/readyz': async () => [
      ...observer.checks(),
      await check('database', async () => {
        await pool.query('select 1');
        return undefined;
      }),
      await check('schemas', () => schemaProblem(pool, known)),
    ],
  };
}

async function check(what: string, look: () => Promise<string | undefined>): Promise<HealthCheck> {
  try {
    return { what, problem: await look() };
  } catch (error) {
    // Messages of the driver contain hosts and users; they are logged, but this page is open to anyone who can reach
    // it.
    const code = error instanceof PipelineError ? error.type : (error as { code?: unknown }).code;
    return { what, problem: `cannot be checked (${typeof code === 'string' ? code : 'no answer'})` };
  }
}

async function schemaProblem(pool: Pool, known: KnownSchemas): Promise<string | undefined> {
  if (!known.has('public')) {
    const applied = await appliedMigrations(pool, 'public');
    const lacking = migrationNames(shippedSources.publicMigrations).filter((name) => !applied.includes(name));
    if (lacking.length > 0) return 'public is behind: run ocp-pipeline migrate';
    known.add('public');
  }
  for (const schema of await registeredSchemas(pool)) {
    if (known.has(schema)) continue;
    // A tenant of Koku without a source of ours is not checked; `source add` migrates it.
    if ((await appliedMigrations(pool, schema)).length === 0) continue;
    if (await isBehind(pool, schema)) return `${schema} is behind: run ocp-pipeline migrate`;
    known.add(schema);
  }
  return undefined;
}

/** A schema migrated by a newer version is not behind: old and new workers run together during an upgrade. */
async function isBehind(pool: Pool, schema: string): Promise<boolean> {
  try {
    return await tenantIsBehind(pool, schema);
  } catch (error) {
    if (error instanceof PipelineError && error.type === 'SchemaNewer') return false;
    throw error;
  }
}
