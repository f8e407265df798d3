import { describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { goldenSets, loadGoldenTables } from '../support/api-fixtures.ts';
import { wrongAnswers } from '../support/api-call.ts';
import { createTestDatabase } from '../support/database.ts';

describe.for(goldenSets)('%s', (set) => {
  test('every answer that Koku gave over the golden tables is ours', async () => {
    const database = await createTestDatabase();
    await inTenantTransaction(database.pool, database.schema, (client) => loadGoldenTables(client, set));
    expect(await wrongAnswers(database, set)).toEqual([]);
  });
});
