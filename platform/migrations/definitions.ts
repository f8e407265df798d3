import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { RepeatableDefinition } from './files.ts';
import type { Queryable } from './connection.ts';
import { quoteIdentifier, quoteQualified } from '../database/schema-names.ts';
import { relationExists } from '../database/relation-exists.ts';
import { lineOfPosition } from './position.ts';

const definitionTable = 'ocp_repeatable_definition';

/**
 * Apply the definitions whose text differs from what the schema has, and those whose functions are missing or were
 * changed by hand, in order of their names. Runs in the caller's transaction, whose search path becomes the schema,
 * then `public`; a function declared with `set search_path from current` therefore stays bound to this schema. A file
 * must be able to replace its own earlier version (`create or replace`, or `drop … if exists` first if a signature
 * changes). A definition whose file was removed stays in the database.
 *
 * @returns names of the files that were applied
 * @throws PipelineError `MigrationFailed`, naming file and line
 */
export async function applyDefinitions(
  client: Client,
  schema: string,
  definitions: readonly RepeatableDefinition[],
): Promise<string[]> {
  const present = await definitionChecksums(client, schema);
  const lost = new Set(
    (await lostFunctions(client, schema, definitions)).map(({ definition }) => definition),
  );
  const changed = definitions.filter(
    ({ name, checksum }) => present.get(name) !== checksum || lost.has(name),
  );
  if (changed.length > 0) await createDefinitionTable(client, schema);
  await client.query(`set local search_path = ${quoteIdentifier(schema)}, public`);
  for (const definition of changed) await applyDefinition(client, schema, definition);
  return changed.map((definition) => definition.name);
}

/** Checksum by file name of the definitions applied last; empty if the schema has never been migrated. */
export async function definitionChecksums(client: Queryable, schema: string): Promise<Map<string, string>> {
  const table = quoteQualified(schema, definitionTable);
  if (!(await relationExists(client, table))) return new Map();
  const { rows } = await client.query<{ name: string; checksum: string }>(
    `select name, checksum from ${table}`,
  );
  return new Map(rows.map((row) => [row.name, row.checksum]));
}

/** A function that differs from its definition, or is missing, whatever the table of definitions says. */
export interface LostFunction {
  definition: string;
  functionName: string;
  state: 'missing' | 'changed';
}

/** Functions of definitions that somebody dropped or changed, in the order of the definitions. */
export async function lostFunctions(
  client: Queryable,
  schema: string,
  definitions: readonly RepeatableDefinition[],
): Promise<LostFunction[]> {
  // Via the dependencies, because functions have no index by schema: checking each of many tenants stays fast.
  const { rows } = await client.query<{ name: string; bodies: string[] }>(
    `select proc.proname::text as name, array_agg(md5(proc.prosrc)) as bodies
     from pg_namespace as namespace
     join pg_depend as depend
         on depend.refclassid = 'pg_namespace'::regclass
             and depend.refobjid = namespace.oid
             and depend.classid = 'pg_proc'::regclass
     join pg_proc as proc on proc.oid = depend.objid
     where namespace.nspname = $1
     group by proc.proname`,
    [schema],
  );
  const found = new Map(rows.map(({ name, bodies }) => [name, bodies]));
  return definitions.flatMap((definition) =>
    functionsOf(definition).flatMap(({ functionName, bodyMd5 }): LostFunction[] => {
      const bodies = found.get(functionName);
      if (bodies !== undefined && (bodyMd5 === undefined || bodies.includes(bodyMd5))) return [];
      return [
        { definition: definition.name, functionName, state: bodies === undefined ? 'missing' : 'changed' },
      ];
    }),
  );
}

/** What a definition creates; an aggregate has no body. */
function functionsOf({ text }: RepeatableDefinition): { functionName: string; bodyMd5?: string }[] {
  return text.split(/^(?=create or replace (?:function|aggregate) )/m).flatMap((part) => {
    const functionName = /^create or replace (?:function|aggregate) (\w+)/.exec(part)?.[1];
    if (functionName === undefined) return [];
    const body = /\bas\s+(\$\w*\$)([\s\S]*?)\1/.exec(part)?.[2];
    if (body === undefined) return [{ functionName }];
    return [{ functionName, bodyMd5: createHash('md5').update(body).digest('hex') }];
  });
}

async function createDefinitionTable(client: Client, schema: string): Promise<void> {
  const table = quoteQualified(schema, definitionTable);
  await client.query(`
    create table if not exists ${table} (
      name text primary key,
      checksum text not null,
      applied_at timestamptz not null default now()
    );
    comment on table ${table} is 'Functions and views of this schema as last applied, one row per file.';
    comment on column ${table}.name is 'File name.';
    comment on column ${table}.checksum is 'SHA-256 of the file, hexadecimal; another one makes the next migration apply the file.';
    comment on column ${table}.applied_at is 'When it was last applied.';`);
}

async function applyDefinition(
  client: Client,
  schema: string,
  definition: RepeatableDefinition,
): Promise<void> {
  try {
    await client.query(definition.text);
    await client.query(
      `insert into ${quoteQualified(schema, definitionTable)} (name, checksum)
       values ($1, $2)
       on conflict (name) do update set checksum = excluded.checksum, applied_at = now()`,
      [definition.name, definition.checksum],
    );
  } catch (error) {
    throw new PipelineError(
      'MigrationFailed',
      `Definition ${definition.name}${lineOfPosition(definition.text, error)} failed in schema "${schema}": ` +
        `${(error as Error).message}; the previous version remains in place`,
      { cause: error },
    );
  }
}
