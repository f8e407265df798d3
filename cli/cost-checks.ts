import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { tenantIsBehind } from '../platform/migrations/migrate.ts';
import { tenantsWithTables } from '../platform/migrations/tenant-schemas.ts';
import type { Check } from './checks.ts';
import type { Services } from './services.ts';

const ambiguousSql = loadSql('costs/ambiguous_sources.sql');

/** Sources with two cost models, for every tenant; another check reports schemas that are behind. */
export async function checkCostModels({ pool }: Services): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { schema, orgId } of await tenantsWithTables(pool)) {
    if (await tenantIsBehind(pool, schema)) continue;
    const { rows } = await inTenantTransaction(pool, schema, (client) =>
      client.query<{ clusterId: string; models: string[] }>(ambiguousSql),
    );
    checks.push(
      ...rows.map(({ clusterId, models }): Check => ({
        what: `cost model of ${clusterId}`,
        ok: false,
        found: `${models.length} cost models: ${models.join(', ')}; it is not priced`,
        repair: `ocp-pipeline cost-model assign "${models[1] ?? ''}" --remove --org ${orgId} --cluster ${clusterId}`,
      })),
    );
  }
  return checks.length > 0
    ? checks
    : [{ what: 'cost models', ok: true, found: 'no cluster has more than one' }];
}
