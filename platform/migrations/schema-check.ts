import { PipelineError } from '../../domain/failures/failures.ts';
import type { Queryable } from './connection.ts';
import type { ColumnsByTable } from './schema-columns.ts';
import { publicColumns, tenantColumns } from './schema-columns.ts';
import { publicKeys, tenantKeys } from './schema-keys.ts';
import { quoteIdentifier, quoteQualified } from '../database/schema-names.ts';

/** The differences between a schema and what this version of the program needs. */
export interface SchemaProblem {
  table: string;
  /** Columns that this version needs and the table does not have; empty if the whole table is missing. */
  missing: string[];
  /** Columns that are required, have no default, and are unknown to this version: every insert would fail. */
  unknownRequired: string[];
  /** Keys that this version's upserts use and that the table does not have: columns of each. */
  missingKeys: (readonly string[])[];
  tableAbsent: boolean;
}

/**
 * Compare a schema with the columns that this version reads and writes, and with the keys that its upserts need.
 * Additional columns, keys and tables are no problem.
 *
 * @returns one entry per table with a problem, in order of table names; empty if all is well
 */
export async function checkSchema(client: Queryable, schema: string): Promise<SchemaProblem[]> {
  const needed = schema === 'public' ? publicColumns : tenantColumns;
  const found = await readColumns(client, schema, Object.keys(needed));
  const problems = compareColumns(needed, found);
  for (const { table, columns } of await missingKeys(client, schema)) {
    const known = problems.find((problem) => problem.table === table);
    // A table that is missing, or lacks columns of the key, is reported by a more specific problem.
    if (known === undefined)
      problems.push({ table, missing: [], unknownRequired: [], missingKeys: [columns], tableAbsent: false });
    else if (known.missing.length === 0 && !known.tableAbsent) known.missingKeys.push(columns);
  }
  return problems.sort((a, b) => (a.table < b.table ? -1 : 1));
}

/**
 * As {@link checkSchema}, but any problem is an error.
 *
 * @throws PipelineError `ColumnsMissing`, naming every table, column and key at once, with the statements that add the
 *   keys
 */
export async function assertSchema(client: Queryable, schema: string): Promise<void> {
  const problems = await checkSchema(client, schema);
  if (problems.length === 0) return;
  throw new PipelineError(
    'ColumnsMissing',
    `Schema "${schema}" is not compatible with this version of ocp-pipeline: ${problems.map(describeProblem).join('; ')}. ` +
      `These tables belong to Koku and are not altered here; ${repairOf(schema, problems)}, then migrate again`,
  );
}

/**
 * Before migrations run: an existing Koku table must have the keys, because migrations upsert too.
 *
 * @throws PipelineError `ColumnsMissing` with the statements that add the keys
 */
export async function assertKeys(client: Queryable, schema: string): Promise<void> {
  const problems = (await checkSchema(client, schema)).filter(({ missingKeys }) => missingKeys.length > 0);
  if (problems.length === 0) return;
  throw new PipelineError(
    'ColumnsMissing',
    `Schema "${schema}" lacks keys that this version of ocp-pipeline needs: ${problems.map(describeProblem).join('; ')}. ` +
      `These tables belong to Koku and are not altered here; ${repairOf(schema, problems)}, then migrate again`,
  );
}

/** What to do about problems of a schema: a statement for each key, a compatible Koku version for anything else. */
export function repairOf(schema: string, problems: readonly SchemaProblem[]): string {
  const statements = problems.flatMap(({ table, missingKeys }) =>
    missingKeys.map(
      (columns) =>
        `alter table ${quoteQualified(schema, table)} add unique (${columns.map(quoteIdentifier).join(', ')});`,
    ),
  );
  const needsKoku = problems.some(
    ({ missing, unknownRequired, tableAbsent }) =>
      tableAbsent || missing.length > 0 || unknownRequired.length > 0,
  );
  return [
    ...(needsKoku ? ['upgrade Koku to a compatible version'] : []),
    ...(statements.length > 0
      ? [`as the owner of the tables, after removing duplicate rows, run: ${statements.join(' ')}`]
      : []),
  ].join('; ');
}

async function missingKeys(
  client: Queryable,
  schema: string,
): Promise<{ table: string; columns: readonly string[] }[]> {
  const needed = Object.entries(schema === 'public' ? publicKeys : tenantKeys).flatMap(([table, keys]) =>
    keys.map((columns) => ({ table, columns })),
  );
  // What an upsert can infer: a unique index of plain columns over all rows, not deferrable.
  const { rows } = await client.query<{ table: string; columns: string[] }>(
    `select table_class.relname as "table",
            array(
                select attribute.attname::text
                from unnest(index.indkey::smallint[]) with ordinality as key (number, place)
                join pg_attribute as attribute
                    on attribute.attrelid = index.indrelid and attribute.attnum = key.number
                where key.place <= index.indnkeyatts
            ) as columns
     from pg_index as index
     join pg_class as table_class on table_class.oid = index.indrelid
     join pg_namespace as namespace on namespace.oid = table_class.relnamespace
     where namespace.nspname = $1
         and table_class.relname = any($2)
         and index.indisunique
         and index.indimmediate
         and index.indisvalid
         and index.indpred is null
         and index.indexprs is null`,
    [schema, needed.map(({ table }) => table)],
  );
  const spelled = (columns: readonly string[]) => [...columns].sort().join(',');
  return needed.filter(
    (key) =>
      !rows.some(({ table, columns }) => table === key.table && spelled(columns) === spelled(key.columns)),
  );
}

/**
 * Whether this program created the tables of a schema that Koku's own migrations later turned to. Koku expects to
 * create its tables itself, so its migrations fail or go astray there.
 */
export async function kokuCameSecond(client: Queryable, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ koku: boolean; ours: boolean }>(
    `select to_regclass($1) is not null as koku, to_regclass($2) is not null as ours`,
    [quoteQualified(schema, 'django_migrations'), quoteQualified(schema, 'ocp_adopted_table')],
  );
  if (rows[0]?.koku !== true || !rows[0].ours) return false;
  const adopted = await client.query<{ count: number }>(
    `select count(*)::integer as count from ${quoteQualified(schema, 'ocp_adopted_table')} where name = $1`,
    [schema === 'public' ? 'api_provider' : 'reporting_ocpusagereportperiod'],
  );
  return adopted.rows[0]?.count === 0;
}

interface FoundColumn {
  table: string;
  column: string;
  required: boolean;
}

async function readColumns(client: Queryable, schema: string, tables: string[]): Promise<FoundColumn[]> {
  const { rows } = await client.query<FoundColumn>(
    `select c.relname as "table",
            a.attname as "column",
            a.attnotnull and not a.atthasdef and a.attidentity = '' as required
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where n.nspname = $1
         and c.relname = any($2)
         and c.relkind in ('r', 'p')
     order by c.relname, a.attnum`,
    [schema, tables],
  );
  return rows;
}

function compareColumns(needed: ColumnsByTable, found: readonly FoundColumn[]): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  for (const [table, columns] of Object.entries(needed).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const present = found.filter((candidate) => candidate.table === table);
    const tableAbsent = present.length === 0;
    const missing = tableAbsent
      ? []
      : columns.filter((name) => !present.some(({ column }) => column === name));
    const unknownRequired = present
      .filter(({ column, required }) => required && !columns.includes(column))
      .map(({ column }) => column);
    if (tableAbsent || missing.length > 0 || unknownRequired.length > 0)
      problems.push({ table, missing, unknownRequired, missingKeys: [], tableAbsent });
  }
  return problems;
}

/** Describe one problem. */
export function describeProblem(problem: SchemaProblem): string {
  if (problem.tableAbsent) return `table ${problem.table} is missing`;
  const parts: string[] = [];
  if (problem.missing.length > 0) parts.push(`lacks ${problem.missing.join(', ')}`);
  if (problem.unknownRequired.length > 0)
    parts.push(`requires a value for ${problem.unknownRequired.join(', ')}, unknown to this version`);
  if (problem.missingKeys.length > 0)
    parts.push(
      `has no unique key on ${problem.missingKeys.map((columns) => `(${columns.join(', ')})`).join(' and ')}`,
    );
  return `${problem.table} ${parts.join(' and ')}`;
}
