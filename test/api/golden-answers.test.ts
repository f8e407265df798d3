import { beforeAll, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { differences, goldenAnswers, goldenSets, loadGoldenTables } from '../support/api-fixtures.ts';
import { jsonOf } from '../support/api-call.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/** Keys of the database that Koku ran in. */
const ignored = new Set(['source_uuid']);

describe.for(goldenSets)('%s', (set) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    await inTenantTransaction(database.pool, database.schema, (client) => loadGoldenTables(client, set));
  });

  test('every answer that Koku gave over the golden tables is ours', async () => {
    const answers = await goldenAnswers(set);
    expect(answers).toHaveLength(20);
    const wrong: string[] = [];
    for (const { name, url, answer } of answers) {
      const found = await jsonOf(database, url, { today: '2026-11-23' });
      wrong.push(
        ...differences(found, answer, ignored)
          .slice(0, 3)
          .map((text) => `${name}${text}`),
      );
    }
    expect(wrong).toEqual([]);
  });
});
