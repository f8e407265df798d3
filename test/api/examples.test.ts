import { parse } from 'csv-parse/sync';
import { beforeAll, expect, test } from 'vitest';
import { accessLists, fullAccess } from '../../api/access.ts';
import { inTenantTransaction, RollBack } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { differences, examples, loadExample } from '../support/api-fixtures.ts';
import type { Example } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

/** The tables of an example exist only while it is asked. */
async function askedAlone(example: Example): Promise<unknown> {
  try {
    return await inTenantTransaction(database.pool, database.schema, async (client) => {
      await loadExample(client, example);
      const access = example.access === undefined ? fullAccess : accessLists(example.access);
      const options = { today: example.today, access };
      throw new RollBack(
        await answerOn(
          client,
          example.url,
          example.accept === undefined ? options : { ...options, accept: example.accept },
        ),
      );
    });
  } catch (error) {
    if (error instanceof RollBack) return error.result;
    throw error;
  }
}

/** Rows of a CSV, with numbers and nothing for blank cells. */
function csvRows(text: string): Record<string, unknown>[] {
  const rows = parse<Record<string, string>>(text, { columns: true });
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        if (value === '') return [name, null];
        return [name, Number.isNaN(Number(value)) ? value : Number(value)];
      }),
    ),
  );
}

test.for(await examples())('$name: $about', async (example) => {
  const found = await askedAlone(example);
  const answer = typeof found === 'string' ? { csv_rows: csvRows(found) } : found;
  expect(differences(answer, example.expect)).toEqual([]);
});
