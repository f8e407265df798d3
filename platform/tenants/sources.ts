import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';
import { inTenantTransaction, inTransaction } from '../database/database.ts';
import { awaitLock } from '../database/locks.ts';
import { migrateTenant, tenantIsBehind } from '../migrations/migrate.ts';
import type { MigrationLog, Queryable } from '../migrations/connection.ts';
import { writeApiSource } from './api-sources.ts';
import { findOrganisation, orgIdForm } from './organisation.ts';
import { matchSource } from './tenant.ts';

/** A cluster to register. */
export interface NewSource {
  orgId: string;
  clusterId: string;
  /** cluster alias shown in reports */
  name: string;
  /** provider UUID; random if absent */
  sourceUuid?: string;
}

/** A registered cluster. */
export interface RegisteredSource {
  orgId: string;
  schema: string;
  sourceUuid: string;
  clusterId: string;
  name: string;
  /** false if it was registered before */
  created: boolean;
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const unprintable = /\p{Control}/u;
/** The provider's column holds 256 characters. */
const maxNameLength = 256;
/** The report period's column holds 50 characters. */
const maxClusterIdLength = 50;

/**
 * Schema of an organisation if no other one is configured.
 * @throws PipelineError `ConfigInvalid` for an id that cannot be part of a schema name
 */
export function tenantSchemaOf(orgId: string): string {
  if (!orgIdForm.test(orgId))
    throw new PipelineError(
      'ConfigInvalid',
      `organisation "${orgId}": expected 1 to 36 letters, digits or underscores`,
    );
  return `org${orgId}`;
}

/**
 * Register a cluster: organisation, tenant schema (created and migrated), provider, and the source that Koku's API
 * lists. Registering it again updates its name. Two processes may register the same cluster concurrently.
 */
export async function registerSource(
  deps: { pool: Pool; databaseUrl: string; log: MigrationLog },
  source: NewSource,
): Promise<RegisteredSource> {
  if (!uuidForm.test(source.sourceUuid ?? randomUUID()))
    throw new PipelineError('ConfigInvalid', `source "${source.sourceUuid ?? ''}": expected a UUID`);
  if (
    source.name === '' ||
    source.name.length > maxNameLength ||
    unprintable.test(source.name + source.clusterId)
  )
    throw new PipelineError(
      'ConfigInvalid',
      `name and cluster id: expected 1 to ${maxNameLength} characters for the name, and no control characters`,
    );
  if (source.clusterId === '' || source.clusterId.length > maxClusterIdLength)
    throw new PipelineError(
      'ConfigInvalid',
      `cluster "${source.clusterId}": expected 1 to ${maxClusterIdLength} characters, found ${source.clusterId.length}`,
    );
  const schema = await inTransaction(deps.pool, (client) => ensureCustomer(client, source.orgId));
  if (await tenantIsBehind(deps.pool, schema)) await migrateTenant(deps.databaseUrl, schema, deps.log);
  return inTransaction(deps.pool, (client) => ensureProvider(client, schema, source));
}

/** Schema of a registered organisation. @throws PipelineError `ConfigInvalid` if it is not registered */
export async function schemaOf(client: Queryable, orgId: string): Promise<string> {
  const known = await findOrganisation(client, orgId);
  if (known === undefined)
    throw new PipelineError(
      'ConfigInvalid',
      `Organisation ${orgId} is unknown; register one of its clusters: ` +
        `ocp-pipeline source add --org ${orgId} --cluster ID --name ALIAS`,
    );
  return known.schema;
}

async function ensureCustomer(client: PoolClient, orgId: string): Promise<string> {
  const schema = tenantSchemaOf(orgId);
  await awaitLock(client, 'registration', orgId);
  const known = await findOrganisation(client, orgId);
  if (known !== undefined) return known.schema;
  await client.query(
    `insert into public.api_customer (date_created, date_updated, uuid, account_id, schema_name, org_id)
     values (now(), now(), gen_random_uuid(), null, $2, $1)`,
    [orgId, schema],
  );
  await client.query(
    `insert into public.api_tenant (schema_name)
     select $1::text
     where not exists (select 1 from public.api_tenant where schema_name = $1)`,
    [schema],
  );
  return schema;
}

async function ensureProvider(
  client: PoolClient,
  schema: string,
  source: NewSource,
): Promise<RegisteredSource> {
  await awaitLock(client, 'registration', source.orgId);
  const known = await matchSource(client, source.orgId, source.clusterId);
  const sourceUuid = known?.sourceUuid ?? source.sourceUuid ?? randomUUID();
  const created = known === undefined;
  if (created) await insertProvider(client, source, sourceUuid);
  else
    await client.query('update public.api_provider set name = $2 where uuid = $1', [sourceUuid, source.name]);
  await client.query(`select set_config('search_path', quote_ident($1) || ', public', true)`, [schema]);
  await client.query(
    `insert into reporting_tenant_api_provider (uuid, name, type, provider_id)
     values ($1, $2, 'OCP', $1)
     on conflict (uuid) do update set name = excluded.name`,
    [sourceUuid, source.name],
  );
  await writeApiSource(client, sourceUuid);
  const { orgId, clusterId, name } = source;
  return { orgId, schema, sourceUuid, clusterId, name, created };
}

async function insertProvider(client: PoolClient, source: NewSource, sourceUuid: string): Promise<void> {
  await client.query(
    `with authentication as (
         insert into public.api_providerauthentication (uuid, credentials)
         values (gen_random_uuid(), jsonb_build_object('cluster_id', $3::text))
         returning id
     ),
     billing as (
         insert into public.api_providerbillingsource (uuid, data_source)
         values (gen_random_uuid(), '{}')
         returning id
     )
     insert into public.api_provider (
         uuid, name, type, setup_complete, created_timestamp, active, paused, authentication_id, billing_source_id, customer_id
     )
     select $1, $4, 'OCP', false, now(), true, false, authentication.id, billing.id, customer.id
     from authentication, billing, public.api_customer as customer
     where customer.org_id = $2`,
    [sourceUuid, source.orgId, source.clusterId, source.name],
  );
}

/** All registered clusters, of one organisation or of all. */
export async function listSources(pool: Pool, orgId?: string): Promise<Omit<RegisteredSource, 'created'>[]> {
  const { rows } = await pool.query<Omit<RegisteredSource, 'created'>>(
    `select
         customer.org_id as "orgId",
         customer.schema_name as schema,
         provider.uuid as "sourceUuid",
         authentication.credentials ->> 'cluster_id' as "clusterId",
         provider.name
     from public.api_provider as provider
     join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
     join public.api_customer as customer on customer.id = provider.customer_id
     where provider.type = 'OCP'
         and ($1::text is null or customer.org_id = $1)
     order by customer.org_id, provider.name`,
    [orgId ?? null],
  );
  return rows;
}

/** A registered cluster of an organisation. @throws PipelineError `ConfigInvalid` with how to register it */
export async function findSource(
  pool: Pool,
  orgId: string,
  clusterId: string,
): Promise<Omit<RegisteredSource, 'created'>> {
  const source = (await listSources(pool, orgId)).find((candidate) => candidate.clusterId === clusterId);
  if (source === undefined)
    throw new PipelineError(
      'ConfigInvalid',
      `Organisation ${orgId} has no cluster ${clusterId}; ocp-pipeline source list shows its clusters`,
    );
  return source;
}

/**
 * Allow the pipeline to replace days that another writer summarised, from `fromDay` on. An earlier day widens the
 * permission; it is never narrowed, because what was replaced cannot be restored.
 *
 * @returns the first day that may be replaced now
 */
export async function adoptDays(
  pool: Pool,
  source: Pick<RegisteredSource, 'schema' | 'sourceUuid'>,
  fromDay: UsageDay,
): Promise<UsageDay> {
  return inTenantTransaction(pool, source.schema, async (client) => {
    const { rows } = await client.query<{ from_day: UsageDay }>(
      `insert into ocp_adoption as known (source_uuid, from_day)
       values ($1, $2)
       on conflict (source_uuid) do update
       set from_day = least(known.from_day, excluded.from_day),
           adopted_at = now()
       returning from_day`,
      [source.sourceUuid, fromDay],
    );
    return rows[0]?.from_day ?? fromDay;
  });
}
