import type { Pool, PoolClient } from 'pg';
import { firstDay, lastDay } from '../domain/time/usage-day.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { engineNames } from '../platform/config/config.ts';
import type { Config, EngineName } from '../platform/config/config.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { TenantSettings } from '../platform/tenants/tenant.ts';
import type { PlanInput } from './plan.ts';

const moveMonthSql = loadSql('engines/move_month.sql');

/** A month of a source of a tenant. */
interface Month {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
}

/** The engine that new months of a tenant get. */
export function engineOfTenant(config: Config, { engine }: TenantSettings): EngineName {
  return engine ?? (config.OCP_POSTGRES_PIPELINE === 'false' ? 'trino' : 'postgres');
}

/** The engine that a month stays on; before its first summary the one that it would get. */
export async function engineOfMonth(
  pool: Pool,
  { schema, sourceUuid, month }: Month,
  ofTenant: EngineName,
): Promise<EngineName> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ engine: EngineName | null }>(
      'select engine from ocp_source_month where source_uuid = $1 and billing_month = $2',
      [sourceUuid, firstDay(month)],
    ),
  );
  return rows[0]?.engine ?? ofTenant;
}

/**
 * The engine that runs beside that of a month, to be compared: of a tenant in shadow the one that the month is not on,
 * also when it began before the tenant's engine was changed.
 */
export function shadowOfMonth({ shadow }: TenantSettings, engine: EngineName): EngineName | undefined {
  return shadow === engine ? engineNames.find((name) => name !== engine) : shadow;
}

/**
 * The engine for a rebuild. Rebuilding the whole month moves it to the tenant's, and all its relations are built again;
 * this is recorded at once, because pieces that the plan then misses are loaded for the engine of their month.
 */
export async function engineOfRebuild(
  pool: Pool,
  input: Month & Pick<PlanInput, 'force'>,
  ofTenant: EngineName,
): Promise<EngineName> {
  const { schema, sourceUuid, month, force } = input;
  if (force?.from !== firstDay(month) || force.until !== lastDay(month))
    return engineOfMonth(pool, input, ofTenant);
  await inTenantTransaction(pool, schema, (client) =>
    client.query(moveMonthSql, [sourceUuid, firstDay(month), ofTenant]),
  );
  return ofTenant;
}

/** Record, in the transaction of the first summary, the engine that the month stays on. */
export async function recordEngine(
  client: PoolClient,
  { sourceUuid, month }: Omit<Month, 'schema'>,
  engine: EngineName,
): Promise<void> {
  await client.query(
    `update ocp_source_month
     set engine = $3
     where source_uuid = $1
         and billing_month = $2
         and engine is null`,
    [sourceUuid, firstDay(month), engine],
  );
}
