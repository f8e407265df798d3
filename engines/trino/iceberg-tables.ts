import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { reportKinds } from '../../domain/reports/report-kind.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { identifier, literal } from './client.ts';
import type { QueryOptions, TrinoClient } from './client.ts';
import { lakeColumns } from './lake-columns.ts';
import { folderOfMonth, missingColumns, tableNames, unless } from './lake-tables.ts';
import type { LakePartition, LakePlace, LakeTables, VisibleRows } from './lake-tables.ts';
import { TrinoError } from './trino-error.ts';

/** How often the table is looked at before a partition is given up: workers may undo each other's commits. */
const maxLooks = 12;
/** Upper limit of the random pause after the first look; it grows with each. */
const pauseMs = 250;

/**
 * Iceberg tables, one for each kind, source and month: files are added to unpartitioned tables only. Nothing is ever
 * removed from a table, generations are chosen by queries.
 *
 * `add_files` refuses a file that is there, but of two that run at the same time both may succeed, and its rows would
 * count twice. So a query reads a snapshot of which it is known that each file is in it once; a table with more is
 * rolled back first.
 */
export function icebergTables(client: TrinoClient, { location, schemaOf }: LakePlace): LakeTables {
  const tableOf = (partition: LakePartition): MonthTable => ({
    schema: schemaOf(partition.schema),
    name: tableName(partition),
    folder: `${location}/${folderOfMonth(partition)}`,
  });
  return {
    ensureTable: async (schema, _kind, options) => {
      const created = client.run(`create schema if not exists ${identifier(schemaOf(schema))}`, options);
      await unlessThere(created, () =>
        client.run(`show tables from ${identifier(schemaOf(schema))}`, options),
      );
    },
    ensurePartition: async (partition, files, options) => {
      const table = new TableOfMonth(client, tableOf(partition), partition, options);
      return table.withFiles(
        new Map(files.map(({ parquetKey, byteCount }) => [`${location}/${parquetKey}`, byteCount])),
      );
    },
    listPartitions: async (schema, options) =>
      (await tableNames(client, schemaOf(schema), options)).flatMap(
        (name) => partitionOf(schema, name) ?? [],
      ),
    // Not "drop table", which removes files, too.
    dropPartition: async (partition, options) => {
      const { schema, name } = tableOf(partition);
      await unless('NOT_FOUND', client.run(unregistration(schema, name), options));
    },
  };
}

interface MonthTable {
  schema: string;
  name: string;
  /** of the month's files */
  folder: string;
}

function tableName({ kind, sourceUuid, month }: LakePartition): string {
  return `${kind}_${month}_${sourceUuid}`.replaceAll('-', '_').toLowerCase();
}

/** What {@link tableName} was given; undefined for another table. */
function partitionOf(schema: string, name: string): LakePartition | undefined {
  const [, kindName, month = '', sourceUuid = ''] =
    /^([a-z_]+)_(\d{4}_\d{2})_([0-9a-f]{8}(?:_[0-9a-f]+){4})$/.exec(name) ?? [];
  const kind = reportKinds.find((known) => known === kindName);
  if (kind === undefined) return undefined;
  return {
    schema,
    kind,
    sourceUuid: sourceUuid.replaceAll('_', '-'),
    month: billingMonth(month.replace('_', '-')),
  };
}

function unregistration(schema: string, name: string): string {
  return `call system.unregister_table(${literal(schema)}, ${literal(name)})`;
}

/** A file in the present snapshot of a table, as often as it is there. */
interface Entry {
  path: string;
  byteCount: number;
  /** that added it */
  snapshotId: string;
}

interface TableState {
  /** changes with every commit, also with one that goes back */
  version: string;
  snapshotId: string;
  /** in the order in which they were added */
  entries: readonly Entry[];
}

class TableOfMonth {
  readonly #client: TrinoClient;
  readonly #table: MonthTable;
  readonly #partition: LakePartition;
  readonly #options: QueryOptions | undefined;

  constructor(
    client: TrinoClient,
    table: MonthTable,
    partition: LakePartition,
    options: QueryOptions | undefined,
  ) {
    this.#client = client;
    this.#table = table;
    this.#partition = partition;
    this.#options = options;
  }

  /** Add what is missing. @param files sizes by their locations */
  async withFiles(files: ReadonlyMap<string, number>): Promise<VisibleRows> {
    await this.#leaveOlderTable();
    for (let look = 1; ; look += 1) {
      const state = await this.#state();
      const wrong = firstWrong(state.entries, files);
      const present = new Set(state.entries.map(({ path }) => path));
      const missing = [...files.keys()].filter((path) => !present.has(path));
      if (wrong === undefined && missing.length === 0) return this.#rowsOf(state.snapshotId);
      if (look === maxLooks)
        throw new TrinoError(
          `table ${this.#name()}: expected ${files.size} files with the sizes that they have, each once; after ` +
            `${maxLooks} attempts found ${files.size - missing.length} of them; set iceberg.metadata-cache.enabled=false ` +
            'in the catalog if files were replaced',
          { errorName: 'ICEBERG_COMMIT_ERROR', retryable: true },
        );
      if (look > 1) await delay(Math.random() * pauseMs * look, undefined, this.#signal());
      const failure =
        wrong === undefined ? await this.#add(missing) : await this.#goBackBefore(wrong, state.version);
      if (failure !== undefined && (await this.#versionOrCreate()).version === state.version) throw failure;
    }
  }

  #name(suffix = ''): string {
    const { schema, name } = this.#table;
    return `${identifier(schema)}.${identifier(name + suffix)}`;
  }

  #signal() {
    const signal = this.#options?.signal;
    return signal === undefined ? {} : { signal };
  }

  async #run(statement: string) {
    return this.#client.run(statement, this.#options);
  }

  /** Each row in the file of its generation: what a compaction wrote does not count. */
  #rowsOf(snapshotId: string): VisibleRows {
    return {
      table: `${this.#name()} for version as of bigint ${literal(snapshotId)}`,
      conditions: [`"$path" like '%-' || generation || '.parquet'`],
    };
  }

  /** What is in the table, which is created if there is none: entries of one snapshot, whatever others commit. */
  async #state(): Promise<TableState> {
    for (;;) {
      const { version, snapshotId } = await this.#versionOrCreate();
      const rows = await this.#run(
        `select data_file.file_path, data_file.file_size_in_bytes, cast(snapshot_id as varchar)
         from ${this.#name('$entries')} where status <> 2 order by sequence_number`,
      );
      const entries = rows.map(([path, byteCount, added]) => ({
        path: String(path),
        byteCount: Number(byteCount),
        snapshotId: String(added),
      }));
      if ((await this.#version()).version === version) return { version, snapshotId, entries };
    }
  }

  /** A table whose metadata are gone, as after a purge by a worker that does not know Trino, begins anew. */
  async #versionOrCreate() {
    try {
      return await this.#version();
    } catch (error) {
      if (hasNoMetadata(error)) await this.#unregister();
      else if (!isAbsent(error)) throw error;
      await this.#create();
      return this.#version();
    }
  }

  async #unregister(): Promise<void> {
    const { schema, name } = this.#table;
    await unless('NOT_FOUND', this.#run(unregistration(schema, name)));
  }

  async #version(): Promise<{ version: string; snapshotId: string }> {
    const [[version, snapshotId] = []] = await this.#run(
      `select (select max(file) from ${this.#name('$metadata_log_entries')}), cast(snapshot_id as varchar)
       from ${this.#name('$refs')} where name = 'main'`,
    );
    return { version: String(version), snapshotId: String(snapshotId) };
  }

  /** Its own files go to a folder that Hive does not read, and that is purged with the month. */
  async #create(): Promise<void> {
    const columns = lakeColumns(this.#partition.kind).map(({ name, type }) =>
      // Iceberg has no other timestamps.
      type === 'timestamp(3)' ? `${name} timestamp(6)` : `${name} ${type}`,
    );
    const place = literal(`${this.#table.folder}/_iceberg-${randomUUID()}`);
    const created = this.#run(
      `create table if not exists ${this.#name()} (${columns.join(', ')}) ` +
        `with (format = 'PARQUET', location = ${place})`,
    );
    await unlessThere(created, () => this.#version());
  }

  /**
   * A table that lacks a column of its kind begins anew: if the column were added, snapshots from before it would not
   * know it.
   */
  async #leaveOlderTable(): Promise<void> {
    try {
      const missing = await missingColumns(this.#client, this.#name(), this.#partition.kind, this.#options);
      if (missing.length === 0) return;
    } catch (error) {
      if (isAbsent(error) || hasNoMetadata(error)) return;
      throw error;
    }
    await this.#unregister();
  }

  /** In random order, so that two workers rarely add the same file at the same time. @returns the last failure */
  async #add(paths: readonly string[]): Promise<TrinoError | undefined> {
    let failure: TrinoError | undefined;
    const order = paths.map((path) => ({ path, at: Math.random() })).sort((one, other) => one.at - other.at);
    for (const { path } of order)
      failure =
        (await this.#attempt(
          `alter table ${this.#name()} execute add_files(location => ${literal(path)}, format => 'PARQUET')`,
        )) ?? failure;
    return failure;
  }

  /**
   * Return to the snapshot before a file was added that must not be there; whoever needs what was added later adds it
   * again, and queries of later snapshots go on. If that snapshot has expired, the table begins anew.
   */
  async #goBackBefore(snapshotId: string, version: string): Promise<TrinoError | undefined> {
    const [[parent] = []] = await this.#run(
      `select cast(parent_id as varchar) from ${this.#name('$snapshots')}
       where snapshot_id = bigint ${literal(snapshotId)}`,
    );
    const failure =
      parent === undefined || parent === null
        ? undefined
        : await this.#attempt(
            `alter table ${this.#name()} execute rollback_to_snapshot(snapshot_id => bigint ${literal(String(parent))})`,
          );
    if ((await this.#versionOrCreate()).version !== version) return failure;
    await this.#unregister();
    return undefined;
  }

  /** What may be due to others is returned; what will not pass, such as a procedure that is not allowed, is thrown. */
  async #attempt(statement: string): Promise<TrinoError | undefined> {
    try {
      await this.#run(statement);
      return undefined;
    } catch (error) {
      if (error instanceof TrinoError && (error.retryable || isAbsent(error))) return error;
      throw error;
    }
  }
}

/** Snapshot that added the first file of another size than it has, or once more. */
function firstWrong(entries: readonly Entry[], files: ReadonlyMap<string, number>): string | undefined {
  const seen = new Set<string>();
  return entries.find(({ path, byteCount }) => {
    const isWrong = files.has(path) && (seen.has(path) || files.get(path) !== byteCount);
    seen.add(path);
    return isWrong;
  })?.snapshotId;
}

function isAbsent(error: unknown): boolean {
  return error instanceof TrinoError && error.errorName === 'TABLE_NOT_FOUND';
}

function hasNoMetadata(error: unknown): boolean {
  return error instanceof TrinoError && error.errorName === 'ICEBERG_MISSING_METADATA';
}

/** "If not exists" looks before it creates: of two workers one may lose, with whatever error its catalog has for it. */
async function unlessThere(created: Promise<unknown>, look: () => Promise<unknown>): Promise<void> {
  try {
    await created;
  } catch (error) {
    if (!(error instanceof TrinoError)) throw error;
    try {
      await look();
    } catch {
      throw error;
    }
  }
}
