import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { Queryable } from './connection.ts';
import { migrationNames } from './files.ts';
import { lineOfPosition } from './position.ts';
import { assertNotSuperseded } from './superseded.ts';
import { relationExists } from '../database/relation-exists.ts';
import { quoteIdentifier, quoteQualified } from '../database/schema-names.ts';

const migrationTable = 'ocp_migration';

/**
 * Apply the migrations of `directory` that `schema` does not have yet. The caller's transaction holds the migration
 * lock of the schema; its search path becomes the schema, then `public`.
 *
 * @returns names of the migrations applied now, in order
 * @throws PipelineError `SchemaNewer` or `SchemaSuperseded` when the schema has a migration that `directory` lacks
 * @throws PipelineError `MigrationFailed`, naming file and line; or when a migration that the schema lacks comes before
 *   one that it has
 */
export async function applyMigrations(client: Client, schema: string, directory: string): Promise<string[]> {
  const known = migrationNames(directory);
  const before = await appliedMigrations(client, schema);
  assertAllKnown(schema, before, known);
  assertInOrder(schema, before, known);
  const pending = known.slice(before.length);
  const progress = { file: '', text: '' };
  try {
    if (before.length === 0) await createMigrationTable(client, schema);
    await client.query(`select set_config('search_path', $1, true)`, [
      schema === 'public' ? 'public' : `${quoteIdentifier(schema)}, public`,
    ]);
    for (const name of pending) {
      progress.file = `${name}.sql`;
      progress.text = await readFile(join(directory, progress.file), 'utf8');
      await client.query(progress.text);
      await client.query(
        `insert into ${quoteQualified(schema, migrationTable)} (name, run_on) values ($1, now())`,
        [name],
      );
    }
    return pending;
  } catch (error) {
    throw migrationFailed(schema, progress, error);
  }
}

/** Names of the migrations that `schema` has, in the order they were applied; empty when there is no such schema. */
export async function appliedMigrations(client: Queryable, schema: string): Promise<string[]> {
  const table = quoteQualified(schema, migrationTable);
  if (!(await relationExists(client, table))) return [];
  const { rows } = await client.query<{ name: string }>(`select name from ${table} order by id`);
  return rows.map((row) => row.name);
}

/**
 * Refuse to work on a schema that a newer version of this program has changed, or that predates the first release.
 *
 * @throws PipelineError `SchemaNewer` or `SchemaSuperseded`
 */
export function assertAllKnown(schema: string, applied: readonly string[], known: readonly string[]): void {
  assertNotSuperseded(schema, applied);
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new PipelineError(
    'SchemaNewer',
    `Schema "${schema}" was migrated by a newer version of ocp-pipeline: it contains ${unknown.join(', ')}, ` +
      `and the newest migration of this version is ${known.at(-1) ?? 'none'}; install the newer version`,
  );
}

/** A migration may rely on those before it, and may never have been tested after those behind it. */
function assertInOrder(schema: string, applied: readonly string[], known: readonly string[]): void {
  const index = applied.findIndex((name, position) => name !== known[position]);
  if (index < 0) return;
  throw new PipelineError(
    'MigrationFailed',
    `Migrating schema "${schema}" failed: expected ${known[index] ?? 'no more'} as migration ${index + 1}, found ` +
      `${applied[index] ?? 'none'} applied; nothing was changed; install a version of ocp-pipeline that contains the migrations of the schema`,
  );
}

function migrationFailed(
  schema: string,
  progress: { file: string; text: string },
  error: unknown,
): PipelineError {
  const { message, code } = error as { message: string; code?: string };
  const where = progress.file === '' ? '' : ` at ${progress.file}${lineOfPosition(progress.text, error)}`;
  const advice =
    code === '42501'
      ? 'grant the missing privilege to this database user'
      : code === '55P03'
        ? 'another session holds a lock on a table; try again when it is idle'
        : 'fix the cause and try again';
  return new PipelineError(
    'MigrationFailed',
    `Migrating schema "${schema}" failed${where}: ${message}; nothing was changed; ${advice}`,
    { cause: error },
  );
}

/** Name and columns are those of existing databases. */
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
