import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { migratePublic, migrateTenant, requiredVersion } from '../../../platform/migrations/migrate.ts';
import { createRole, execute, startTestPostgres } from './support/postgres.ts';
import type { TestPostgres } from './support/postgres.ts';
import { copySources } from './support/sources.ts';

const log = { info: () => undefined };

let postgres: TestPostgres;
let url: string;
let directory: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
});

beforeEach(async () => {
  url = await postgres.createDatabase();
  directory = mkdtempSync(join(tmpdir(), 'ocp-sources-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

afterAll(() => postgres.stop());

test('a migration that fails leaves a schema without any of the pending migrations and names file and line', async () => {
  const sources = copySources(directory);
  await migratePublic(url, log, sources);
  await migrateTenant(url, 'org1', log, sources);
  writeFileSync(join(sources.tenantMigrations, '000900_good.sql'), 'create table good (id integer);');
  writeFileSync(
    join(sources.tenantMigrations, '000901_bad.sql'),
    '-- Up Migration\ncreate table bad (id integer);\nselect nothing from bad;',
  );
  await expect(migrateTenant(url, 'org1', log, sources)).rejects.toThrow(
    'Migrating schema "org1" failed at 000901_bad.sql line 3: column "nothing" does not exist; nothing was changed; fix the cause and try again',
  );
  const [left] = await execute(
    url,
    `select to_regclass('org1.good') as good, to_regclass('org1.bad') as bad,
              (select max(name) from org1.ocp_migration) as newest`,
  );
  expect(left).toEqual({ good: null, bad: null, newest: requiredVersion().tenantMigration });
});

test('a definition that fails keeps the previous version of a function and names file and line', async () => {
  const sources = copySources(directory);
  const definition = join(sources.definitions, '010_answer.sql');
  await migratePublic(url, log, sources);
  writeFileSync(
    definition,
    'create or replace function answer() returns integer language sql as $$ select 1 $$;',
  );
  await migrateTenant(url, 'org1', log, sources);
  writeFileSync(definition, 'drop function answer();\nselect answer();');
  await expect(migrateTenant(url, 'org1', log, sources)).rejects.toThrow(
    /Definition 010_answer.sql line 2 failed in schema "org1": function answer\(\) does not exist; the previous version remains in place/,
  );
  expect(await execute(url, 'select org1.answer()')).toEqual([{ answer: 1 }]);
});

test('migrating says what to do when the database user lacks a right', async () => {
  const stranger = await createRole(url, 'stranger');
  await expect(migratePublic(stranger.url, log)).rejects.toThrow(
    /Migrating schema "public" failed.*permission denied for schema public.*grant the missing privilege to this database user/,
  );
  await execute(url, `drop role ${stranger.name}`);
});
