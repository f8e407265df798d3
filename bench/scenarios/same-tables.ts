import type { ClientBase } from 'pg';
import { relationTables } from '../../domain/reports/relations.ts';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';

/**
 * What a table holds: by its day, the number of rows, the sum of each numeric column, and of every other column how
 * many values it has. Ids that are given out in the order of arrival count as values.
 */
export type TableSums = ReadonlyMap<string, Readonly<Record<string, number>>>;

const tables = [
  ...relationTables.map((table) => ({ table, day: 'usage_day' })),
  ...summaryTableNames.map((table) => ({ table, day: 'usage_start' })),
];

const numericTypes = ['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'];

/** Add up all daily relations and summary tables of a tenant. @returns by table and day */
export async function tableSums(client: ClientBase, schema: string): Promise<TableSums> {
  const sums = new Map<string, Record<string, number>>();
  for (const { table, day } of tables) {
    const { rows: columns } = await client.query<{ name: string; type: string }>(
      `select attname as name, typname as type
       from pg_attribute
       join pg_type on pg_type.oid = atttypid
       where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [`${schema}.${table}`],
    );
    const figures = columns.map(({ name, type }) =>
      numericTypes.includes(type) && !name.endsWith('_id')
        ? `coalesce(sum(${name}::float8), 0)::float8 as ${name}`
        : `count(distinct ${name}::text)::float8 as ${name}`,
    );
    const { rows } = await client.query<Record<string, number> & { day: string }>({
      text: `select ${day}::text as day, count(*)::float8 as rows, ${figures.join(', ')} from ${schema}.${table} group by ${day}`,
    });
    for (const { day: onDay, ...of } of rows) sums.set(`${table} ${onDay}`, of);
  }
  return sums;
}

/** Sums depend on the order of their rows in their last digits. */
const maxDeviation = 1e-9;

/** How two tenants' tables differ, a sentence for each figure; none when they are equal to a billionth. */
export function differences(found: TableSums, expected: TableSums): string[] {
  const places = [...new Set([...expected.keys(), ...found.keys()])];
  return places.flatMap((place) => {
    const [one = {}, other = {}] = [found.get(place), expected.get(place)];
    return [...new Set([...Object.keys(other), ...Object.keys(one)])].flatMap((name) =>
      isClose(one[name], other[name])
        ? []
        : [`${place}, ${name}: ${one[name] ?? 'nothing'}, expected ${other[name] ?? 'nothing'}`],
    );
  });
}

function isClose(found: number | undefined, expected: number | undefined): boolean {
  if (found === undefined || expected === undefined) return false;
  return Math.abs(found - expected) <= maxDeviation * Math.abs(expected);
}
