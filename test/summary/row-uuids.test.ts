import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

/** What a statement of so many rows gives them. */
async function uuidsOf(rowCount: number): Promise<string[]> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<{ uuid: string }>(
      `select ocp_row_uuid(statement.prefix, number) as uuid
       from (select ocp_uuid_prefix() as prefix) as statement, generate_series(1, $1::bigint) as number
       order by number`,
      [rowCount],
    ),
  );
  return rows.map(({ uuid }) => uuid);
}

test('the rows of a statement have uuids in their order, and no two statements share any', async () => {
  const first = await uuidsOf(70_000);
  const second = await uuidsOf(1_000);
  expect(first).toEqual([...first].sort());
  expect(new Set([...first, ...second]).size).toBe(71_000);
  for (const uuid of [first[0], first.at(-1), second[0]])
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
