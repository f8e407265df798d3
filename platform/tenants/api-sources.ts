import type { Pool, PoolClient } from 'pg';

/** A registered cluster as the Sources API shows it. */
export interface ApiSource {
  /** `source_id` of `api_sources` */
  id: number;
  sourceUuid: string;
  name: string;
  clusterId: string;
  createdAt: Date | null;
}

/**
 * Write the row of `api_sources` of a provider, or update its name. The platform's Sources service would assign the
 * ids; without one they are counted, which only one transaction at a time may do.
 */
export async function writeApiSource(client: PoolClient, sourceUuid: string): Promise<void> {
  const updated = await client.query(
    `update public.api_sources as source
     set name = provider.name, updated_timestamp = now()
     from public.api_provider as provider
     where provider.uuid = $1
         and (source.koku_uuid = $1::text or source.provider_id = $1 or source.source_uuid = $1)`,
    [sourceUuid],
  );
  if (updated.rowCount !== 0) return;
  await client.query('lock table public.api_sources in share row exclusive mode');
  await client.query(
    `insert into public.api_sources (
         source_id, source_uuid, name, "offset", source_type, authentication, billing_source, koku_uuid,
         pending_delete, pending_update, out_of_order_delete, status, paused, provider_id, org_id, account_id,
         updated_timestamp
     )
     select
         (select coalesce(max(source_id), 0) + 1 from public.api_sources),
         provider.uuid, provider.name, 0, 'OCP', jsonb_build_object('credentials', authentication.credentials),
         jsonb_build_object('data_source', '{}'::jsonb), provider.uuid::text, false, false, false, '{}', false,
         provider.uuid, customer.org_id, customer.account_id, now()
     from public.api_provider as provider
     join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
     join public.api_customer as customer on customer.id = provider.customer_id
     where provider.uuid = $1`,
    [sourceUuid],
  );
}

/** Which sources to list. */
export interface ApiSourceFilter {
  orgId: string;
  clusterId?: string | undefined;
  name?: string | undefined;
  id?: number | undefined;
}

/** Registered clusters of an organisation that match a filter, in the order of their ids. */
export async function listApiSources(pool: Pool, filter: ApiSourceFilter): Promise<ApiSource[]> {
  const { rows } = await pool.query<ApiSource>(
    `select
         source.source_id as id,
         provider.uuid as "sourceUuid",
         provider.name,
         authentication.credentials ->> 'cluster_id' as "clusterId",
         provider.created_timestamp as "createdAt"
     from public.api_sources as source
     join public.api_provider as provider
         on provider.uuid = source.provider_id or provider.uuid::text = source.koku_uuid
     join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
     join public.api_customer as customer on customer.id = provider.customer_id
     where provider.type = 'OCP'
         and customer.org_id = $1
         and ($2::text is null or authentication.credentials = jsonb_build_object('cluster_id', $2::text))
         and ($3::text is null or provider.name = $3)
         and ($4::integer is null or source.source_id = $4)
     order by source.source_id`,
    [filter.orgId, filter.clusterId ?? null, filter.name ?? null, filter.id ?? null],
  );
  return rows;
}

/** Whether a cluster is registered by another organisation than this one. */
export async function isOfAnotherOrg(pool: Pool, orgId: string, clusterId: string): Promise<boolean> {
  const { rows } = await pool.query(
    `select
     from public.api_provider as provider
     join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
     join public.api_customer as customer on customer.id = provider.customer_id
     where provider.type = 'OCP'
         and customer.org_id <> $1
         and authentication.credentials = jsonb_build_object('cluster_id', $2::text)
     limit 1`,
    [orgId, clusterId],
  );
  return rows.length > 0;
}

/** `source_id` that Koku's Sources API gives a provider; null if it has none. */
export async function sourceIdOf(pool: Pool, sourceUuid: string): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>(
    `select source_id::text as id
     from public.api_sources
     where provider_id = $1 or koku_uuid = $1::text
     order by source_id
     limit 1`,
    [sourceUuid],
  );
  return rows[0]?.id ?? null;
}
