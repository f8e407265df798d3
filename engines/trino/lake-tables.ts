import { reportKinds } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { billingMonthOf, isBillingMonth } from '../../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../../domain/time/usage-day.ts';
import { identifier, literal } from './client.ts';
import type { QueryOptions, TrinoClient } from './client.ts';
import { lakeColumns, lakePartition } from './lake-columns.ts';
import type { LakeColumn } from './lake-columns.ts';
import type { LakeFile } from './live-pieces.ts';
import { TrinoError } from './trino-error.ts';

/** A month of a source in the table of a kind. */
export interface LakePartition {
  /** of the tenant */
  schema: string;
  kind: ReportKind;
  sourceUuid: string;
  month: BillingMonth;
}

/** Where a statement finds the rows of a partition: a table expression, and what is true of its rows only. */
export interface VisibleRows {
  table: string;
  conditions: readonly string[];
}

/** How the lake makes files visible to queries. Each call may be repeated, also at the same time. */
export interface LakeTables {
  /** What the partitions of a kind need: a schema, and if they share a table, that one with all columns of the kind. */
  ensureTable(schema: string, kind: ReportKind, options?: QueryOptions): Promise<void>;
  /**
   * Some files of a month are visible, each once, together with others of the month.
   * @param files of the partition, which are in the object store
   */
  ensurePartition(
    partition: LakePartition,
    files: readonly LakeFile[],
    options?: QueryOptions,
  ): Promise<VisibleRows>;
  /** Partitions that the catalog has of a tenant, also such whose files are gone. */
  listPartitions(schema: string, options?: QueryOptions): Promise<LakePartition[]>;
  /** The files of the month are no longer visible; they stay. */
  dropPartition(partition: LakePartition, options?: QueryOptions): Promise<void>;
}

/** Folder of a kind in the object store. The account is the schema name without a leading `acct`, as in Koku. */
function folderOf(schema: string, kind: ReportKind): string {
  return `data/parquet/${schema.replace(/^acct/, '')}/OCP/${kind}`;
}

/** Folder of the files of a month and source; below it there may be a folder of a table, whose name begins with `_`. */
export function folderOfMonth({ schema, kind, sourceUuid, month }: LakePartition): string {
  const [year = '', number = ''] = month.split('-');
  return `${folderOf(schema, kind)}/source=${sourceUuid}/year=${year}/month=${number}`;
}

/** Key of a piece's Parquet object. */
export function parquetKey(
  piece: { schema: string; kind: ReportKind; sourceUuid: string; usageDay: UsageDay },
  generation: string,
): string {
  const folder = folderOfMonth({ ...piece, month: billingMonthOf(piece.usageDay) });
  return `${folder}/${piece.usageDay}-${generation}.parquet`;
}

/** Where the lake is. */
export interface LakePlace {
  /** of the object store, as Trino names it: `s3://bucket/prefix` */
  location: string;
  /** name of a tenant's schema in the lake */
  schemaOf: (schema: string) => string;
}

/**
 * Hive external tables: new files of a partition that is registered are visible at once, so registration happens once a
 * month and source.
 */
export function hiveTables(client: TrinoClient, { location, schemaOf }: LakePlace): LakeTables {
  const inLake = (partition: LakePartition) => ({ ...partition, schema: schemaOf(partition.schema) });
  return {
    ensureTable: async (schema, kind, options) => {
      const table = `${identifier(schemaOf(schema))}.${kind}`;
      const definition = tableDefinition(table, kind, `${location}/${folderOf(schema, kind)}`);
      // "If not exists" looks before it creates: of two workers one may lose.
      await unless(
        'ALREADY_EXISTS',
        client.run(`create schema if not exists ${identifier(schemaOf(schema))}`, options),
      );
      await unless('ALREADY_EXISTS', client.run(definition, options));
      for (const { name, type } of await missingColumns(client, table, kind, options))
        await unless(
          'ALREADY_EXISTS',
          client.run(`alter table ${table} add column if not exists ${name} ${type}`, options),
        );
    },
    ensurePartition: async (partition, _files, options) => {
      await register(client, inLake(partition), options);
      return {
        table: `${identifier(schemaOf(partition.schema))}.${partition.kind}`,
        conditions: partitionValues(partition).map(
          (value, index) => `${lakePartition[index] ?? ''} = ${literal(value)}`,
        ),
      };
    },
    listPartitions: async (schema, options) => {
      const partitions: LakePartition[] = [];
      const tables = await tableNames(client, schemaOf(schema), options);
      for (const kind of reportKinds.filter((name) => tables.includes(name))) {
        const rows = await client.run(
          `select ${lakePartition.join(', ')} from ${identifier(schemaOf(schema))}.${identifier(`${kind}$partitions`)}`,
          options,
        );
        for (const [sourceUuid, year, number] of rows) {
          const month = `${String(year)}-${String(number)}`;
          if (isBillingMonth(month)) partitions.push({ schema, kind, sourceUuid: String(sourceUuid), month });
        }
      }
      return partitions;
    },
    dropPartition: (partition, options) =>
      unless('NOT_FOUND', client.run(procedure('unregister_partition', inLake(partition)), options)),
  };
}

/** Names of the tables of a schema of the lake; none if there is no such schema. */
export async function tableNames(
  client: TrinoClient,
  schema: string,
  options?: QueryOptions,
): Promise<string[]> {
  try {
    return (await client.run(`show tables from ${identifier(schema)}`, options)).map(([name]) =>
      String(name),
    );
  } catch (error) {
    if (error instanceof TrinoError && error.errorName === 'SCHEMA_NOT_FOUND') return [];
    throw error;
  }
}

function tableDefinition(table: string, kind: ReportKind, location: string): string {
  const columns = [
    ...lakeColumns(kind).map(({ name, type }) => `${name} ${type}`),
    ...lakePartition.map((name) => `${name} varchar`),
  ];
  return (
    `create table if not exists ${table} (${columns.join(', ')}) with (` +
    `format = 'PARQUET', external_location = ${literal(location)}, ` +
    `partitioned_by = ${array(lakePartition)})`
  );
}

/** Columns that a table of a kind lacks: a version of the program created it whose reports did not have them. */
export async function missingColumns(
  client: TrinoClient,
  table: string,
  kind: ReportKind,
  options?: QueryOptions,
): Promise<LakeColumn[]> {
  const present = new Set((await client.run(`show columns from ${table}`, options)).map(([name]) => name));
  return lakeColumns(kind).filter(({ name }) => !present.has(name));
}

/** Where the procedure is not allowed, which is the default, all partitions of the table are compared. */
async function register(
  client: TrinoClient,
  partition: LakePartition,
  options?: QueryOptions,
): Promise<void> {
  if (await registerIfAllowed(client, partition, options)) return;
  const { schema, kind } = partition;
  // Never FULL, which also drops.
  await client.run(
    `call system.sync_partition_metadata(${literal(schema)}, ${literal(kind)}, 'ADD')`,
    options,
  );
}

/**
 * Register a single partition, if the catalog allows it.
 * @param partition by the names of the lake; it exists afterwards if it is allowed
 * @throws TrinoError as {@link TrinoClient.run}
 */
export async function registerIfAllowed(
  client: TrinoClient,
  partition: LakePartition,
  options?: QueryOptions,
): Promise<boolean> {
  try {
    await unless('ALREADY_EXISTS', client.run(procedure('register_partition', partition), options));
    return true;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return false;
  }
}

/** What the procedure answers where it is not allowed. */
function isForbidden(error: unknown): boolean {
  return error instanceof TrinoError && error.errorName === 'PERMISSION_DENIED';
}

function procedure(name: string, partition: LakePartition): string {
  const { schema, kind } = partition;
  const values = array(partitionValues(partition));
  return `call system.${name}(${literal(schema)}, ${literal(kind)}, ${array(lakePartition)}, ${values})`;
}

/** In the order of {@link lakePartition}. */
function partitionValues({ sourceUuid, month }: LakePartition): string[] {
  return [sourceUuid, ...month.split('-')];
}

function array(texts: readonly string[]): string {
  return `array[${texts.map(literal).join(', ')}]`;
}

/** Success, too, if it fails with this error. */
export async function unless(errorName: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof TrinoError && error.errorName === errorName)) throw error;
  }
}
