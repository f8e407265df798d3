/** Precedes the lake's names of schemas whose names are not what Trino makes of them. */
const casedPrefix = 'cased_';

/**
 * Name of a tenant's schema in the lake: the same, if it is in lower case. Trino folds names to lower case, and tenants
 * that differ in case only must not share tables; so a name with capitals is spelled out, `orgAcme_1` as
 * `cased_org_acme__1`. Different schemas have different names, of lower-case letters, digits and underscores.
 *
 * @param schema in PostgreSQL: letters, digits and underscores
 */
export function lakeSchemaOf(schema: string): string {
  if (!/[A-Z]/.test(schema) && !schema.startsWith(casedPrefix)) return schema;
  return casedPrefix + schema.replaceAll(/[A-Z_]/g, (character) => `_${character.toLowerCase()}`);
}
