import { createRequire } from 'node:module';
import type * as DuckDb from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { Config } from '../../platform/config/config.ts';
import { literal } from './client.ts';
import type { LakeColumn } from './lake-columns.ts';

/** A CSV without header, and what its fields mean. */
export interface CsvToConvert {
  path: string;
  /** names of its fields, in order; of equal names the last one counts */
  header: readonly string[];
  /** CSV of two fields: label text as sent, JSON of its set */
  labelsPath: string;
  /** microseconds since 1970 of each distinct time */
  timeMicroseconds: (text: string) => bigint;
  pieceId: number;
  generation: string;
}

/** Rows of a row group: what a reader skips or opens at once. */
const rowGroupSize = 122_880;
/** A record of 8 MiB, its maximum, with every character quoted. */
const maxLineBytes = 17 * 1024 * 1024;
/** Two are in use for each file; by default they would be sixteen lines long and fill the memory. */
const bufferBytes = 2 * maxLineBytes;

/**
 * Write a Parquet file with DuckDB, which is loaded here: a worker of PostgreSQL alone does not have it. Every field
 * has an explicit type, nothing is guessed; a row that cannot be read is an error.
 *
 * @param directory for what does not fit into memory
 * @returns rows written
 */
export async function writeParquet(
  csv: CsvToConvert,
  columns: readonly LakeColumn[],
  { path, directory }: { path: string; directory: string },
): Promise<number> {
  const { DuckDBInstance } = await duckDb();
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '2',
    memory_limit: '512MB',
    temp_directory: directory,
    autoinstall_known_extensions: 'false',
    preserve_insertion_order: 'false',
  });
  try {
    const connection = await instance.connect();
    try {
      await readTimes(connection, csv);
      const result = await connection.run(copyStatement(csv, columns, path));
      const [[count] = []] = await result.getRows();
      return Number(count);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/**
 * Make sure that a process which will take work of this engine can write Parquet files: others may be able to. Call it
 * before the runtime of Temporal's SDK exists, which only the end of a worker ends. The library is not loaded.
 *
 * @throws PipelineError `ConfigInvalid` if it was left out when the program was installed
 */
export function requireParquetWriter({ TRINO_URL: url }: Config): void {
  if (url === undefined) return;
  try {
    createRequire(import.meta.url).resolve('@duckdb/node-api');
  } catch (cause) {
    throw withoutDuckDb(cause);
  }
}

/** @throws PipelineError `ConfigInvalid` (not retried) if it cannot be loaded */
async function duckDb(): Promise<typeof DuckDb> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw withoutDuckDb(cause);
  }
}

function withoutDuckDb(cause: unknown): PipelineError {
  return new PipelineError(
    'ConfigInvalid',
    'engine=trino needs the optional package @duckdb/node-api, which this worker cannot load',
    {
      cause,
      remedy:
        'install it (npm ci without --omit=optional; an image built with TRINO=no lacks it), or unset TRINO_URL for this worker',
    },
  );
}

/** Each distinct time is parsed by the program's own parser, so that both engines place a row in the same hour. */
async function readTimes(connection: DuckDBConnection, csv: CsvToConvert): Promise<void> {
  const time = fieldOf(csv.header, 'interval_start') ?? '';
  const found = await connection.runAndReadAll(`select distinct coalesce(${time}, '') from ${readCsv(csv)}`);
  await connection.run('create temp table times (sent varchar, micros bigint)');
  const rows = found
    .getRows()
    .map(([text]) => `(${literal(String(text))}, ${csv.timeMicroseconds(String(text))})`);
  if (rows.length > 0) await connection.run(`insert into times values ${rows.join(', ')}`);
}

function copyStatement(csv: CsvToConvert, columns: readonly LakeColumn[], path: string): string {
  const labels = columns.filter(({ from }) => from === 'labels').map(({ name }) => name);
  const sets = readFields(csv.labelsPath, ['sent', 'stored']);
  const joins = labels.map(
    (name) =>
      `join ${sets} as ${name}_set on coalesce(${name}_set.sent, '') = coalesce(${fieldOf(csv.header, name)}, '')`,
  );
  const order = ['namespace', 'node', ...labels].filter((name) =>
    columns.some((column) => column.name === name),
  );
  return (
    `copy (select ${columns.map((column) => `${valueOf(column, csv)} as ${column.name}`).join(', ')} ` +
    `from ${readCsv(csv)} join times on times.sent = coalesce(${fieldOf(csv.header, 'interval_start')}, '') ` +
    `${joins.join(' ')} order by ${[...order, 'interval_start'].join(', ')}) ` +
    `to ${literal(path)} (format parquet, compression zstd, row_group_size ${rowGroupSize})`
  );
}

function valueOf({ name, type, from }: LakeColumn, csv: CsvToConvert): string {
  if (from === 'time') return 'make_timestamp(times.micros)';
  if (name === 'piece_id') return `cast(${csv.pieceId} as bigint)`;
  if (from === 'piece') return literal(csv.generation);
  if (from === 'labels') return `${name}_set.stored`;
  const field = fieldOf(csv.header, name);
  if (field === undefined) return `cast(null as ${type})`;
  // A blank number is absent, a blank text is blank.
  return from === 'number' ? `cast(${field} as double)` : `coalesce(${field}, '')`;
}

function fieldOf(header: readonly string[], name: string): string | undefined {
  const index = header.lastIndexOf(name);
  return index === -1 ? undefined : `csv.f${index}`;
}

function readCsv({ path, header }: CsvToConvert): string {
  return `${readFields(
    path,
    header.map((_, index) => `f${index}`),
  )} as csv`;
}

function readFields(path: string, names: readonly string[]): string {
  const fields = names.map((name) => `${literal(name)}: 'varchar'`).join(', ');
  return (
    `read_csv(${literal(path)}, columns = {${fields}}, auto_detect = false, header = false, delim = ',', ` +
    `quote = '"', escape = '"', new_line = '\\n', max_line_size = ${maxLineBytes}, buffer_size = ${bufferBytes})`
  );
}
