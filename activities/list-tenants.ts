import type { Tenant } from '../domain/run/cleanup.ts';
import { tenantsWithTables } from '../platform/migrations/tenant-schemas.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/**
 * Tenants in which the pipeline has tables. Each is cleaned up separately, so that a broken one does not stop the
 * others.
 */
export async function listTenants(deps: ActivityDependencies): Promise<Tenant[]> {
  return (await tenantsWithTables(deps.pool)).map(({ orgId, schema }) => ({ orgId, schema }));
}
