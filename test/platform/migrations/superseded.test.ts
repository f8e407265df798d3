import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { migrationNames, shippedSources } from '../../../platform/migrations/files.ts';
import {
  migrateAll,
  migratePublic,
  migrateTenant,
  tenantIsBehind,
} from '../../../platform/migrations/migrate.ts';
import { assertNotSuperseded } from '../../../platform/migrations/superseded.ts';
import { describeTables } from './support/koku.ts';
import { execute, startTestPostgres, withClient } from './support/postgres.ts';
import type { TestPostgres } from './support/postgres.ts';

const log = { info: () => undefined };

let postgres: TestPostgres;
let url: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
});

beforeEach(async () => {
  url = await postgres.createDatabase();
});

afterAll(() => postgres.stop());

/** Record migrations as version 0.1.0 did, in the place of those that came after Koku's tables. */
async function recordAsBefore(schema: string, names: readonly string[]): Promise<void> {
  await execute(url, `delete from ${schema}.ocp_migration where name >= '000020'`);
  await execute(
    url,
    `insert into ${schema}.ocp_migration (name, run_on)
     select name, now() from unnest($1::text[]) with ordinality as old (name, place) order by place`,
    [names],
  );
}

const refusal = (schema: string, newest: string) =>
  `Schema "${schema}" was created by ocp-pipeline 0.1.0, before the first release (it has migration ` +
  `${newest}), and cannot be migrated to this version; create a new database, set DATABASE_URL to it and ingest ` +
  'the payloads again';

test.for(['000004_intake', '000009_addressed_payloads', '000010_failures'])(
  'a database of before, with %s as its newest in public, is refused in one sentence and left as it is',
  async (newest) => {
    await migratePublic(url, log);
    const names = ['000004_intake', '000009_addressed_payloads', '000010_failures'];
    await recordAsBefore('public', names.slice(0, names.indexOf(newest) + 1));
    const before = await describeTables(url, ['public']);
    const error = { type: 'SchemaSuperseded', message: refusal('public', newest) };
    await expect(migratePublic(url, log)).rejects.toMatchObject(error);
    await expect(migrateAll(url, log)).rejects.toMatchObject(error);
    await expect(migrateTenant(url, 'org1', log)).rejects.toMatchObject(error);
    expect(await describeTables(url, ['public'])).toEqual(before);
    expect(await execute(url, `select nspname from pg_namespace where nspname = 'org1'`)).toEqual([]);
  },
);

test('a tenant of before is refused too, to migrate and to work with', async () => {
  await migratePublic(url, log);
  await migrateTenant(url, 'org1', log);
  await recordAsBefore('org1', ['000020_ledger', '000021_staging', '000036_node_days']);
  const error = { type: 'SchemaSuperseded', message: refusal('org1', '000036_node_days') };
  await expect(migrateTenant(url, 'org1', log)).rejects.toMatchObject(error);
  await withClient(url, (client) => expect(tenantIsBehind(client, 'org1')).rejects.toMatchObject(error));
});

test('no migration has a name of before', () => {
  for (const folder of [shippedSources.publicMigrations, shippedSources.tenantMigrations])
    expect(() => {
      assertNotSuperseded('any', migrationNames(folder));
    }).not.toThrow();
});
