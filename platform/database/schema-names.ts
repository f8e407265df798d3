import { PipelineError } from '../../domain/failures/failures.ts';
import pg from 'pg';

/** PostgreSQL silently truncates longer identifiers, so two tenants could end up in one schema. */
const maxIdentifierBytes = 63;

/**
 * Check the name of a tenant schema: a letter or `_` first, then letters, digits, `_` and `-`, at most 63 characters;
 * not `public` and not one of PostgreSQL's own. Quotes cannot occur, so the name is safe inside double quotes.
 *
 * @returns the same name
 * @throws PipelineError `SchemaNameInvalid`
 */
export function assertTenantSchemaName(name: string): string {
  const wellFormed = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && name.length <= maxIdentifierBytes;
  if (!wellFormed || name === 'public' || name === 'information_schema' || name.startsWith('pg_'))
    throw new PipelineError(
      'SchemaNameInvalid',
      `Tenant schema name ${JSON.stringify(name)} cannot be used: expected at most ${maxIdentifierBytes} letters, ` +
        `digits, "_" or "-", starting with a letter, and neither "public" nor a name of PostgreSQL's own; ` +
        `check the organisation id`,
    );
  return name;
}

/** A name quoted for use in SQL text, for example `org1` as `"org1"`. */
export function quoteIdentifier(name: string): string {
  return pg.escapeIdentifier(name);
}

/** `schema.name`, both quoted. */
export function quoteQualified(schema: string, name: string): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}
