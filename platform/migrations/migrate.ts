import type { Client } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import { transactionOn } from '../database/database.ts';
import type { MigrationLog, MigrationPatience, Queryable } from './connection.ts';
import { inMigration, onMigrationConnection } from './connection.ts';
import { applyDefinitions, definitionChecksums, lostFunctions } from './definitions.ts';
import type { SchemaSources } from './files.ts';
import { definitionsChecksum, migrationNames, readDefinitions, shippedSources } from './files.ts';
import { appliedMigrations, applyMigrations, assertAllKnown } from './runner.ts';
import { assertKeys, assertSchema, checkSchema } from './schema-check.ts';
import { registeredSchemas } from './tenant-schemas.ts';
import { assertTenantSchemaName, quoteIdentifier } from '../database/schema-names.ts';

/** What one schema needed. All lists are empty if it was up to date. */
export interface MigrationReport {
  schema: string;
  schemaCreated: boolean;
  /** Migrations applied now, in order. */
  migrations: string[];
  /** Files of `sql/functions` applied now, in order. */
  definitions: string[];
  durationMs: number;
}

/** The version to which this program migrates a schema. */
export interface RequiredVersion {
  /** Newest migration of `public`. */
  publicMigration: string;
  /** Newest migration of a tenant schema. */
  tenantMigration: string;
  /** Checksum over all repeatable definitions. */
  definitionsChecksum: string;
}

/**
 * Bring the schema `public` up to date: Koku's shared tables that are missing, and the intake tables. Idempotent, even
 * in two concurrent processes: the second waits for the first, at most ten minutes. If there is nothing to do, no lock
 * is taken. Tables that Koku created are left unchanged.
 *
 * @throws PipelineError `PostgresTooOld`, `EncodingUnsupported`, `SchemaNewer`, `SchemaSuperseded`, `MigrationBusy`,
 *   `MigrationFailed` or `ColumnsMissing`; nothing was changed
 */
export async function migratePublic(
  databaseUrl: string,
  log: MigrationLog,
  sources: SchemaSources = shippedSources,
  patience?: MigrationPatience,
): Promise<MigrationReport> {
  return onMigrationConnection(databaseUrl, async (client) => {
    const startedAt = performance.now();
    const isBehind = await transactionOn(
      client,
      async () => (await publicIsBehind(client, sources)) || !(await fits(client, 'public')),
    );
    const bring = async (): Promise<string[]> => {
      await assertKeys(client, 'public');
      const applied = await applyMigrations(client, 'public', sources.publicMigrations);
      await assertSchema(client, 'public');
      return applied;
    };
    const migrations = isBehind ? await inMigration(client, 'public', log, bring, patience) : [];
    return report(log, { schema: 'public', schemaCreated: false, migrations, definitions: [] }, startedAt);
  });
}

/**
 * Bring one tenant schema up to date: create it if it is missing, apply its migrations, then every file of
 * `sql/functions` whose text changed or whose functions are missing, all in one transaction. `public` must be up to
 * date. Idempotent, even concurrently. If there is nothing to do, no lock is taken.
 *
 * @throws PipelineError `SchemaNameInvalid`, `PostgresTooOld`, `EncodingUnsupported`, `PublicSchemaBehind`,
 *   `SchemaNewer`, `SchemaSuperseded`, `MigrationBusy`, `MigrationFailed` or `ColumnsMissing`; nothing was changed
 */
export async function migrateTenant(
  databaseUrl: string,
  schema: string,
  log: MigrationLog,
  sources: SchemaSources = shippedSources,
  patience?: MigrationPatience,
): Promise<MigrationReport> {
  assertTenantSchemaName(schema);
  return onMigrationConnection(databaseUrl, async (client) => {
    const startedAt = performance.now();
    const isBehind = await transactionOn(client, async () => {
      await requirePublic(client, schema, sources);
      return (
        (await tenantIsBehind(client, schema, sources)) ||
        !(await fits(client, schema)) ||
        (await lostFunctions(client, schema, readDefinitions(sources.definitions))).length > 0
      );
    });
    const bring = async () => {
      const schemaCreated = await createSchemaIfAbsent(client, schema);
      await assertKeys(client, schema);
      const migrations = await applyMigrations(client, schema, sources.tenantMigrations);
      const definitions = await applyDefinitions(client, schema, readDefinitions(sources.definitions));
      await assertSchema(client, schema);
      return { schemaCreated, migrations, definitions };
    };
    const done = isBehind
      ? await inMigration(client, schema, log, bring, patience)
      : { schemaCreated: false, migrations: [], definitions: [] };
    return report(log, { schema, ...done }, startedAt);
  });
}

/**
 * Bring `public` and then the schema of every registered tenant up to date. A tenant that fails does not hold up the
 * others.
 *
 * @returns one report per schema, `public` first, then by name
 * @throws PipelineError `TenantsFailed`, with all failures in its cause (an AggregateError), after all others are done
 */
export async function migrateAll(
  databaseUrl: string,
  log: MigrationLog,
  sources: SchemaSources = shippedSources,
): Promise<MigrationReport[]> {
  const reports = [await migratePublic(databaseUrl, log, sources)];
  const failures: Error[] = [];
  const schemas = await onMigrationConnection(databaseUrl, (client) =>
    transactionOn(client, () => registeredSchemas(client)),
  );
  for (const schema of schemas) {
    try {
      reports.push(await migrateTenant(databaseUrl, schema, log, sources));
    } catch (error) {
      failures.push(error as Error);
    }
  }
  if (failures.length === 0) return reports;
  throw new PipelineError(
    'TenantsFailed',
    `${failures.length} of ${schemas.length} tenant schemas could not be migrated: ` +
      failures.map((failure) => failure.message).join(' | '),
    { cause: new AggregateError(failures) },
  );
}

/**
 * Whether a tenant schema needs {@link migrateTenant} before this version can work with it: it is absent, lacks a
 * migration, or has other versions of the functions.
 *
 * @throws PipelineError `SchemaNewer` when a newer version has migrated it; `SchemaSuperseded`
 */
export async function tenantIsBehind(
  client: Queryable,
  schema: string,
  sources: SchemaSources = shippedSources,
): Promise<boolean> {
  assertTenantSchemaName(schema);
  const known = migrationNames(sources.tenantMigrations);
  const applied = await appliedMigrations(client, schema);
  assertAllKnown(schema, applied, known);
  if (applied.length < known.length) return true;
  const checksums = await definitionChecksums(client, schema);
  return readDefinitions(sources.definitions).some(({ name, checksum }) => checksums.get(name) !== checksum);
}

/**
 * Whether `public` needs {@link migratePublic} before this version can work with it.
 *
 * @throws PipelineError `SchemaNewer` when a newer version has migrated it; `SchemaSuperseded`
 */
export async function publicIsBehind(
  client: Queryable,
  sources: SchemaSources = shippedSources,
): Promise<boolean> {
  return (await pendingPublic(client, sources)).length > 0;
}

/** The version this program brings schemas to, read from its own files. */
export function requiredVersion(sources: SchemaSources = shippedSources): RequiredVersion {
  return {
    publicMigration: migrationNames(sources.publicMigrations).at(-1) ?? 'none',
    tenantMigration: migrationNames(sources.tenantMigrations).at(-1) ?? 'none',
    definitionsChecksum: definitionsChecksum(readDefinitions(sources.definitions)),
  };
}

/** @throws PipelineError `SchemaNewer` when a newer version has migrated it; `SchemaSuperseded` */
async function pendingPublic(client: Queryable, sources: SchemaSources): Promise<string[]> {
  const known = migrationNames(sources.publicMigrations);
  const applied = await appliedMigrations(client, 'public');
  assertAllKnown('public', applied, known);
  return known.filter((name) => !applied.includes(name));
}

/** Whether the tables are those of this version; if not, migrating reports what is wrong. */
async function fits(client: Client, schema: string): Promise<boolean> {
  return (await checkSchema(client, schema)).length === 0;
}

async function requirePublic(client: Client, schema: string, sources: SchemaSources): Promise<void> {
  const pending = await pendingPublic(client, sources);
  if (pending.length > 0)
    throw new PipelineError(
      'PublicSchemaBehind',
      `Schema "${schema}" cannot be migrated: "public" still lacks ${pending.join(', ')}; migrate "public" first`,
    );
}

async function createSchemaIfAbsent(client: Client, schema: string): Promise<boolean> {
  const { rows } = await client.query('select from pg_namespace where nspname = $1', [schema]);
  if (rows.length > 0) return false;
  // Check first: "create schema if not exists" needs the privilege to create schemas even if it creates none.
  await client.query(`create schema ${quoteIdentifier(schema)}`);
  return true;
}

function report(
  log: MigrationLog,
  done: Omit<MigrationReport, 'durationMs'>,
  startedAt: number,
): MigrationReport {
  const result = { ...done, durationMs: Math.round(performance.now() - startedAt) };
  const changed = result.schemaCreated || result.migrations.length > 0 || result.definitions.length > 0;
  log.info(result, changed ? 'schema migrated' : 'schema is up to date');
  return result;
}
