import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pool } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { relationTables } from '../../domain/reports/relations.ts';
import type { RelationTable } from '../../domain/reports/relations.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { labelSetIds } from '../../reports/label-sets.ts';
import { identifier } from './client.ts';
import type { QueryOptions, ResultPage, TrinoClient, TrinoValue } from './client.ts';
import { overLiveLines } from './live-lines.ts';
import type { LivePieces } from './live-lines.ts';
import { relationStatements } from './relation-statements.ts';

/** The waiting rows of one attempt to rebuild relations. */
export interface Waiting {
  /** UUID that marks the rows: two workers with one plan do not get each other's */
  attempt: string;
}

/**
 * Compute the daily relations of some pieces with Trino, and put the rows into the waiting tables beside the relations,
 * without a lock: nobody reads them before {@link applyWaiting} moves them, in the transaction that records the days.
 * Label sets get their ids on the way.
 *
 * @throws TrinoError as {@link TrinoClient.pages}
 */
export async function queryRelations(
  { client, pool }: { client: TrinoClient; pool: Pool },
  live: LivePieces,
  { attempt }: Waiting,
  options: QueryOptions = {},
): Promise<void> {
  for (const table of relationTables) {
    const { kinds, statement } = relationStatements[table];
    const [kind] = kinds;
    if (!live.pieces.some((piece) => piece.kind === kind)) continue;
    const pages = client.pages(overLiveLines(kinds, live, statement), options);
    try {
      await copyPages({ pool, schema: live.schema, table, attempt }, pages, options.signal);
    } finally {
      // Ends the query when the copy failed before it read on.
      await pages.return(undefined);
    }
  }
}

interface Target {
  pool: Pool;
  schema: string;
  table: RelationTable;
  attempt: string;
}

const isLabelSet = (column: string) => column.endsWith('label_set_id');

/** One transaction per relation; without rows none. */
async function copyPages(
  target: Target,
  pages: AsyncGenerator<ResultPage>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const first = await pages.next();
  if (first.done === true) return;
  const { columns } = first.value;
  const { pool, schema, table, attempt } = target;
  const names = ['attempt', ...columns].map(identifier).join(', ');
  const ids = new Map<string, number>();
  async function* lines(): AsyncGenerator<string> {
    for await (const { rows } of followed(first.value as ResultPage, pages)) {
      await resolveLabels({ pool, schema }, columns, rows, ids);
      yield rows.map((row) => copyLine([attempt, ...withIds(columns, row, ids)])).join('');
    }
  }
  await inTenantTransaction(
    pool,
    schema,
    async (client) => {
      const copy = client.query(copyFrom(`copy ${table}_waiting (${names}) from stdin`));
      await pipeline(Readable.from(lines()), copy, signal === undefined ? {} : { signal });
    },
    signal,
  );
}

async function* followed(first: ResultPage, rest: AsyncGenerator<ResultPage>): AsyncGenerator<ResultPage> {
  yield first;
  yield* rest;
}

/** In a short transaction of its own, as a load does: sets that nothing refers to in the end are swept. */
async function resolveLabels(
  { pool, schema }: { pool: Pool; schema: string },
  columns: readonly string[],
  rows: ResultPage['rows'],
  ids: Map<string, number>,
): Promise<void> {
  const places = columns.flatMap((column, index) => (isLabelSet(column) ? [index] : []));
  const found = new Set(places.flatMap((place) => rows.map((row) => String(row[place]))));
  const unknown = [...found].filter((labels) => !ids.has(labels));
  if (unknown.length === 0) return;
  const stored = await inTenantTransaction(pool, schema, (client) => labelSetIds(client, unknown));
  for (const [labels, id] of stored) ids.set(labels, id);
}

function withIds(
  columns: readonly string[],
  row: readonly TrinoValue[],
  ids: ReadonlyMap<string, number>,
): TrinoValue[] {
  return row.map((value, index) =>
    isLabelSet(columns[index] ?? '') ? (ids.get(String(value)) ?? null) : value,
  );
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** A row in COPY's text format: numbers in their shortest form, which PostgreSQL reads to the same double. */
function copyLine(row: readonly TrinoValue[]): string {
  const fields = row.map((value) =>
    value === null
      ? '\\N'
      : String(value).replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? character),
  );
  return `${fields.join('\t')}\n`;
}
