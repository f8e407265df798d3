import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migratePublic, migrateTenant } from '../../../platform/migrations/migrate.ts';
import { checkSchema } from '../../../platform/migrations/schema-check.ts';
import { publicColumns, tenantColumns } from '../../../platform/migrations/schema-columns.ts';
import { kokuColumns, kokuConstraints } from './support/koku.ts';
import type { KokuColumn } from './support/koku.ts';
import { execute, startTestPostgres, withClient } from './support/postgres.ts';
import type { TestPostgres } from './support/postgres.ts';

const log = { info: () => undefined };
const partitionedTables = [...new Set(kokuColumns().map(({ table }) => table))].filter(
  (table) =>
    table.endsWith('_p') ||
    table === 'reporting_ocpusagelineitem_daily_summary' ||
    table === 'rates_to_usage',
);

describe('the tables that the API of Koku reads', () => {
  let postgres: TestPostgres;
  let url: string;

  beforeAll(async () => {
    postgres = await startTestPostgres();
    url = await postgres.createDatabase();
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
  });

  afterAll(() => postgres.stop());

  it('have the names, order, types, nullability and defaults of the columns that Koku gives them', async () => {
    const created = await readColumns(url, ['public', 'org1']);
    const expected = kokuColumns().map((column) => ({
      ...column,
      // gen_random_uuid() is built in; the function Koku uses needs an extension
      defaultValue: column.defaultValue.replace('uuid_generate_v4()', 'gen_random_uuid()'),
    }));
    const tables = new Set(expected.map(({ table }) => table));

    expect(created.filter(({ table }) => tables.has(table)).map(print)).toEqual(expected.map(print).sort());
  });

  it('have the constraints that Koku gives them, under the same names', async () => {
    const rows = await execute<{ line: string }>(
      url,
      `select concat_ws(' ', c.relname, k.conname, pg_get_constraintdef(k.oid)) as line
       from pg_constraint k
       join pg_class c on c.oid = k.conrelid
       where c.relnamespace = 'org1'::regnamespace
           and not c.relispartition
           and k.contype in ('p', 'u', 'c', 'f')`,
    );
    const tables = new Set(kokuColumns().map(({ table }) => table));
    const created = rows
      .map(({ line }) => line.replaceAll('org1.', ''))
      .filter((line) => tables.has(line.split(' ')[0] ?? ''));

    expect(created.sort()).toEqual(kokuConstraints().sort());
  });

  it('are partitioned by usage_start, each with a default partition that the register knows', async () => {
    const rows = await execute<{ name: string }>(
      url,
      `select c.relname as name
       from pg_class c
       join pg_partitioned_table p on p.partrelid = c.oid
       join pg_class d on d.oid = p.partdefid and d.relname = c.relname || '_default'
       join org1.partitioned_tables r
           on r.schema_name = 'org1' and r.table_name = d.relname and r.partition_of_table_name = c.relname
       where pg_get_partkeydef(c.oid) = 'RANGE (usage_start)'
           and r.partition_parameters = '{"default": true}'
       order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(partitionedTables.sort());
  });

  it('hold the cost category Platform and its namespace patterns', async () => {
    const rows = await execute(
      url,
      `select c.name, c.description, c.source_type, c.system_default, c.label, array_agg(n.namespace order by n.id) as patterns
       from org1.reporting_ocp_cost_category c
       join org1.reporting_ocp_cost_category_namespace n on n.cost_category_id = c.id and n.system_default
       group by c.id`,
    );
    expect(rows).toEqual([
      {
        name: 'Platform',
        description: 'Default OpenShift projects bucketed into a Platform group',
        source_type: 'OCP',
        system_default: true,
        label: [],
        patterns: ['openshift-%', 'kube-%', 'Platform unallocated', 'openshift'],
      },
    ]);
  });

  it('have every column that this version says it needs, and need no value that it does not know', async () => {
    const problems = await withClient(url, async (client) => [
      ...(await checkSchema(client, 'public')),
      ...(await checkSchema(client, 'org1')),
    ]);
    expect(problems).toEqual([]);
    const known = new Set(kokuColumns().map(({ table, column }) => `${table}.${column}`));
    const needed = Object.entries({ ...publicColumns, ...tenantColumns }).flatMap(([table, columns]) =>
      columns.map((column) => `${table}.${column}`),
    );
    expect(needed.filter((name) => !known.has(name))).toEqual([]);
  });

  it('say what they mean: every table, every partitioned column, every column of our own', async () => {
    const rows = await execute<{ name: string }>(
      url,
      `select format('%s.%s', c.relname, a.attname) as name
       from pg_class c
       left join pg_attribute a on a.attrelid = c.oid
           and a.attnum > 0
           and c.relname in ('payload_inbox', 'ingest_failure', 'tenant_setting', 'ocp_adopted_table')
       where c.relnamespace in ('public'::regnamespace, 'org1'::regnamespace)
           and c.relkind in ('r', 'p')
           and not c.relispartition
           and (obj_description(c.oid, 'pg_class') is null
               or a.attnum is not null and col_description(c.oid, a.attnum) is null)
       order by 1`,
    );
    expect(rows).toEqual([]);
    const units = await execute<{ meaning: string }>(
      url,
      `select col_description('org1.reporting_ocpusagelineitem_daily_summary'::regclass, attnum) as meaning
       from pg_attribute
       where attrelid = 'org1.reporting_ocpusagelineitem_daily_summary'::regclass
           and attname = 'pod_usage_memory_gigabyte_hours'`,
    );
    expect(units).toEqual([{ meaning: 'Memory used, GiB-hours.' }]);
  });
});

async function readColumns(url: string, schemas: string[]): Promise<KokuColumn[]> {
  return execute<KokuColumn & Record<string, unknown>>(
    url,
    `select case n.nspname when 'public' then 'public' else 'tenant' end as schema,
            c.relname as "table",
            row_number() over (partition by c.oid order by a.attnum)::integer as ordinal,
            a.attname as "column",
            format_type(a.atttypid, a.atttypmod) as "dataType",
            not a.attnotnull as nullable,
            case
                when a.attidentity = 'd' then 'generated by default as identity'
                else coalesce(pg_get_expr(d.adbin, d.adrelid), '')
            end as "defaultValue"
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition`,
    [schemas],
  ).then((columns) => columns.sort((a, b) => (print(a) < print(b) ? -1 : 1)));
}

function print(column: KokuColumn): string {
  const { schema, table, ordinal, column: name, dataType, nullable, defaultValue } = column;
  return [schema, table, ordinal, name, dataType, nullable ? 'null' : 'not null', defaultValue].join(' ');
}
