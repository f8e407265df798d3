import type { Queryable } from '../migrations/connection.ts';

/** Form of an organisation's id: it becomes part of a schema name, of workflow ids and of object keys. */
export const orgIdForm = /^[A-Za-z0-9_]{1,36}$/;

/** A registered organisation. */
export interface Organisation {
  schema: string;
  /** whether our tables are in its schema; Koku creates schemas, too */
  isMigrated: boolean;
}

/** The organisation with this id; undefined if it is not registered. */
export async function findOrganisation(client: Queryable, orgId: string): Promise<Organisation | undefined> {
  const { rows } = await client.query<Organisation>(
    `select schema_name as schema, to_regclass(format('%I.ocp_day', schema_name)) is not null as "isMigrated"
     from public.api_customer
     where org_id = $1`,
    [orgId],
  );
  return rows[0];
}
