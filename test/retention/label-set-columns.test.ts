import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { canonicalLabels } from '../../domain/reports/labels.ts';
import { reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { createCleanUp } from './clean-up.ts';

/*
 * The statements that look for label sets in use name every table and column. What they have to name is asked of the
 * catalog here, so that a table that comes is not forgotten.
 */
const day = '2026-09-01';
let database: TestDatabase;
let source: StagedSource;
/** `TABLE.COLUMN`, each with a row that refers to the label set of this name, to which nothing else refers. */
let staged: string[];
let related: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  source = await createStagedSource(database, '2026-09');
  const labelled = await labelledTables();
  const kinds = new Map(reportKinds.map((kind) => [stagingTableOf(kind), kind]));
  for (const kind of reportKinds) {
    const table = stagingTableOf(kind);
    const columns = labelled.get(table) ?? [];
    const labels = columns.map((column) => [column, { name: `${table}.${column}` }]);
    await source.stage(kind, day, [{ hour: 0, ...Object.fromEntries(labels) }]);
  }
  for (const [table, columns] of labelled) if (!kinds.has(table)) await insertRow(table, columns);
  const names = (isStaging: boolean) =>
    [...labelled].flatMap(([table, columns]) =>
      kinds.has(table) === isStaging ? columns.map((column) => `${table}.${column}`) : [],
    );
  staged = names(true);
  related = names(false);
});

/** Columns for label sets by their tables, without the tables whose rows wait for minutes only. */
async function labelledTables(): Promise<Map<string, string[]>> {
  const tables = await source.query<{ name: string; columns: string[] }>(
    `select relname as name, array_agg(attname::text order by attnum) as columns
     from pg_class
     join pg_attribute on attrelid = pg_class.oid
     where relnamespace = current_schema()::regnamespace
         and relkind in ('r', 'p')
         and not relispartition
         and attname like '%label\\_set\\_id'
         and relname <> 'ocp_label_set'
         and relname not like '%\\_waiting'
     group by relname
     order by relname`,
  );
  return new Map(tables.map(({ name, columns }) => [name, columns]));
}

/** A row of a daily relation that stands for one row of a report; of the other columns those that need a value. */
async function insertRow(table: string, columns: readonly string[]): Promise<void> {
  const sets = await Promise.all(columns.map((column) => store(`${table}.${column}`)));
  await source.query(
    `insert into ${table}
     select * from jsonb_populate_record(
         null::${table},
         jsonb_object($1::text[], $2::text[]) || (
             select jsonb_object_agg(
                 attname,
                 case
                     when atttypid = 'uuid'::regtype then $3
                     when atttypid in ('date'::regtype, 'timestamptz'::regtype) then $4
                     when atttypid = 'text'::regtype then ''
                     else '1'
                 end
             )
             from pg_attribute
             where attrelid = '${table}'::regclass
                 and attnum > 0
                 and (attnotnull or attname in ('source_uuid', 'usage_day', 'row_count'))
                 and attname <> all($1::text[])
         )
     )`,
    [columns, sets, source.sourceUuid, day],
  );
}

async function store(name: string): Promise<number> {
  const labels = canonicalLabels({ name });
  const [stored] = await source.query<{ label_set_id: number }>(
    'select label_set_id from ocp_label_set_ids($1::bytea[], $2::jsonb[])',
    [[createHash('sha256').update(labels).digest()], [labels]],
  );
  if (stored === undefined) throw new Error(`label set ${name} was not stored`);
  return stored.label_set_id;
}

const requireLabelSets = 'select ocp_require_label_sets($1, $2, $2)';

test('a day of which a relation refers to a label set that is gone is refused, in whichever column', async () => {
  expect(related).not.toEqual([]);
  await source.query(requireLabelSets, [source.sourceUuid, day]);
  for (const name of related) {
    const refused = inTenantTransaction(database.pool, database.schema, async (client) => {
      await client.query(`delete from ocp_label_set where labels ->> 'name' = $1`, [name]);
      await client.query(requireLabelSets, [source.sourceUuid, day]);
    });
    await expect(refused, name).rejects.toMatchObject({ code: 'OCP01' });
  }
});

test('a label set to which a row refers is not swept, whichever the column', async () => {
  await store('unused');
  await source.query(`update ocp_label_set set last_used_at = now() - interval '49 hours'`);
  const cleanUp = await createCleanUp(database);
  await cleanUp.sweep('2026-09-15T02:30:00Z');
  const left = await source.query<{ name: string }>(`select labels ->> 'name' as name from ocp_label_set`);
  expect(left.map(({ name }) => name).sort()).toEqual([...staged, ...related].sort());
});
