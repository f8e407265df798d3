import type { Queryable } from './migrations-connection.ts';
import type { ColumnsByTable } from './schema-columns.ts';
import { publicColumns, tenantColumns } from './schema-columns.ts';
import { SchemaError } from './schema-errors.ts';
import { quoteQualified } from './schema-names.ts';

/** What stands between a schema and this version of the program. */
export interface ColumnProblem {
  table: string;
  /** Columns that this version needs and the table lacks; empty when the whole table is absent. */
  missing: string[];
  /** Columns that must have a value, have no default, and are unknown to this version: every insert would fail. */
  unknownRequired: string[];
  tableAbsent: boolean;
}

/**
 * Compare a schema with the columns that this version reads and writes. Further columns and tables are no problem.
 *
 * @returns one entry per table with a problem, in order of table names; empty when all is well
 */
export async function checkColumns(client: Queryable, schema: string): Promise<ColumnProblem[]> {
  const needed = schema === 'public' ? publicColumns : tenantColumns;
  const found = await readColumns(client, schema, Object.keys(needed));
  return compareColumns(needed, found);
}

/**
 * As {@link checkColumns}, but any problem is an error.
 *
 * @throws SchemaError `ColumnsMissing`, naming every table and column at once
 */
export async function assertColumns(client: Queryable, schema: string): Promise<void> {
  const problems = await checkColumns(client, schema);
  if (problems.length === 0) return;
  throw new SchemaError(
    'ColumnsMissing',
    `Schema "${schema}" does not fit this version of ocp-pipeline: ${problems.map(describe).join('; ')}. ` +
      `These tables belong to Koku and are not altered here; bring Koku to a version that fits, then migrate again`,
  );
}

/**
 * Whether this program created the tables of a schema that Koku's own migrations later turned to. Koku expects to create
 * its tables itself, so its migrations fail or go astray there.
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

function compareColumns(needed: ColumnsByTable, found: readonly FoundColumn[]): ColumnProblem[] {
  const problems: ColumnProblem[] = [];
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
      problems.push({ table, missing, unknownRequired, tableAbsent });
  }
  return problems;
}

function describe(problem: ColumnProblem): string {
  if (problem.tableAbsent) return `table ${problem.table} is missing`;
  const parts: string[] = [];
  if (problem.missing.length > 0) parts.push(`lacks ${problem.missing.join(', ')}`);
  if (problem.unknownRequired.length > 0)
    parts.push(`requires a value for ${problem.unknownRequired.join(', ')}, unknown to this version`);
  return `${problem.table} ${parts.join(' and ')}`;
}
