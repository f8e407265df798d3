import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { runner } from 'node-pg-migrate';
import type { RunnerOption } from 'node-pg-migrate';
import type { Client } from 'pg';
import type { Queryable } from './connection.ts';
import { migrationNames } from './files.ts';
import { lineOfPosition } from './position.ts';
import { SchemaError } from '../database/schema-errors.ts';
import { quoteIdentifier, quoteQualified } from '../database/schema-names.ts';

const migrationTable = 'ocp_migration';
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Apply the migrations of `directory` that `schema` does not have yet. The caller's transaction holds the migration lock of
 * the schema; its search path becomes the schema, then `public`.
 *
 * @returns names of the migrations applied now, in order
 * @throws SchemaError `SchemaNewer` when the schema has a migration that `directory` lacks
 * @throws SchemaError `MigrationFailed`, naming file and line
 */
export async function applyMigrations(client: Client, schema: string, directory: string): Promise<string[]> {
  const known = migrationNames(directory);
  const before = await appliedMigrations(client, schema);
  assertAllKnown(schema, before, known);
  const progress = { file: '', text: '' };
  try {
    if (before.length === 0) await createMigrationTable(client, schema);
    await client.query(`select set_config('search_path', $1, true)`, [
      schema === 'public' ? 'public' : `${quoteIdentifier(schema)}, public`,
    ]);
    const applied = await runner({
      dbClient: client,
      migrationsSchema: schema,
      migrationsTable: migrationTable,
      dir: directory,
      ignorePattern: '(?!.*\\.sql$).*',
      direction: 'up',
      checkOrder: true,
      // Each migration says "no transaction": it is in ours. What the runner itself sets would outlive a transaction.
      singleTransaction: false,
      // we hold a lock of our own, one per schema, that waits instead of failing
      noLock: true,
      logger: silent,
      migrationLoaderStrategies: [{ extensions: ['.sql'], loader: upOnlyLoader(progress) }],
    });
    return applied.map((migration) => migration.name);
  } catch (error) {
    throw migrationFailed(schema, progress, error);
  }
}

/** Names of the migrations that `schema` has, in the order they were applied; empty when there is no such schema. */
export async function appliedMigrations(client: Queryable, schema: string): Promise<string[]> {
  const table = quoteQualified(schema, migrationTable);
  const existing = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    table,
  ]);
  if (existing.rows[0]?.found !== true) return [];
  const { rows } = await client.query<{ name: string }>(`select name from ${table} order by id`);
  return rows.map((row) => row.name);
}

/**
 * Refuse to work on a schema that a newer version of this program has changed.
 *
 * @throws SchemaError `SchemaNewer`
 */
export function assertAllKnown(schema: string, applied: readonly string[], known: readonly string[]): void {
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new SchemaError(
    'SchemaNewer',
    `Schema "${schema}" was migrated by a newer version of ocp-pipeline: it has ${unknown.join(', ')}, ` +
      `and the newest migration of this version is ${known.at(-1) ?? 'none'}; install the newer version`,
  );
}

type Loader = Exclude<NonNullable<RunnerOption['migrationLoaderStrategies']>[number]['loader'], string>;

/** Reads whole SQL files as "up" migrations and notes which one is running, for the error message. */
function upOnlyLoader(progress: { file: string; text: string }): Loader {
  return (paths) =>
    Promise.all(
      paths.map(async (path) => {
        const text = await readFile(path, 'utf8');
        const up = (pgm: { sql: (text: string) => void; noTransaction: () => void }) => {
          pgm.noTransaction();
          progress.file = basename(path);
          progress.text = text;
          pgm.sql(text);
        };
        return { id: path, filePaths: [path], actions: { up, down: false as const } };
      }),
    );
}

function migrationFailed(
  schema: string,
  progress: { file: string; text: string },
  error: unknown,
): SchemaError {
  const { message, code } = error as { message: string; code?: string };
  const where = progress.file === '' ? '' : ` at ${progress.file}${lineOfPosition(progress.text, error)}`;
  const advice =
    code === '42501'
      ? 'grant the missing right to this database user'
      : code === '55P03'
        ? 'another session holds a lock on a table; start again when it is idle'
        : 'repair the cause and start again';
  return new SchemaError(
    'MigrationFailed',
    `Migrating schema "${schema}" failed${where}: ${message}; nothing was changed; ${advice}`,
    { cause: error },
  );
}

/** The runner would create the same table, but hides why it could not. */
async function createMigrationTable(client: Client, schema: string): Promise<void> {
  const table = quoteQualified(schema, migrationTable);
  await client.query(`
    create table if not exists ${table} (
      id serial primary key,
      name varchar(255) not null,
      run_on timestamp not null
    );
    comment on table ${table} is 'Migrations of this program that the schema has, one row per file.';
    comment on column ${table}.id is 'Order of application.';
    comment on column ${table}.name is 'File name without its ending.';
    comment on column ${table}.run_on is 'When it was applied, in the time zone of the session.';`);
}
