import type { Pool } from 'pg';
import { relationTables } from '../../domain/reports/relations.ts';

/** A table as the catalog describes it. */
export interface DescribedTable {
  schema: string;
  name: string;
  meaning: string | null;
  /** column of the partition key; null when the table is not partitioned */
  partitionColumn: string | null;
  /** column lists of the primary key and of unique constraints, the primary key first */
  keys: string[];
  columns: DescribedColumn[];
}

export interface DescribedColumn {
  name: string;
  type: string;
  nullable: boolean;
  meaning: string | null;
}

/** The groups of the dictionary, in its order; a table belongs to the first whose test it passes. */
const groups: readonly { title: string; about: string; holds: (table: DescribedTable) => boolean }[] = [
  {
    title: 'Staging',
    about:
      'Hourly line items in each tenant schema, partitioned by month, kept for days and loaded again on demand.',
    holds: ({ name }) => name.endsWith('_staging'),
  },
  {
    title: 'Daily relations',
    about:
      'What the hourly line items of a day add up to, in each tenant schema, partitioned by month; all summaries are made of them. Rows that Trino computed wait beside them until one transaction moves them.',
    holds: ({ schema, name }) =>
      schema !== 'public' && (relationTables as readonly string[]).includes(name.replace(/_waiting$/, '')),
  },
  {
    title: 'Ledgers',
    about: 'What arrived, what is loaded, what is summarised, what was decided; in each tenant schema.',
    holds: ({ schema, name }) => schema !== 'public' && name.startsWith('ocp_'),
  },
  {
    title: 'Intake',
    about: 'Archives and settings of all organisations, in the schema `public`.',
    holds: ({ schema }) => schema === 'public',
  },
  {
    title: 'Summaries',
    about:
      "Koku's tables that this program fills, in each tenant schema; names, columns and types are Koku's.",
    holds: ({ name }) => name.startsWith('reporting_ocp'),
  },
];

/** Tables of Koku in `public`, and those that people fill: their meaning is Koku's business. `api_token` is ours. */
const notOurs =
  /^(api_(?!token$)|reporting_common_|reporting_ocp_cost_category|reporting_tenant_|reporting_enabled|reporting_tagmapping)/;

/** Tables that the dictionary describes: our own, and those of Koku that we fill; sorted by group, then by name. */
export async function describeTables(pool: Pool, tenantSchema: string): Promise<DescribedTable[]> {
  const { rows } = await pool.query<DescribedTable>(
    `select namespace.nspname as schema,
         class.relname as name,
         obj_description(class.oid, 'pg_class') as meaning,
         (
             select attribute.attname
             from pg_partitioned_table as partitioned
             join pg_attribute as attribute
                 on attribute.attrelid = class.oid and attribute.attnum = partitioned.partattrs[0]
             where partitioned.partrelid = class.oid
         ) as "partitionColumn",
         array(
             select regexp_replace(pg_get_constraintdef(candidate.oid), '^[^(]*\\((.*)\\)$', '\\1')
             from pg_constraint as candidate
             where candidate.conrelid = class.oid and candidate.contype in ('p', 'u')
             order by candidate.contype, 1
         ) as keys,
         (
             select json_agg(
                 json_build_object(
                     'name', attribute.attname,
                     'type', format_type(attribute.atttypid, attribute.atttypmod),
                     'nullable', not attribute.attnotnull,
                     'meaning', col_description(class.oid, attribute.attnum)
                 )
                 order by attribute.attnum
             )
             from pg_attribute as attribute
             where attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
         ) as columns
     from pg_class as class
     join pg_namespace as namespace on namespace.oid = class.relnamespace
     where namespace.nspname in ('public', $1)
         and class.relkind in ('r', 'p')
         and not class.relispartition
     order by class.relname collate "C", namespace.nspname collate "C"`,
    [tenantSchema],
  );
  // Bookkeeping of the migrations is in both schemas alike; the tenant's stands for both.
  const tenantNames = new Set(rows.filter(({ schema }) => schema !== 'public').map(({ name }) => name));
  return rows.filter(
    (table) =>
      groupOf(table) !== -1 &&
      !notOurs.test(table.name) &&
      !(table.schema === 'public' && tenantNames.has(table.name)) &&
      table.meaning?.includes('not filled by this program') !== true,
  );
}

/** Columns and tables that nothing explains, as `table` or `table.column`. */
export function unexplained(tables: readonly DescribedTable[]): string[] {
  return tables.flatMap(({ name, meaning, columns }) => [
    ...(meaning === null ? [name] : []),
    ...columns.filter((column) => column.meaning === null).map((column) => `${name}.${column.name}`),
  ]);
}

/** The dictionary as Markdown, one section per table. */
export function renderDictionary(tables: readonly DescribedTable[]): string {
  const sections = groups.flatMap(({ title, about }, index) => [
    `## ${title}\n\n${about}\n`,
    ...tables.filter((table) => groupOf(table) === index).map(renderTable),
  ]);
  return `${introduction}\n${sections.join('\n')}`;
}

const introduction = `# Data dictionary

Made from the comments in the database that the migrations create; change a meaning there, in a migration, then run
\`npx vitest run test/docs -u\`.

Units are in the names: core-seconds and core-hours, byte-seconds. A "gigabyte" in a column name is 2^30 bytes (GiB), except
where the column says otherwise. Days and hours are UTC. Tables of each tenant are in the schema of its organisation,
\`org<org_id>\`.
`;

function groupOf(table: DescribedTable): number {
  return groups.findIndex(({ holds }) => holds(table));
}

function renderTable({ name, meaning, partitionColumn, keys, columns }: DescribedTable): string {
  const facts = [
    ...(meaning === null ? [] : [meaning]),
    ...(keys.length === 0 ? [] : [`Unique by: ${keys.map((key) => `(${key})`).join('; ')}.`]),
    ...(partitionColumn === null ? [] : [`Partitioned by month of \`${partitionColumn}\`.`]),
  ];
  const rows = columns.map(
    (column) =>
      `| \`${column.name}\` | ${column.type}${column.nullable ? '' : ', not null'} | ${cell(column.meaning ?? '')} |`,
  );
  return `### ${name}\n\n${facts.join('  \n')}\n\n| Column | Type | Meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** A bar or a line break would end the cell; a less-than sign would start a tag. */
function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll(/\s*\n\s*/g, ' ');
}
