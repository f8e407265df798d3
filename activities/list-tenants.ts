import type { Tenant } from '../domain/run/cleanup.ts';
import { tenantsWithTables } from '../platform/migrations/tenant-schemas.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/** Tenants that the pipeline has tables in: each is cleaned up on its own, so that a broken one stops no other. */
export async function listTenants(deps: ActivityDependencies): Promise<Tenant[]> {
  return (await tenantsWithTables(deps.pool)).map(({ orgId, schema }) => ({ orgId, schema }));
}
