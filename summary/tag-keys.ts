import type { Pool } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { inTenantTransaction } from '../platform/database/database.ts';

/** A label key of a tenant. */
export interface TagKey {
  key: string;
  enabled: boolean;
}

/** Maximum number of keys that a tenant may enable. */
const maxEnabledKeys = 200;

/** The column holds 512 characters. */
const maxKeyLength = 512;

/** Label keys of a tenant, sorted. Keys from payloads are registered as disabled. */
export async function listTagKeys(pool: Pool, schema: string): Promise<TagKey[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<TagKey>(
      `select key, enabled from reporting_enabledtagkeys where provider_type = 'OCP' order by key collate "C"`,
    ),
  );
  return rows;
}

/**
 * Enable or disable label keys; an unknown key can be enabled ahead of its first payload. The next run of a month
 * rebuilds the days that were summarised with other settings.
 *
 * @returns how many keys changed
 * @throws PipelineError `ConfigInvalid` if more keys would be enabled than a tenant may have
 */
export async function setTagKeys(
  pool: Pool,
  schema: string,
  keys: readonly string[],
  enabled: boolean,
): Promise<number> {
  const bad = keys.find((key) => key === '' || key.length > maxKeyLength);
  if (bad !== undefined)
    throw new PipelineError(
      'ConfigInvalid',
      `label key "${bad.slice(0, 40)}": expected 1 to ${maxKeyLength} characters, found ${bad.length}`,
    );
  return inTenantTransaction(pool, schema, async (client) => {
    const { rowCount } = await client.query(
      `insert into reporting_enabledtagkeys as known (uuid, key, enabled, provider_type)
       select gen_random_uuid(), listed.key, $2, 'OCP'
       from (select distinct unnest($1::text[]) as key) as listed
       where $2 or exists (
           select 1 from reporting_enabledtagkeys where key = listed.key and provider_type = 'OCP'
       )
       order by listed.key collate "C"
       on conflict (key, provider_type) do update
       set enabled = excluded.enabled
       where known.enabled <> excluded.enabled`,
      [keys, enabled],
    );
    const { rows } = await client.query<{ n: number }>(
      `select count(*) as n from reporting_enabledtagkeys where enabled and provider_type = 'OCP'`,
    );
    const count = rows[0]?.n ?? 0;
    if (enabled && count > maxEnabledKeys)
      throw new PipelineError(
        'ConfigInvalid',
        `${count} enabled keys: expected at most ${maxEnabledKeys}; disable some first: ocp-pipeline tags disable KEY`,
      );
    return rowCount ?? 0;
  });
}
