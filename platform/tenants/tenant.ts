import type { Pool } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import { loadSql } from '../database/sql-files.ts';
import { engineNames } from '../config/config.ts';
import type { EngineName, RulesProfile } from '../config/config.ts';
import { inTransaction } from '../database/database.ts';
import type { Queryable } from '../migrations/connection.ts';

/** A registered cluster: its provider, the schema of its tenant, and its name for people. */
export interface Source {
  sourceUuid: string;
  schema: string;
  clusterAlias: string;
}

const matchSourceSql = loadSql('intake/match_source.sql');

/** The source of a cluster of an organisation, or undefined if it is not registered. */
export async function matchSource(
  client: Queryable,
  orgId: string,
  clusterId: string,
): Promise<Source | undefined> {
  const { rows } = await client.query<{ source_uuid: string; cluster_alias: string; schema_name: string }>(
    matchSourceSql,
    [orgId, clusterId],
  );
  const row = rows[0];
  return row && { sourceUuid: row.source_uuid, schema: row.schema_name, clusterAlias: row.cluster_alias };
}

/** Overrides of a tenant; an absent key follows the deployment's configuration. */
export interface TenantSettings {
  rules?: RulesProfile;
  engine?: EngineName;
  /** runs beside the engine: compared, and written nowhere */
  shadow?: EngineName;
}

/**
 * Overrides of the tenant that owns `schema`.
 * @throws PipelineError `ConfigInvalid` if a stored value is not supported by this version
 */
export async function tenantSettings(pool: Pool, schema: string): Promise<TenantSettings> {
  const { rows } = await pool.query<{ key: string; value: string }>(
    `select setting.key, setting.value
     from public.tenant_setting as setting
     join public.api_customer as customer on customer.org_id = setting.org_id
     where customer.schema_name = $1`,
    [schema],
  );
  const settings: TenantSettings = {};
  for (const { key, value } of rows) Object.assign(settings, checkTenantSetting(key, value));
  return settings;
}

/** Organisations whose days both engines compute. */
export async function organisationsInShadow(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ org_id: string }>(
    "select org_id from public.tenant_setting where key = 'shadow' order by org_id",
  );
  return rows.map((row) => row.org_id);
}

/**
 * Store overrides of an organisation, all or none; a blank value removes the override.
 *
 * @param deploymentEngine engine of tenants without an override
 * @returns the overrides that now apply
 * @throws PipelineError `ConfigInvalid` for an unknown key or value, or a shadow that is the engine itself
 */
export async function setTenantSettings(
  pool: Pool,
  orgId: string,
  pairs: readonly (readonly [key: string, value: string])[],
  deploymentEngine: EngineName = 'postgres',
): Promise<TenantSettings> {
  for (const [key, value] of pairs) checkTenantSetting(key, value === '' ? (anyValue[key] ?? '') : value);
  return inTransaction(pool, async (client) => {
    for (const [key, value] of pairs)
      await (value === ''
        ? client.query('delete from public.tenant_setting where org_id = $1 and key = $2', [orgId, key])
        : client.query(
            `insert into public.tenant_setting (org_id, key, value, updated_at)
             values ($1, $2, $3, now())
             on conflict (org_id, key) do update set value = excluded.value, updated_at = excluded.updated_at`,
            [orgId, key, value],
          ));
    const { rows } = await client.query<{ key: string; value: string }>(
      'select key, value from public.tenant_setting where org_id = $1 order by key',
      [orgId],
    );
    const settings = Object.assign(
      {},
      ...rows.map(({ key, value }) => checkTenantSetting(key, value)),
    ) as TenantSettings;
    // What the deployment has made of a stored shadow since then does not keep other settings from being changed.
    if (pairs.some(([key]) => key === 'engine' || key === 'shadow')) requireOther(settings, deploymentEngine);
    return settings;
  });
}

/** @throws PipelineError `ConfigInvalid` if an engine would be compared with itself */
function requireOther({ engine, shadow }: TenantSettings, deploymentEngine: EngineName): void {
  const own = engine ?? deploymentEngine;
  if (shadow !== own) return;
  throw new PipelineError(
    'ConfigInvalid',
    `shadow=${shadow}: expected the other engine, because ${own} is the engine of the organisation`,
    {
      remedy: `set shadow=${engineNames.filter((name) => name !== own).join(' or ')}, or remove it with shadow=; engine and shadow can be set together`,
    },
  );
}

/** A valid value for each key, to check the key of an override that is removed. */
const anyValue: Readonly<Record<string, string>> = {
  rules: 'design',
  engine: engineNames[0],
  shadow: engineNames[0],
};

/**
 * Check one override before it is stored or applied.
 * @throws PipelineError `ConfigInvalid` listing the valid keys and values
 */
function checkTenantSetting(key: string, value: string): TenantSettings {
  if (key === 'rules' && (value === 'design' || value === 'koku')) return { rules: value };
  const engine = engineNames.find((name) => name === value);
  if (key === 'engine' && engine !== undefined) return { engine };
  if (key === 'shadow' && engine !== undefined) return { shadow: engine };
  throw new PipelineError(
    'ConfigInvalid',
    `${key}=${value}: expected rules=design, rules=koku, engine=postgres, engine=trino, shadow=postgres or shadow=trino`,
  );
}
