import { afterAll, beforeAll, expect, test } from 'vitest';
import { migratePublic, migrateTenant } from '../../../platform/migrations/migrate.ts';
import { ensureMonthlyPartitions, stagingStorage } from '../../../platform/database/partitions.ts';
import { execute, startTestPostgres, withClient } from '../migrations/support/postgres.ts';
import type { TestPostgres } from '../migrations/support/postgres.ts';

const log = { info: () => undefined };
const staging = 'reporting_ocpusagelineitem_pod_staging';
const summary = 'reporting_ocp_cost_summary_p';

let postgres: TestPostgres;
let url: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
  url = await postgres.createDatabase();
});
afterAll(() => postgres.stop());

async function settingsOf(partition: string): Promise<string[]> {
  const rows = await execute<{ options: string[] | null }>(
    url,
    'select reloptions as options from pg_class where oid = to_regclass($1)',
    [`org1.${partition}`],
  );
  return rows[0]?.options?.toSorted() ?? [];
}

test('months of staging have autovacuum settings of their own, months of summaries none', async () => {
  await migratePublic(url, log);
  await migrateTenant(url, 'org1', log);
  await withClient(url, (client) =>
    ensureMonthlyPartitions(client, { schema: 'org1', tables: [staging, summary], months: ['2026-10'] }),
  );
  const wanted = Object.entries(stagingStorage).map(([name, value]) => `${name}=${value}`);
  expect(await settingsOf(`${staging}_2026_10`)).toEqual(wanted.toSorted());
  // Koku's tables are as Koku makes them.
  expect(await settingsOf(`${summary}_2026_10`)).toEqual([]);
});
