import type { Pool } from 'pg';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { matchSource } from '../platform/tenants/tenant.ts';

const ingestedPayloadSql = loadSql('status/ingested_payload.sql');

/**
 * Whether this database contains a payload's data: the archive is recorded, its cluster is registered, its manifest was
 * summarised, and none of its pieces waits to be loaded. Temporal may have a record of a run of another, or a newer,
 * database.
 */
export async function isIngested(pool: Pool, orgId: string, requestId: string): Promise<boolean> {
  const { rows } = await pool.query<{ uuid: string | null; clusterId: string | null }>(
    `select manifest ->> 'uuid' as uuid, manifest ->> 'clusterId' as "clusterId"
     from public.payload_inbox
     where org_id = $1 and request_id = $2 and archived_at is not null`,
    [orgId, requestId],
  );
  const { uuid, clusterId } = rows[0] ?? {};
  if (uuid == null || clusterId == null) return false;
  const source = await matchSource(pool, orgId, clusterId);
  if (source === undefined) return false;
  const { schema, sourceUuid } = source;
  return inTenantTransaction(pool, schema, async (client) => {
    const found = await client.query<{ ledger: string | null }>(
      `select to_regclass('ocp_manifest') as ledger`,
    );
    if (found.rows[0]?.ledger == null) return false;
    const ingested = await client.query<{ is_ingested: boolean }>(ingestedPayloadSql, [
      sourceUuid,
      uuid,
      requestId,
    ]);
    return ingested.rows[0]?.is_ingested === true;
  });
}
