import type { Pool, PoolClient } from 'pg';

/** A payload, by the request that announced it. */
export interface RequestOfPayload {
  orgId: string;
  requestId: string;
}

/** What became of a failed payload. */
export type Resolution = 'completed' | 'ignored' | 'abandoned' | 'dismissed';

/**
 * Record that nothing is left to do about the failed runs of a payload: it succeeded, or somebody dismissed it.
 * @returns failures that were open until now
 */
export async function resolveFailures(
  client: Pool | PoolClient,
  { orgId, requestId }: RequestOfPayload,
  resolution: Resolution,
): Promise<number> {
  const { rowCount } = await client.query(
    `update public.ingest_failure
     set resolved_at = now(), resolution = $3
     where org_id = $1 and request_id = $2 and resolved_at is null`,
    [orgId, requestId, resolution],
  );
  return rowCount ?? 0;
}

/**
 * Payloads whose last run failed and that have not been replayed since, by the type of that failure. A payload whose
 * archive the purge has removed can no longer be replayed and does not count.
 */
export async function countFailedPayloads(pool: Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ type: string; count: number }>(
    `select error_type as type, count(*)::int as count
     from (
         select distinct on (org_id, request_id) org_id, request_id, error_type
         from public.ingest_failure
         where resolved_at is null
         order by org_id, request_id, id desc
     ) as failed
     where exists (
         select 1
         from public.payload_inbox as inbox
         where inbox.org_id = failed.org_id
             and inbox.request_id = failed.request_id
     )
     group by 1`,
  );
  return new Map(rows.map(({ type, count }) => [type, count]));
}

/** How a run over all tenants ended. */
export interface EndedCleanUp {
  workflow: string;
  tenantCount: number;
  failedTenantCount: number;
  /** the organisation that failed first, and why; null if none failed */
  reason: string | null;
}

/** Record how the last run of a workflow over all tenants ended. */
export async function recordCleanUpRun(pool: Pool, run: EndedCleanUp): Promise<void> {
  await pool.query(
    `insert into public.cleanup_run (workflow, ended_at, tenant_count, failed_tenant_count, reason)
     values ($1, now(), $2, $3, $4)
     on conflict (workflow) do update
     set ended_at = excluded.ended_at, tenant_count = excluded.tenant_count,
         failed_tenant_count = excluded.failed_tenant_count, reason = excluded.reason`,
    [run.workflow, run.tenantCount, run.failedTenantCount, run.reason],
  );
}

/** Tenants that failed in the last run of each workflow over all tenants; one that never ran is absent. */
export async function failedTenantCounts(pool: Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ workflow: string; count: number }>(
    'select workflow, failed_tenant_count as count from public.cleanup_run',
  );
  return new Map(rows.map(({ workflow, count }) => [workflow, count]));
}
