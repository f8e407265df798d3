import { expect } from 'vitest';
import { relationTables } from '../../domain/reports/relations.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { TestDatabase } from '../support/database.ts';

type Row = Readonly<Record<string, unknown>>;

/**
 * Assert that two sources of a tenant have the same daily relations: the same rows, numbers to a billionth. Label sets
 * are the tenant's, so their ids are part of a row's key.
 */
export async function expectSameRelations(
  database: TestDatabase,
  sourceUuid: string,
  expectedUuid: string,
): Promise<void> {
  for (const table of relationTables) {
    const [found, expected] = [
      await rowsOf(database, table, sourceUuid),
      await rowsOf(database, table, expectedUuid),
    ];
    expect(found.map(keyOf), table).toEqual(expected.map(keyOf));
    const differences = expected.flatMap((row, index) =>
      Object.entries(row).flatMap(([name, value]) => {
        const other = found[index]?.[name];
        return isClose(other, value) ? [] : [`${table}.${name}: ${String(other)}, expected ${String(value)}`];
      }),
    );
    expect(differences).toEqual([]);
  }
}

function isClose(found: unknown, expected: unknown): boolean {
  if (typeof found !== 'number' || typeof expected !== 'number') return true;
  return Math.abs(found - expected) <= 1e-9 * Math.abs(expected);
}

async function rowsOf(database: TestDatabase, table: string, sourceUuid: string): Promise<Row[]> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<{ row: Row }>(
      `select to_jsonb(relation) - 'source_uuid' as row from ${table} as relation where source_uuid = $1`,
      [sourceUuid],
    ),
  );
  return rows.map(({ row }) => row).sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

function keyOf(row: Row): string {
  const key = Object.entries(row).filter(
    ([name, value]) => name.endsWith('label_set_id') || typeof value !== 'number',
  );
  return JSON.stringify(key.sort(([one], [other]) => (one < other ? -1 : 1)));
}
