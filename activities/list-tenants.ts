import type { Tenant } from '../domain/cleanup.ts';
import { loadSql } from '../platform/sql-files.ts';
import type { ActivityDependencies } from './dependencies.ts';

const tenantsSql = loadSql('cleanup/tenants.sql');

/** Tenants that the pipeline has tables in: each is cleaned up on its own, so that a broken one stops no other. */
export async function listTenants(deps: ActivityDependencies): Promise<Tenant[]> {
  const { rows } = await deps.pool.query<{ org_id: string; schema_name: string }>(tenantsSql);
  return rows.map(({ org_id: orgId, schema_name: schema }) => ({ orgId, schema }));
}
