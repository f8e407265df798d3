import type { Tenant } from '../../domain/run/cleanup.ts';
import { loadSql } from '../database/sql-files.ts';
import type { Queryable } from './connection.ts';

const sql = {
  registered: loadSql('tenants/registered.sql'),
  withTables: loadSql('tenants/with_tables.sql'),
};

/**
 * Schemas of all tenants that anybody registered, by name: what is migrated and checked. Some may not exist yet, and in
 * a tenant that only Koku knows there may be no table of ours: {@link tenantsWithTables} leaves both out.
 */
export async function registeredSchemas(client: Queryable): Promise<string[]> {
  const { rows } = await client.query<{ schema: string }>(sql.registered);
  return rows.map(({ schema }) => schema);
}

/** Which of {@link tenantsWithTables} to list; ids are those of customers. */
export interface TenantFilter {
  orgId?: string | undefined;
  afterId?: number | undefined;
  lastId?: number | undefined;
}

/** Tenants in which this pipeline has tables, in the order of their ids: there is something to do or to check. */
export async function tenantsWithTables(
  client: Queryable,
  { orgId, afterId, lastId }: TenantFilter = {},
): Promise<(Tenant & { id: number })[]> {
  const values = [orgId ?? null, afterId ?? null, lastId ?? null];
  return (await client.query<Tenant & { id: number }>(sql.withTables, values)).rows;
}
