import { Context, log } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { PoolClient } from 'pg';
import type { Tenant } from '../domain/run/cleanup.ts';
import type { ResummarizeInput, SettingsChange } from '../domain/run/resummarize.ts';
import { costsWorkflowId, settingsWorkflowId, summarisesAnew } from '../domain/run/resummarize.ts';
import { fairnessKeyOf } from '../domain/run/priority.ts';
import { taskQueues } from '../domain/run/run.ts';
import { billingMonthOf, firstDay, usageDayOf } from '../domain/time/usage-day.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import type { TenantBatch, WatchedTenants, WatchSettingsInput } from '../domain/run/watch-settings.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { tenantsWithTables } from '../platform/migrations/tenant-schemas.ts';
import { tenantSettings } from '../platform/tenants/tenant.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { takeDelayedTasks } from '../summary/delayed-tasks.ts';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';

export interface TenantBatchesInput {
  /** tenants per batch */
  tenantCount: number;
}

export interface RequestResummarizeInput extends WatchSettingsInput {
  /** tenants to check; all if absent, as runs of earlier versions request */
  batch?: TenantBatch;
}

/** What a heartbeat carries: the position of the attempt, so that the next one resumes after it. */
interface Watched extends WatchedTenants {
  /** customer that was checked last; customers come in the order of their ids */
  lastId: number;
}

const changedSettingsSql = loadSql('summary/daily/changed_settings.sql');

/** A tenant whose tables are locked is left for the next check, five minutes later. */
const lockTimeout = '2s';
const statementTimeout = '10s';
const maxReasonLength = 150;

/** The tenants in which the pipeline has tables, as batches for {@link requestResummarize}. */
export async function tenantBatches(
  deps: ActivityDependencies,
  { tenantCount }: TenantBatchesInput,
): Promise<TenantBatch[]> {
  const ids = (await tenantsWithTables(deps.pool)).map(({ id }) => id);
  const batches: TenantBatch[] = [];
  for (let start = 0; start < ids.length; start += tenantCount) {
    const batch = ids.slice(start, start + tenantCount);
    batches.push({ firstId: batch[0] ?? 0, lastId: batch.at(-1) ?? 0 });
  }
  return batches;
}

/**
 * Request a rebuild of the current month of every source of some tenants whose settings differ from those it was
 * summarised with, or a recalculation of its costs if only its cost model differs; and of costs of earlier months whose
 * free GPUs can be distributed now. If a rebuild of a source is already waiting, it is signalled instead of started
 * twice. One tenant's failure does not stop the others.
 * Rerun: a heartbeat after each tenant records which are done, and the next attempt resumes after them. If the last
 * heartbeats of a killed worker were lost, those tenants are compared again, and their signals change nothing.
 */
export async function requestResummarize(
  deps: ActivityDependencies,
  input: RequestResummarizeInput,
): Promise<WatchedTenants> {
  const { client, cancellationSignal: signal, info } = Context.current();
  let watched = earlierAttempt(info.heartbeatDetails);
  const tenants = await tenantsWithTables(deps.pool, {
    afterId: Math.max(watched.lastId, (input.batch?.firstId ?? 0) - 1),
    lastId: input.batch?.lastId,
  });
  for (const { id, orgId, schema } of tenants) {
    signal.throwIfAborted();
    const { sourceCount, failed } = await watchTenant(deps, client, { orgId, schema }, input);
    signal.throwIfAborted();
    watched = {
      lastId: id,
      tenantCount: watched.tenantCount + 1,
      sourceCount: watched.sourceCount + sourceCount,
      failedTenants: [...watched.failedTenants, ...failed],
    };
    Context.current().heartbeat(watched);
  }
  const { tenantCount, sourceCount, failedTenants } = watched;
  return { tenantCount, sourceCount, failedTenants };
}

function earlierAttempt(details: unknown): Watched {
  const found = details as Partial<Watched> | null | undefined;
  if (typeof found?.lastId === 'number' && Array.isArray(found.failedTenants)) return found as Watched;
  return { lastId: 0, tenantCount: 0, sourceCount: 0, failedTenants: [] };
}

type ChangedSource = Required<SettingsChange> & { sourceUuid: string; month: BillingMonth };

async function watchTenant(
  deps: ActivityDependencies,
  client: Client,
  { orgId, schema }: Tenant,
  input: RequestResummarizeInput,
): Promise<{ sourceCount: number; failed: WatchedTenants['failedTenants'] }> {
  let sourceCount = 0;
  try {
    for (const change of await changedSources(deps, schema)) {
      await request(client, { orgId, schema, ...change }, input);
      sourceCount += 1;
    }
    sourceCount += await inBriefTransaction(deps, schema, (tenant) =>
      takeDelayedTasks(tenant, schema, billingMonthOf(deps.now()), (task) =>
        request(client, { orgId, schema, ...task }, input),
      ),
    );
    return { sourceCount, failed: [] };
  } catch (error) {
    log.error('the settings of a tenant could not be compared', { orgId, error });
    const reason = withoutSecrets(error instanceof Error ? error.message : String(error));
    return { sourceCount, failed: [{ orgId, reason: reason.slice(0, maxReasonLength) }] };
  }
}

async function changedSources(deps: ActivityDependencies, schema: string): Promise<ChangedSource[]> {
  const now = deps.now();
  const rules = (await tenantSettings(deps.pool, schema)).rules ?? deps.config.OCP_RULES;
  return inBriefTransaction(deps, schema, async (client) => {
    const { rows } = await client.query<ChangedSource>(changedSettingsSql, [
      firstDay(billingMonthOf(now)),
      rules,
      usageDayOf(now),
    ]);
    return rows;
  });
}

/** One in which a table that somebody holds is not waited for long. */
async function inBriefTransaction<T>(
  deps: ActivityDependencies,
  schema: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  return inTenantTransaction(
    deps.pool,
    schema,
    async (client) => {
      await client.query(
        `set local lock_timeout = '${lockTimeout}'; set local statement_timeout = '${statementTimeout}'`,
      );
      return work(client);
    },
    Context.current().cancellationSignal,
  );
}

async function request(
  client: Client,
  source: Pick<ResummarizeInput, 'orgId' | 'schema' | 'month'> & ChangedSource,
  input: WatchSettingsInput,
): Promise<void> {
  const { settingsHash, step } = source;
  const started: ResummarizeInput = { ...source, delayMs: input.delayMs, options: input.options ?? {} };
  const anew = summarisesAnew(source);
  await client.workflow.signalWithStart(anew ? 'resummarize' : 'recalculateCosts', {
    workflowId: anew ? settingsWorkflowId(source) : costsWorkflowId(source),
    taskQueue: taskQueues.pipeline,
    args: [started],
    signal: 'settingsChanged',
    signalArgs: [{ settingsHash, step }],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    priority: { fairnessKey: fairnessKeyOf(source.orgId) },
    staticSummary: `settings changed: ${anew ? 'rebuild' : 'costs of'} ${source.month}`,
  });
}
