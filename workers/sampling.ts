import type { Pool } from 'pg';
import {
  cleanUpWorkflows,
  countedFailureType,
  countedFailureTypes,
} from '../domain/failures/failure-counts.ts';
import { stagingTables } from '../domain/reports/report-kind.ts';
import { countFailedPayloads, failedTenantCounts } from '../payload/open-failures.ts';
import { inTransaction } from '../platform/database/database.ts';
import { registeredSchemas } from '../platform/migrations/tenant-schemas.ts';
import { pipelineMetrics } from '../platform/observability/metrics.ts';

/** The sources of the gauges. */
export interface SampledServices {
  pool: Pool;
  /** how many runs wait for an operator's decision */
  countBlocked: () => Promise<number>;
  /** called with the reason if a sample could not be taken; the gauge keeps its value until the next one */
  onError: (error: unknown) => void;
}

/**
 * Sample the gauges now and then every minute. Every worker of a deployment reports the same totals, so dashboards and
 * alerts take their maximum.
 *
 * @returns ends the sampling and waits for a sample in progress
 */
export function startSampling(services: SampledServices, everyMs = 60_000): () => Promise<void> {
  pipelineMetrics();
  let running: Promise<unknown> | undefined;
  const sample = () => {
    running ??= Promise.allSettled([
      sampleStaging(services.pool),
      sampleBlocked(services.countBlocked),
      sampleFailed(services.pool),
    ])
      .then((results) => {
        for (const result of results) if (result.status === 'rejected') services.onError(result.reason);
      })
      .finally(() => {
        running = undefined;
      });
  };
  const timer = setInterval(sample, everyMs);
  sample();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function sampleBlocked(countBlocked: () => Promise<number>): Promise<void> {
  pipelineMetrics().manifestsBlocked.set(await countBlocked());
}

async function sampleFailed(pool: Pool): Promise<void> {
  const payloads = new Map(countedFailureTypes.map((type) => [type, 0]));
  for (const [type, count] of await countFailedPayloads(pool)) {
    const counted = countedFailureType(type);
    payloads.set(counted, (payloads.get(counted) ?? 0) + count);
  }
  for (const [type, count] of payloads) pipelineMetrics().manifestsFailed.set(count, { type });
  const tenants = await failedTenantCounts(pool);
  for (const workflow of cleanUpWorkflows)
    pipelineMetrics().cleanUpFailedTenants.set(tenants.get(workflow) ?? 0, { workflow });
}

async function sampleStaging(pool: Pool): Promise<void> {
  const sizes = await inTransaction(pool, async (client) => {
    // Measuring a size waits for a partition that the sweep is dropping; the next sample is a minute away.
    await client.query(`set local lock_timeout = '5s'`);
    const { rows } = await client.query<{ table: string; bytes: number }>(stagingSizesSql, [
      stagingTables,
      await registeredSchemas(client),
    ]);
    return new Map(rows.map(({ table, bytes }) => [table, bytes]));
  });
  for (const table of stagingTables) pipelineMetrics().stagingBytes.set(sizes.get(table) ?? 0, { table });
}

/**
 * $1 staging tables   $2 schemas of the tenants; the size is that of their partitions: a partitioned table itself holds
 * nothing.
 */
const stagingSizesSql = `
  select staging.relname as "table", sum(pg_total_relation_size(part.inhrelid))::bigint as bytes
  from pg_class as staging
  join pg_namespace as tenant on tenant.oid = staging.relnamespace
  join pg_inherits as part on part.inhparent = staging.oid
  where staging.relname = any($1)
      and staging.relkind = 'p'
      and tenant.nspname = any($2)
  group by staging.relname`;
