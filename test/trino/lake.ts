import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, inject } from 'vitest';
import { toConvert } from '../../activities/convert-report-day.ts';
import type { LedgerPiece } from '../../activities/ledger-piece.ts';
import { catalog } from '../support/trino-server.ts';
import { relationTables } from '../../domain/reports/relations.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { billingMonthOf } from '../../domain/time/usage-day.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { convertPiece } from '../../engines/trino/convert-piece.ts';
import { generationOf } from '../../engines/trino/lake-columns.ts';
import { hiveTables } from '../../engines/trino/lake-tables.ts';
import type { VisibleRows } from '../../engines/trino/lake-tables.ts';
import { queryRelations } from '../../engines/trino/query-relations.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { LabelSets } from '../../reports/label-sets.ts';
import type { TestDatabase } from '../support/database.ts';

/** A lake of a test file's own: a directory that both the program and the server see. */
export interface TestLake {
  client: TrinoClient;
  store: ObjectStore;
  /** as Trino names it */
  location: string;
}

/** Attempt whose rows wait, by source. */
export type Attempts = ReadonlyMap<string, string>;

export async function createLake(): Promise<TestLake> {
  const directory = await mkdtemp(join(inject('lakeDirectory'), 'test-'));
  return {
    client: new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog }),
    store: openObjectStore({ url: `file://${directory}`, s3: {} }),
    location: `local:///${basename(directory)}`,
  };
}

/** A schema of Trino's for each database: tenants of all tests have the same name. */
export function lakeSchema(database: TestDatabase): string {
  return `${database.schema}_${new URL(database.url).pathname.slice(1)}`;
}

/**
 * Compute the relations of all days of a source with Trino, from pieces that a pipeline has split.
 *
 * @param csvs where the pieces' daily CSVs are
 * @returns the attempts whose rows wait
 */
export async function relationsFromTrino(
  lake: TestLake,
  { database, csvs }: { database: TestDatabase; csvs: ObjectStore },
): Promise<Attempts> {
  const { pool, schema } = database;
  const pieces = await inTenantTransaction(pool, schema, async (client) => {
    const { rows } = await client.query<LedgerPiece>(
      `select piece_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, row_count, checksum
       from ocp_piece`,
    );
    return rows;
  });
  const tables = hiveTables(lake.client, { location: lake.location, schemaOf: (schema) => schema });
  for (const piece of pieces) await convert(piece, { lake, database, csvs });
  for (const kind of new Set(pieces.map((piece) => piece.report_kind)))
    await tables.ensureTable(lakeSchema(database), kind);
  const attempts = new Map<string, string>();
  for (const [sourceUuid, month] of monthsOf(pieces)) {
    const own = pieces.filter(
      (piece) => piece.source_uuid === sourceUuid && billingMonthOf(piece.usage_day) === month,
    );
    const visible = new Map<ReportKind, VisibleRows>();
    for (const kind of new Set(own.map((piece) => piece.report_kind))) {
      const partition = { schema: lakeSchema(database), kind, sourceUuid, month };
      visible.set(kind, await tables.ensurePartition(partition, []));
    }
    const live = await livePieces(
      database,
      sourceUuid,
      own.map((piece) => piece.usage_day),
    );
    const attempt = attempts.get(sourceUuid) ?? randomUUID();
    attempts.set(sourceUuid, attempt);
    await queryRelations(
      { client: lake.client, pool },
      { schema, pieces: live, visible },
      { attempt },
      { tenant: lakeSchema(database) },
    );
  }
  return attempts;
}

function monthsOf(pieces: readonly LedgerPiece[]): [string, BillingMonth][] {
  const keys = new Set(pieces.map((piece) => `${piece.source_uuid} ${billingMonthOf(piece.usage_day)}`));
  return [...keys].map((key) => key.split(' ') as [string, BillingMonth]);
}

async function convert(
  piece: LedgerPiece,
  { lake, database, csvs }: { lake: TestLake; database: TestDatabase; csvs: ObjectStore },
): Promise<void> {
  const { pool, schema } = database;
  await convertPiece(toConvert(lakeSchema(database), piece), {
    objectStore: { get: csvs.get.bind(csvs), put: lake.store.put.bind(lake.store) },
    labelSets: new LabelSets(pool, schema, piece.report_kind !== 'vm_usage'),
    onRows: () => undefined,
    signal: new AbortController().signal,
  });
}

async function livePieces(database: TestDatabase, sourceUuid: string, days: readonly string[]) {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<{ piece_id: number; report_kind: ReportKind; checksum: string; dead_hours: number[] }>(
      loadSql('engines/live_pieces.sql'),
      [sourceUuid, days],
    ),
  );
  return rows.map((row) => ({
    pieceId: row.piece_id,
    kind: row.report_kind,
    generation: generationOf({ pieceId: row.piece_id, checksum: row.checksum }),
    deadHours: row.dead_hours,
  }));
}

/**
 * Rows of a relation as PostgreSQL made them, or those that wait of some attempts, in the order of everything but
 * numbers.
 */
export async function relationRows(
  database: TestDatabase,
  table: string,
  attempts?: Attempts,
): Promise<Record<string, unknown>[]> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    attempts === undefined
      ? client.query<Record<string, unknown>>(`select * from ${table}`)
      : client.query<Record<string, unknown>>(`select * from ${table}_waiting where attempt = any($1)`, [
          [...attempts.values()],
        ]),
  );
  const sources = new Map([...(attempts ?? [])].map(([source, attempt]) => [attempt, source]));
  const compared = rows.map(({ attempt, waiting_since, ...row }) =>
    waiting_since === undefined ? row : { ...row, source_uuid: sources.get(String(attempt)) },
  );
  return inOrder(compared);
}

/** From now on `toEqual` takes numbers for equal that differ by a billionth: a sum depends on its order. */
export function numbersToABillionth(): void {
  expect.addEqualityTesters([
    (found: unknown, expected: unknown) =>
      typeof found === 'number' && typeof expected === 'number'
        ? Math.abs(found - expected) <= 1e-9 * Math.abs(expected)
        : undefined,
  ]);
}

type RelationRow = Record<string, unknown>;

function inOrder(rows: readonly RelationRow[]): RelationRow[] {
  const keyed = rows.map((row) => ({ row, key: keyOf(row) }));
  return keyed.sort((one, other) => (one.key < other.key ? -1 : 1)).map(({ row }) => row);
}

/** Rows of all daily relations of a source, in the order of everything but numbers. */
export async function relationsOf(
  { pool, schema }: TestDatabase,
  sourceUuid: string,
): Promise<ReadonlyMap<string, readonly RelationRow[]>> {
  return inTenantTransaction(pool, schema, async (client) => {
    const relations = new Map<string, readonly RelationRow[]>();
    for (const table of relationTables) {
      const { rows } = await client.query<RelationRow>(`select * from ${table} where source_uuid = $1`, [
        sourceUuid,
      ]);
      relations.set(table, inOrder(rows.map((row) => ({ ...row, source_uuid: 'the source' }))));
    }
    return relations;
  });
}

/** Ids of label sets are part of the key; measures are not. */
function keyOf(row: Readonly<Record<string, unknown>>): string {
  const part = Object.entries(row).filter(
    ([name, value]) => name.endsWith('label_set_id') || typeof value !== 'number',
  );
  return JSON.stringify(part.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Environment of a pipeline whose workers have a lake of their own. */
export async function trinoEnvironment(): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(inject('lakeDirectory'), 'test-'));
  const name = basename(directory);
  return {
    OBJECT_STORE: `file://${directory}`,
    TRINO_URL: inject('trinoUrl'),
    TRINO_CATALOG: catalog,
    TRINO_LOCATION: `local:///${name}`,
    // Tenants of all tests have the same name.
    TRINO_SCHEMA_PREFIX: `${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}_`,
  };
}
