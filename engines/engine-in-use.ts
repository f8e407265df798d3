import type { Pool } from 'pg';
import type { Config } from '../platform/config/config.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { tenantIsBehind } from '../platform/migrations/migrate.ts';
import { tenantsWithTables } from '../platform/migrations/tenant-schemas.ts';
import { tenantSettings } from '../platform/tenants/tenant.ts';
import { engineOfTenant } from './engine-of-month.ts';

/**
 * Who has work for the Trino engine: an organisation that is set to it, one in shadow, or one with a month on it;
 * undefined: nobody.
 */
export async function userOfTrino(pool: Pool, config: Config): Promise<string | undefined> {
  if (config.OCP_POSTGRES_PIPELINE === 'false') return 'the deployment';
  for (const { schema, orgId } of await tenantsWithTables(pool)) {
    if (await tenantIsBehind(pool, schema)) continue;
    const settings = await tenantSettings(pool, schema);
    if (settings.shadow !== undefined || engineOfTenant(config, settings) === 'trino')
      return `organisation ${orgId}`;
    const { rows } = await inTenantTransaction(pool, schema, (client) =>
      client.query("select from ocp_source_month where engine = 'trino' limit 1"),
    );
    if (rows.length > 0) return `organisation ${orgId}`;
  }
  return undefined;
}
