import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** A parent key and the child keys that are counted under it. */
export interface TagMapping {
  parent: string;
  /** sorted */
  children: string[];
}

interface KeyRole {
  key: string;
  enabled: boolean;
  /** parent that the key is mapped to, if it is a child */
  parent: string | null;
  is_parent: boolean;
  /** cost models and price lists with a rate for this key */
  used_by: string[];
}

const keyRolesSql = loadSql('summary/tags/key_roles.sql');
const addMappingsSql = loadSql('summary/tags/add_mappings.sql');

/** Tag mappings of a tenant, sorted by parent. */
export async function listTagMappings(pool: Pool, schema: string): Promise<TagMapping[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<TagMapping>(
      `select
           parent.key as parent,
           array_agg(child.key::text order by child.key collate "C") as children
       from reporting_tagmapping as pair
       join reporting_enabledtagkeys as parent on parent.uuid = pair.parent_id
       join reporting_enabledtagkeys as child on child.uuid = pair.child_id
       where child.provider_type = 'OCP'
       group by parent.key
       order by parent.key collate "C"`,
    ),
  );
  return rows;
}

/**
 * Count child label keys under a parent key. Children that are already mapped to this parent are left alone. Days
 * summarised afterwards, and those that the next run of their month rebuilds, use the mapping.
 *
 * @returns how many children were added
 * @throws PipelineError `ConfigInvalid`, with all reasons at once, if a key is unknown or not enabled, a parent would
 *   also be a child or a child a parent, a child has another parent, or a cost model has a rate for a child; nothing is
 *   mapped then
 */
export async function mapTags(
  pool: Pool,
  schema: string,
  parent: string,
  children: readonly string[],
): Promise<number> {
  return inTenantTransaction(pool, schema, async (client) => {
    await lockMappings(client);
    const { rows } = await client.query<KeyRole>(keyRolesSql, [[parent, ...children]]);
    const roles = new Map(rows.map((role) => [role.key, role]));
    const problems = [
      ...parentProblems(parent, roles.get(parent)),
      ...new Set(children.flatMap((child) => childProblems(parent, child, roles.get(child)))),
    ];
    if (children.length === 0) problems.push('no child key given');
    if (problems.length > 0)
      throw new PipelineError('ConfigInvalid', `Tag mapping to ${parent}: ${problems.join('; ')}`, {
        details: { parent, children: [...children], problems },
      });
    const { rowCount } = await client.query(addMappingsSql, [parent, children]);
    return rowCount ?? 0;
  });
}

/**
 * Count child label keys under their own names again.
 * @returns how many were mapped until now
 */
export async function unmapTags(pool: Pool, schema: string, children: readonly string[]): Promise<number> {
  return inTenantTransaction(pool, schema, async (client) => {
    await lockMappings(client);
    const { rowCount } = await client.query(
      `delete from reporting_tagmapping as pair
       using reporting_enabledtagkeys as child
       where child.uuid = pair.child_id
           and child.provider_type = 'OCP'
           and child.key = any($1::text[])`,
      [children],
    );
    return rowCount ?? 0;
  });
}

/** One change at a time: two changes that are each valid could together make a key both parent and child. */
async function lockMappings(client: PoolClient): Promise<void> {
  await client.query('lock table reporting_tagmapping in share row exclusive mode');
}

function parentProblems(parent: string, role: KeyRole | undefined): string[] {
  if (role?.enabled !== true) return [notEnabled(parent)];
  return role.parent === null
    ? []
    : [`${parent} is itself mapped to ${role.parent}; unmap it first, or map to ${role.parent}`];
}

function childProblems(parent: string, child: string, role: KeyRole | undefined): string[] {
  if (child === parent) return [`${child} cannot be its own parent`];
  if (role?.enabled !== true) return [notEnabled(child)];
  const problems: string[] = [];
  if (role.is_parent) problems.push(`${child} is the parent of other keys; unmap those first`);
  if (role.parent !== null && role.parent !== parent)
    problems.push(`${child} is already mapped to ${role.parent}; unmap it first`);
  if (role.used_by.length > 0)
    problems.push(
      `${child} is used by rates of ${role.used_by.join(', ')}; change the rates to ${parent} first`,
    );
  return problems;
}

function notEnabled(key: string): string {
  return `${key} is not an enabled key; enable it first: ocp-pipeline tags enable ${key}`;
}
