import type { ClientBase } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import { transactionOn } from './database.ts';
import { awaitLock } from './locks.ts';
import { relationExists } from './relation-exists.ts';
import { quoteIdentifier, quoteQualified } from './schema-names.ts';

/** Which partitions to ensure. */
export interface MonthlyPartitionsInput {
  /** Tenant schema. */
  schema: string;
  /** Tables partitioned by range of one column of type date or timestamptz. */
  tables: readonly string[];
  /** Calendar months in UTC, `YYYY-MM`. */
  months: readonly string[];
}

/** What {@link ensureMonthlyPartitions} created. */
export interface MonthlyPartitionsResult {
  /** Names of the partitions created now, without the schema, in order. */
  created: string[];
}

/**
 * Autovacuum settings of a month of staging. Rows are only added, and are dropped with the partition within weeks, long
 * before they need freezing: an insert-triggered vacuum would only read the month repeatedly for nothing. Reloaded
 * pieces leave dead tuples, and a twentieth of them is enough to trigger a vacuum. A run computes statistics itself
 * when it has loaded much (sql/summary/daily/stale_statistics.sql).
 */
export const stagingStorage: Readonly<Record<string, string>> = {
  autovacuum_vacuum_insert_threshold: '-1',
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_vacuum_threshold: '10000',
  autovacuum_analyze_scale_factor: '0.5',
  autovacuum_analyze_threshold: '50000',
};

/** Lock time-out: while we wait for a table, everybody queued behind us waits too. */
const lockTimeoutMs = 5_000;

/**
 * Ensure that every table has a partition for every month, named `<table>_YYYY_MM`. One catalog query if all exist.
 *
 * A partition is created separately and then attached, so readers and writers of the table continue meanwhile. Rows of
 * the month that are in a default partition are moved into it. Each partition is a separate transaction on `client`,
 * which therefore must not be in one. Any number of callers may run concurrently.
 *
 * Tables whose names begin with `reporting_` or another prefix of Koku's and that are partitioned by a date are Koku's:
 * their partitions are entered in the tenant's `partitioned_tables`, and where that register has a trigger, the trigger
 * creates them. Tables partitioned by a timestamp (bounds at midnight UTC) and tables called `ocp_…` are ours: not
 * registered.
 *
 * @throws PipelineError `PartitionBusy` (retryable) if a lock could not be acquired within 5 s
 * @throws PipelineError `PartitionFailed` if a table is not partitioned by month, or the name of a partition is taken
 */
export async function ensureMonthlyPartitions(
  client: ClientBase,
  input: MonthlyPartitionsInput,
): Promise<MonthlyPartitionsResult> {
  const wanted = wantedPartitions(input);
  const existing = await transactionOn(client, () => attachedPartitions(client, input.schema, wanted));
  const created: string[] = [];
  for (const partition of wanted) {
    if (existing.has(partition.name)) continue;
    if (await createPartition(client, partition)) created.push(partition.name);
  }
  return { created };
}

/**
 * Bounds of a calendar month.
 *
 * @param month `YYYY-MM`
 * @returns first day of the month and of the next one, `YYYY-MM-DD`
 * @throws RangeError when `month` is not of that form
 */
export function monthBounds(month: string): { from: string; to: string } {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month);
  if (!match) throw new RangeError(`Month ${JSON.stringify(month)}: expected YYYY-MM, for example 2026-10`);
  const [year, ordinal] = [Number(match[1]), Number(match[2])];
  const next = ordinal === 12 ? { year: year + 1, ordinal: 1 } : { year, ordinal: ordinal + 1 };
  const nextMonth = `${String(next.year).padStart(4, '0')}-${String(next.ordinal).padStart(2, '0')}`;
  return { from: `${month}-01`, to: `${nextMonth}-01` };
}

/** Name of the partition of `table` for a month `YYYY-MM`, for example `x_staging_2026_10`. */
export function partitionName(table: string, month: string): string {
  return `${table}_${month.replace('-', '_')}`;
}

interface WantedPartition {
  schema: string;
  table: string;
  name: string;
  from: string;
  to: string;
}

interface PartitionedTable {
  column: string;
  /** True for timestamptz, false for date. */
  isTimestamp: boolean;
  defaultPartition: string | null;
  /** Columns that can be written, for moving rows. */
  columns: string[];
}

function wantedPartitions(input: MonthlyPartitionsInput): WantedPartition[] {
  // Sorted, so that concurrent callers acquire their locks in the same order.
  const tables = [...new Set(input.tables)].sort();
  const months = [...new Set(input.months)].sort();
  return tables.flatMap((table) =>
    months.map((month) => ({
      schema: input.schema,
      table,
      name: partitionName(table, month),
      ...monthBounds(month),
    })),
  );
}

async function attachedPartitions(
  client: ClientBase,
  schema: string,
  wanted: readonly WantedPartition[],
): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name
     from pg_namespace n
     join unnest($2::text[], $3::text[]) as wanted (parent_name, name) on true
     join pg_class p on p.relnamespace = n.oid and p.relname = wanted.parent_name
     join pg_inherits i on i.inhparent = p.oid
     join pg_class c on c.oid = i.inhrelid and c.relname = wanted.name
     where n.nspname = $1`,
    [schema, wanted.map(({ table }) => table), wanted.map(({ name }) => name)],
  );
  return new Set(rows.map((row) => row.name));
}

/** One partition in one transaction. @returns false if another process was faster */
async function createPartition(client: ClientBase, partition: WantedPartition): Promise<boolean> {
  const { schema, table, name } = partition;
  try {
    return await transactionOn(client, async () => {
      // From here on, each of a few locks is awaited for at most this time.
      await client.query(`set local lock_timeout = ${6 * lockTimeoutMs}`);
      await awaitLock(client, 'partition', `${schema}.${table}`);
      const attached = await attachedPartitions(client, schema, [partition]);
      if (!attached.has(name)) await createLocked(client, partition);
      return !attached.has(name);
    });
  } catch (error) {
    throw explain(partition, error);
  }
}

async function createLocked(client: ClientBase, partition: WantedPartition): Promise<void> {
  const { schema, name } = partition;
  await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
  // as Koku's own sessions have it, for the functions that its trigger calls
  await client.query(`set local search_path = ${quoteIdentifier(schema)}, public`);
  const parent = await readPartitionedTable(client, partition);
  await requireNameFree(client, partition);
  const mustMove = await lockDefaultPartition(client, partition, parent);
  if (parent.isTimestamp || partition.table.startsWith('ocp_'))
    return createDirectly(client, partition, parent, mustMove);
  const register = await readRegister(client, partition);
  if (register.hasTrigger && !register.hasRow)
    return createThroughRegister(client, partition, parent, mustMove);
  await createDirectly(client, partition, parent, mustMove);
  if (!register.hasRow) await insertRegisterRow(client, partition, parent.column);
  else if (!register.hasTrigger)
    await client.query(
      `update ${quoteQualified(schema, 'partitioned_tables')} set active = true, partition_parameters = $3
       where schema_name = $1 and table_name = $2`,
      [schema, name, partitionParameters(partition)],
    );
}

async function readPartitionedTable(
  client: ClientBase,
  partition: WantedPartition,
): Promise<PartitionedTable> {
  const { schema, table } = partition;
  const { rows } = await client.query<PartitionedTable & { type: string }>(
    `select k.attname as column,
            format_type(k.atttypid, null) as type,
            k.atttypid = 'timestamptz'::regtype as "isTimestamp",
            d.relname as "defaultPartition",
            array(
                select a.attname::text
                from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                order by a.attnum
            ) as columns
     from pg_namespace n
     join pg_class c on c.relnamespace = n.oid
     join pg_partitioned_table p on p.partrelid = c.oid and p.partstrat = 'r' and p.partnatts = 1
     join pg_attribute k on k.attrelid = c.oid and k.attnum = p.partattrs[0]
     left join pg_class d on d.oid = p.partdefid
     where n.nspname = $1 and c.relname = $2 and k.atttypid in ('date'::regtype, 'timestamptz'::regtype)`,
    [schema, table],
  );
  const found = rows[0];
  if (!found)
    throw new PipelineError(
      'PartitionFailed',
      `Table ${schema}.${table} is absent or not partitioned by range of one date or timestamptz column; ` +
        `migrate the tenant schema`,
    );
  return found;
}

async function requireNameFree(client: ClientBase, { schema, table, name }: WantedPartition): Promise<void> {
  if (await relationExists(client, quoteQualified(schema, name)))
    throw new PipelineError(
      'PartitionFailed',
      `Partition ${schema}.${name} cannot be created: a table of that name exists but is not attached to ${table}; ` +
        `attach, rename or drop that table`,
    );
}

/**
 * Lock rows of the month out of the default partition until the new one exists: attaching would fail on them.
 *
 * @returns whether the default partition contains such rows now
 */
async function lockDefaultPartition(
  client: ClientBase,
  partition: WantedPartition,
  parent: PartitionedTable,
): Promise<boolean> {
  if (parent.defaultPartition === null) return false;
  const table = quoteQualified(partition.schema, parent.defaultPartition);
  await client.query(`lock table ${table} in access exclusive mode`);
  const { rows } = await client.query<{ found: boolean }>(
    `select exists (select from ${table} where ${inMonth(partition, parent)}) as found`,
  );
  return rows[0]?.found === true;
}

async function createDirectly(
  client: ClientBase,
  partition: WantedPartition,
  parent: PartitionedTable,
  mustMove: boolean,
): Promise<void> {
  const table = quoteQualified(partition.schema, partition.table);
  const created = quoteQualified(partition.schema, partition.name);
  // Attaching adds indexes, primary key and foreign keys. The check constraint spares it the scan for misplaced rows.
  await client.query(
    `create table ${created} (
       like ${table} including defaults including generated including constraints including storage including compression,
       constraint ocp_month_check check (${inMonth(partition, parent)})
     )${storageOf(parent)}`,
  );
  if (mustMove) await moveRows(client, partition, parent, partition.name);
  const { from, to } = boundLiterals(partition, parent);
  await client.query(`alter table ${table} attach partition ${created} for values from (${from}) to (${to})`);
  await client.query(`alter table ${created} drop constraint ocp_month_check`);
}

/** Staging is ours; partitions of Koku's tables have the same form as those that Koku creates. */
function storageOf({ isTimestamp }: PartitionedTable): string {
  if (!isTimestamp) return '';
  const settings = Object.entries(stagingStorage).map(([name, value]) => `${name} = ${value}`);
  return ` with (${settings.join(', ')})`;
}

/**
 * Koku's trigger on the register creates the partition; whether it moves rows is unknown, so they are set aside first.
 */
async function createThroughRegister(
  client: ClientBase,
  partition: WantedPartition,
  parent: PartitionedTable,
  mustMove: boolean,
): Promise<void> {
  const { schema, table, name } = partition;
  const aside = `${name}_aside`;
  if (mustMove) {
    await client.query(
      `create table ${quoteQualified(schema, aside)} (like ${quoteQualified(schema, table)})`,
    );
    await moveRows(client, partition, parent, aside);
  }
  await insertRegisterRow(client, partition, parent.column);
  const attached = await attachedPartitions(client, schema, [partition]);
  if (!attached.has(name))
    throw new PipelineError(
      'PartitionFailed',
      `Partition ${schema}.${name} was not created by the trigger on ${schema}.partitioned_tables; ` +
        `check that trigger, or remove it`,
    );
  if (mustMove) {
    const columns = columnList(parent);
    await client.query(
      `insert into ${quoteQualified(schema, table)} (${columns}) select ${columns} from ${quoteQualified(schema, aside)}`,
    );
    await client.query(`drop table ${quoteQualified(schema, aside)}`);
  }
}

/** Move the month's rows from the default partition into `target`. */
async function moveRows(
  client: ClientBase,
  partition: WantedPartition,
  parent: PartitionedTable,
  target: string,
): Promise<void> {
  const { schema } = partition;
  const columns = columnList(parent);
  await client.query(
    `with caught as (
       delete from ${quoteQualified(schema, parent.defaultPartition ?? '')} where ${inMonth(partition, parent)}
       returning ${columns}
     )
     insert into ${quoteQualified(schema, target)} (${columns}) select ${columns} from caught`,
  );
}

async function readRegister(
  client: ClientBase,
  { schema, name }: WantedPartition,
): Promise<{ hasTrigger: boolean; hasRow: boolean }> {
  const register = quoteQualified(schema, 'partitioned_tables');
  const { rows } = await client.query<{ hasTrigger: boolean; hasRow: boolean }>(
    `select exists (
                select from pg_trigger
                where tgrelid = $1::regclass and not tgisinternal and tgenabled <> 'D' and tgtype & 4 = 4
            ) as "hasTrigger",
            exists (select from ${register} where schema_name = $2 and table_name = $3) as "hasRow"`,
    [register, schema, name],
  );
  return rows[0] ?? { hasTrigger: false, hasRow: false };
}

async function insertRegisterRow(
  client: ClientBase,
  partition: WantedPartition,
  column: string,
): Promise<void> {
  await client.query(
    `insert into ${quoteQualified(partition.schema, 'partitioned_tables')} (
       schema_name, table_name, partition_of_table_name, partition_type, partition_col, partition_parameters, active
     )
     values ($1, $2, $3, 'range', $4, $5, true)`,
    [partition.schema, partition.name, partition.table, column, partitionParameters(partition)],
  );
}

function partitionParameters({ from, to }: WantedPartition): string {
  return JSON.stringify({ default: false, from, to });
}

function boundLiterals(
  { from, to }: WantedPartition,
  { isTimestamp }: PartitionedTable,
): { from: string; to: string } {
  // The bounds are digits and dashes by construction.
  return isTimestamp
    ? { from: `'${from} 00:00:00+00'::timestamptz`, to: `'${to} 00:00:00+00'::timestamptz` }
    : { from: `'${from}'::date`, to: `'${to}'::date` };
}

function inMonth(partition: WantedPartition, parent: PartitionedTable): string {
  const column = quoteIdentifier(parent.column);
  const { from, to } = boundLiterals(partition, parent);
  return `${column} is not null and ${column} >= ${from} and ${column} < ${to}`;
}

function columnList(parent: PartitionedTable): string {
  return parent.columns.map(quoteIdentifier).join(', ');
}

function explain(partition: WantedPartition, error: unknown): unknown {
  if (error instanceof PipelineError) return error;
  const { code, message } = error as { code?: string; message: string };
  const what = `Partition ${partition.schema}.${partition.name} could not be created`;
  if (code === '55P03')
    return new PipelineError(
      'PartitionBusy',
      `${what}: a lock on ${partition.table}, its default partition or a table that it references could not be acquired ` +
        `within ${lockTimeoutMs / 1000} s; try again`,
      { cause: error },
    );
  // 40P01, 57014 and lost connections are retried by the caller: they say nothing about the partition.
  if (code === '42501' || code === '42P17' || code === '42P07')
    return new PipelineError('PartitionFailed', `${what}: ${message}; check owner and existing partitions`, {
      cause: error,
    });
  return error;
}

/** "No partition of relation found for row": a check violation that names no constraint. */
export function isPartitionMissing(error: unknown): boolean {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return code === '23514' && constraint === undefined;
}
