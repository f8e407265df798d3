import { expect } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { TestDatabase } from './database.ts';

/** Rows of one source by table, ready to be compared with those of another source or of another time. */
export type Tables = ReadonlyMap<string, readonly ComparableRow[]>;

interface ComparableRow {
  /** everything but numbers, as text */
  key: string;
  numbers: ReadonlyMap<string, number>;
}

/** Surrogate keys and the source itself differ between any two runs. */
const surrogates = new Set([
  'uuid',
  'id',
  'report_period_id',
  'source_uuid',
  'source',
  'provider_id',
  'cost_category_id',
]);
const isEventTime = /(_datetime|_timestamp)$/;
const relativeTolerance = 1e-9;

/** How the rows of one source are found, by the first of these columns that a table has. */
const sourceFilters = new Map([
  ['uuid source_uuid', 'source_uuid = $1'],
  ['uuid provider_id', 'provider_id = $1'],
  ['uuid cluster_id', 'cluster_id in (select uuid from reporting_ocp_clusters where provider_id = $1)'],
  [
    'integer report_period_id',
    'report_period_id in (select id from reporting_ocpusagereportperiod where provider_id = $1)',
  ],
]);

/**
 * All rows that one source has in the summary, dimension and report-period tables of the tenant: surrogate keys and
 * times of processing left out, its own cluster id and alias replaced by a word, sorted. Tables without a source
 * (tag values, cost categories) are shared by all sources and left out.
 */
export async function snapshotTables(database: TestDatabase, sourceUuid: string): Promise<Tables> {
  return inTenantTransaction(database.pool, database.schema, async (client) => {
    const { rows: sources } = await client.query<{ cluster_id: string; name: string }>(
      `select authentication.credentials ->> 'cluster_id' as cluster_id, provider.name
       from public.api_provider as provider
       join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
       where provider.uuid = $1`,
      [sourceUuid],
    );
    const own = new Set(sources.flatMap((source) => [source.cluster_id, source.name]));
    const { rows: tables } = await client.query<{ name: string; columns: string[] }>(
      `select class.relname as name, array_agg(format_type(attribute.atttypid, null) || ' ' || attribute.attname) as columns
       from pg_class as class
       join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
       where class.relnamespace = $1::text::regnamespace
           and class.relkind in ('r', 'p')
           and not class.relispartition
           and (class.relname like 'reporting\\_ocp%' or class.relname = 'rates_to_usage')
           and class.relname not like '%\\_staging'
       group by class.relname
       order by class.relname`,
      [database.schema],
    );
    const snapshot = new Map<string, ComparableRow[]>();
    for (const { name, columns } of tables) {
      const filter = [...sourceFilters].find(([column]) => columns.includes(column))?.[1];
      if (filter === undefined) continue;
      const { rows } = await client.query<{ row: Record<string, unknown> }>(
        `select to_jsonb(found) as row from ${name} as found where ${filter}`,
        [sourceUuid],
      );
      const clusterIsSurrogate = columns.includes('uuid cluster_id');
      snapshot.set(name, rows.map(({ row }) => comparableRow(row, own, clusterIsSurrogate)).sort(inOrder));
    }
    return snapshot;
  });
}

function comparableRow(
  row: Record<string, unknown>,
  own: ReadonlySet<string>,
  clusterIsSurrogate: boolean,
): ComparableRow {
  const texts: [string, unknown][] = [];
  const numbers = new Map<string, number>();
  for (const [column, value] of Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (surrogates.has(column) || isEventTime.test(column)) continue;
    if (clusterIsSurrogate && column === 'cluster_id') continue;
    if (typeof value === 'number') numbers.set(column, value);
    else if (Array.isArray(value)) texts.push([column, value.map(String).sort()]);
    else if (column.startsWith('cluster_') && own.has(String(value))) texts.push([column, 'own cluster']);
    else texts.push([column, value]);
  }
  return { key: JSON.stringify([...texts, [...numbers.keys()]]), numbers };
}

/** Rows with equal keys are told apart by their numbers, so that equal multisets come in equal order. */
function inOrder(a: ComparableRow, b: ComparableRow): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  for (const [column, value] of a.numbers) {
    const other = b.numbers.get(column) ?? 0;
    if (!isClose(value, other)) return value - other;
  }
  return 0;
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(relativeTolerance * Math.max(Math.abs(a), Math.abs(b)), 1e-12);
}

/** Assert that two sources, or one source at two times, have the same rows; numbers to 1e-9 relative. */
export function expectSameTables(found: Tables, expected: Tables): void {
  expect(found.get(dailySummary)?.length, 'rows of the daily summary').toBeGreaterThan(0);
  expect([...found.keys()]).toEqual([...expected.keys()]);
  for (const [table, expectedRows] of expected) {
    const foundRows = found.get(table) ?? [];
    expect(
      foundRows.map((row) => row.key),
      `${table}: rows besides numbers`,
    ).toEqual(expectedRows.map((row) => row.key));
    expect(numberDifferences(table, foundRows, expectedRows).join('\n')).toBe('');
  }
}

const dailySummary = 'reporting_ocpusagelineitem_daily_summary';

function numberDifferences(
  table: string,
  found: readonly ComparableRow[],
  expected: readonly ComparableRow[],
): string[] {
  return expected.flatMap((row, index) =>
    [...row.numbers].flatMap(([column, value]) => {
      const other = found[index]?.numbers.get(column) ?? Number.NaN;
      return isClose(other, value)
        ? []
        : [`${table}.${column}: expected ${value}, found ${other}: ${row.key}`];
    }),
  );
}

/** Rows of every table of `public` and of the tenant, by qualified name. */
export async function countAllRows(database: TestDatabase): Promise<Map<string, number>> {
  const { rows } = await database.pool.query<{ name: string; count: number }>(
    `select
         format('%I.%I', table_schema, table_name) as name,
         (xpath('/row/count/text()', query_to_xml(format('select count(*) from %I.%I', table_schema, table_name), false, true, '')))[1]::text::integer as count
     from information_schema.tables
     where table_schema in ('public', $1)
         and table_type = 'BASE TABLE'`,
    [database.schema],
  );
  return new Map(rows.map((row) => [row.name, row.count]));
}

/** Version of every summarised day of a source; a day that was rebuilt has a greater one. */
export async function dayVersions(
  database: TestDatabase,
  sourceUuid: string,
): Promise<Record<string, number>> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<{ usage_day: string; version: number }>(
      'select usage_day, version from ocp_day where source_uuid = $1 order by usage_day',
      [sourceUuid],
    ),
  );
  return Object.fromEntries(rows.map((row) => [row.usage_day, row.version]));
}
