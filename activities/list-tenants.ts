import type { Tenant } from '../domain/run/cleanup.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

const tenantsSql = loadSql('retention/tenants.sql');

/** Tenants that the pipeline has tables in: each is cleaned up on its own, so that a broken one stops no other. */
export async function listTenants(deps: ActivityDependencies): Promise<Tenant[]> {
  const { rows } = await deps.pool.query<{ org_id: string; schema_name: string }>(tenantsSql);
  return rows.map(({ org_id: orgId, schema_name: schema }) => ({ orgId, schema }));
}
