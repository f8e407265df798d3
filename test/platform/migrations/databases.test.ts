import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrateAll, migratePublic, migrateTenant } from '../../../platform/migrations/migrate.ts';
import { changedSettings, changeSettings } from '../../support/changed-settings.ts';
import { describeTables } from './support/koku.ts';
import { createRole, execute, startTestPostgres } from './support/postgres.ts';
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

describe('the database', () => {
  it('gets the same tables and functions whatever its settings are', async () => {
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
    const changed = await postgres.createDatabase();
    const owner = await createRole(url, 'changed');
    const name = new URL(changed).pathname;
    owner.url = Object.assign(new URL(owner.url), { pathname: name }).href;
    await execute(changed, `alter database ${name.slice(1)} owner to ${owner.name}`);
    await changeSettings(changed, owner.name, changedSettings);
    await migratePublic(owner.url, log);
    await migrateTenant(owner.url, 'org1', log);
    // The look at the catalogs is the test's own: without joins worth the name it would take longer than the time
    // limit.
    await execute(url, `alter database ${name.slice(1)} reset all`);
    const schemas = ['public', 'org1'];
    expect(await describeTables(changed, schemas)).toEqual(await describeTables(url, schemas));
    const functions = `select count(*)::int as n from pg_catalog.pg_proc where pronamespace = 'org1'::pg_catalog.regnamespace`;
    expect(await execute(changed, functions)).toEqual(await execute(url, functions));
    await execute(url, `drop database ${name.slice(1)} with (force)`);
    await execute(url, `drop role ${owner.name}`);
  });

  it('is refused when a superuser switched its triggers off for us, with the way back', async () => {
    const owner = await createRole(url, 'triggerless');
    await execute(url, `alter role ${owner.name} set session_replication_role = replica`);
    await expect(migratePublic(owner.url, log)).rejects.toThrow(
      /permission denied to set parameter "session_replication_role".*alter role … reset session_replication_role/,
    );
    await execute(url, `drop role ${owner.name}`);
  });

  it.each(['SQL_ASCII', 'LATIN1'])('is refused in one sentence when its encoding is %s', async (encoding) => {
    const name = `${encoding.toLowerCase()}_${process.pid}`;
    await execute(url, `create database ${name} encoding '${encoding}' locale 'C' template template0`);
    const other = Object.assign(new URL(url), { pathname: `/${name}` }).href;
    for (const migrate of [migratePublic, migrateAll])
      await expect(migrate(other, log)).rejects.toThrow(
        `Database "${name}" cannot be used: the encoding UTF8 is required, found ${encoding}; create one and name it in DATABASE_URL`,
      );
    await execute(url, `drop database ${name}`);
  });
});
