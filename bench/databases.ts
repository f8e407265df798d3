import pg from 'pg';
import type { ClientBase } from 'pg';
import { relationTables } from '../domain/reports/relations.ts';
import { migratePublic, migrateTenant } from '../platform/migrations/migrate.ts';
import type { BenchServers } from './servers.ts';

/** Organisation whose tables the benchmark fills. */
export const benchOrg = { orgId: 'bench', schema: 'orgbench' } as const;

const template = 'bench_template';

/** Run statements on a connection of their own. */
export async function onDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Make the migrated database that every run starts from as a copy. */
export async function createTemplate(servers: BenchServers): Promise<void> {
  await createDatabase(servers, template);
  const log = { info: () => undefined };
  await migratePublic(servers.databaseUrl(template), log);
  await migrateTenant(servers.databaseUrl(template), benchOrg.schema, log);
}

/** A new empty database. */
export async function createDatabase(servers: BenchServers, name: string, from?: string): Promise<string> {
  await onDatabase(servers.databaseUrl('postgres'), async (client) => {
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name} ${from === undefined ? '' : `template ${from}`}`);
  });
  return servers.databaseUrl(name);
}

/** A new database with all tables of one tenant, empty. */
export async function createMigratedDatabase(servers: BenchServers, name: string): Promise<string> {
  return createDatabase(servers, name, template);
}

export async function dropDatabase(servers: BenchServers, name: string): Promise<void> {
  await onDatabase(servers.databaseUrl('postgres'), (client) =>
    client.query(`drop database if exists ${name} with (force)`),
  );
}

/** Where the write-ahead log stands, bytes since its beginning. */
export async function walPosition(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ position: string }>(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text as position`,
  );
  return Number(rows[0]?.position);
}

/** Sizes on disk of a tenant's tables with their indexes, bytes. */
export interface TenantSizes {
  staging: number;
  labelSets: number;
  /** daily relations */
  relations: number;
  summary: number;
  ledger: number;
}

/** Measure a tenant's tables. */
export async function tenantSizes(client: ClientBase): Promise<TenantSizes> {
  const { rows } = await client.query<{ part: keyof TenantSizes; bytes: string }>(
    `select
         case
             when relname like 'reporting\\_ocpusagelineitem\\_%\\_staging%' then 'staging'
             when relname = 'ocp_label_set' then 'labelSets'
             when exists (select from unnest($2::text[]) as relation where starts_with(relname, relation)) then 'relations'
             when relname like 'ocp\\_%' then 'ledger'
             else 'summary'
         end as part,
         sum(pg_total_relation_size(oid))::text as bytes
     from pg_class
     where relnamespace = $1::regnamespace
         and relkind = 'r'
     group by 1`,
    [benchOrg.schema, relationTables],
  );
  const of = (part: keyof TenantSizes) => Number(rows.find((row) => row.part === part)?.bytes ?? 0);
  return {
    staging: of('staging'),
    labelSets: of('labelSets'),
    relations: of('relations'),
    summary: of('summary'),
    ledger: of('ledger'),
  };
}

/** How much each part has grown. */
export function grownBy(before: TenantSizes, after: TenantSizes): TenantSizes {
  return {
    staging: after.staging - before.staging,
    labelSets: after.labelSets - before.labelSets,
    relations: after.relations - before.relations,
    summary: after.summary - before.summary,
    ledger: after.ledger - before.ledger,
  };
}
