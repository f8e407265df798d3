import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MigrationLog } from '../../../platform/migrations/connection.ts';
import { migrationNames, shippedSources } from '../../../platform/migrations/files.ts';
import {
  migrateAll,
  migratePublic,
  migrateTenant,
  requiredVersion,
  tenantIsBehind,
} from '../../../platform/migrations/migrate.ts';
import { ensureMonthlyPartitions } from '../../../platform/database/partitions.ts';
import { assertServerVersion } from '../../../platform/migrations/server-facts.ts';
import { describeTables } from './support/koku.ts';
import { createRole, execute, startTestPostgres, withClient } from './support/postgres.ts';
import type { TestPostgres } from './support/postgres.ts';
import { copySources } from './support/sources.ts';

const log: MigrationLog = { info: () => undefined };

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

describe('migrating an empty database', () => {
  it('creates the schemas once; a second run finds nothing to do and changes nothing', async () => {
    const shared = await migratePublic(url, log);
    const tenant = await migrateTenant(url, 'org1', log);
    expect(shared.migrations).toEqual(migrationNames(shippedSources.publicMigrations));
    expect(tenant).toMatchObject({
      schema: 'org1',
      schemaCreated: true,
      migrations: migrationNames(shippedSources.tenantMigrations),
    });
    const before = await describeTables(url, ['public', 'org1']);

    expect(await migratePublic(url, log)).toMatchObject({ migrations: [], definitions: [] });
    expect(await migrateTenant(url, 'org1', log)).toMatchObject({
      schemaCreated: false,
      migrations: [],
      definitions: [],
    });
    expect(await describeTables(url, ['public', 'org1'])).toEqual(before);
  });

  it('can be asked for by several processes at once; each migration is applied by one of them', async () => {
    const shared = await Promise.all([1, 2, 3].map(() => migratePublic(url, log)));
    expect(shared.flatMap(({ migrations }) => migrations)).toEqual(
      migrationNames(shippedSources.publicMigrations),
    );
    const tenants = await Promise.all(
      ['org1', 'org2', 'org1', 'org2', 'org1'].map((schema) => migrateTenant(url, schema, log)),
    );
    for (const schema of ['org1', 'org2'])
      expect(tenants.filter((one) => one.schema === schema).flatMap(({ migrations }) => migrations)).toEqual(
        migrationNames(shippedSources.tenantMigrations),
      );
  });

  it('says that it waits for another process, and goes on when that one has finished', async () => {
    await withClient(url, async (other) => {
      await other.query(`select pg_advisory_lock(hashtextextended('ocp-pipeline:migrate:public', 0))`);
      const messages: string[] = [];
      let migrated: Promise<unknown> | undefined;
      await new Promise<void>((resolve) => {
        const listening = {
          info: (_fields: object, message: string) => {
            messages.push(message);
            resolve();
          },
        };
        migrated = migratePublic(url, listening);
      });
      expect(messages).toEqual(['waiting for another process that is migrating this schema']);
      await other.query('select pg_advisory_unlock_all()');
      await migrated;
      expect(messages).toContain('schema migrated');
    });
  });

  it('gives up after a while, naming who holds the lock', async () => {
    await withClient(url, async (other) => {
      await other.query(`set application_name = 'stuck'; begin`);
      await other.query(`select pg_advisory_xact_lock(hashtextextended('ocp-pipeline:migrate:public', 0))`);
      const patience = { maxWaitMs: 50, lookEveryMs: 10, sayEveryMs: 10 };
      const failure = migratePublic(url, log, shippedSources, patience);
      await expect(failure).rejects.toMatchObject({ type: 'MigrationBusy', retryable: true });
      await expect(failure).rejects.toThrow(
        /Schema "public" could not be migrated: for \d+ s another process .*process \d+ of the server, stuck at 127.0.0.1, since \d{4}-.*pg_terminate_backend/,
      );
      await other.query('rollback');
    });
    expect((await migratePublic(url, log)).migrations).not.toEqual([]);
  });

  it('asks for no lock when there is nothing to do', async () => {
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
    await withClient(url, async (other) => {
      for (const schema of ['public', 'org1'])
        await other.query('select pg_advisory_lock(hashtextextended($1, 0))', [
          `ocp-pipeline:migrate:${schema}`,
        ]);
      const patience = { maxWaitMs: 0, lookEveryMs: 1, sayEveryMs: 1 };
      expect(await migratePublic(url, log, shippedSources, patience)).toMatchObject({ migrations: [] });
      expect(await migrateTenant(url, 'org1', log, shippedSources, patience)).toMatchObject({
        migrations: [],
      });
    });
  });

  it('refuses a tenant before public, and names that cannot be schemas', async () => {
    await expect(migrateTenant(url, 'org1', log)).rejects.toThrow(
      /Schema "org1" cannot be migrated: "public" still lacks 000001_koku_adopted_tables.*migrate "public" first/,
    );
    for (const name of ['public', 'pg_org1', 'org"1', "org'1", '', '1org', 'a'.repeat(64)])
      await expect(migrateTenant(url, name, log)).rejects.toMatchObject({ type: 'SchemaNameInvalid' });
    expect(await execute(url, `select nspname from pg_namespace where nspname like 'org%'`)).toEqual([]);
  });

  it('refuses a migration that would come before one that the schema has, and applies one that comes after', async () => {
    const sources = copySources(directory);
    await migratePublic(url, log, sources);
    const applied = migrationNames(sources.publicMigrations);
    writeFileSync(join(sources.publicMigrations, '000099_later.sql'), 'create table later (id integer);\n');
    expect((await migratePublic(url, log, sources)).migrations).toEqual(['000099_later']);
    const [last] = await execute(url, 'select id, name from public.ocp_migration order by id desc limit 1');
    expect(last).toEqual({ id: applied.length + 1, name: '000099_later' });

    writeFileSync(
      join(sources.publicMigrations, '000050_between.sql'),
      'create table between_them (id integer);\n',
    );
    const failure = migratePublic(url, log, sources);
    await expect(failure).rejects.toMatchObject({ type: 'MigrationFailed' });
    await expect(failure).rejects.toThrow(
      `expected 000050_between as migration ${applied.length + 1}, found 000099_later applied; nothing was changed`,
    );
    expect(await execute(url, `select to_regclass('public.between_them') as found`)).toEqual([
      { found: null },
    ]);
  });

  it('gives a tenant with upper case and dashes its own schema and functions bound to it', async () => {
    await migratePublic(url, log);
    await migrateTenant(url, 'Org-1', log);
    await migrateTenant(url, 'org_1', log);
    await execute(
      url,
      `insert into "Org-1".reporting_enabledtagkeys values (gen_random_uuid(), 'app', true, 'OCP')`,
    );
    const [keys] = await execute(
      url,
      'select "Org-1".ocp_enabled_keys() as first, org_1.ocp_enabled_keys() as second',
    );
    expect(keys).toEqual({ first: ['app', 'vm_kubevirt_io_name'], second: ['vm_kubevirt_io_name'] });
  });
});

describe('the database user', () => {
  it('needs no more than to own the database', async () => {
    const owner = await createRole(url, 'owner');
    await execute(url, `alter database ${new URL(url).pathname.slice(1)} owner to ${owner.name}`);
    await migratePublic(owner.url, log);
    await migrateTenant(owner.url, 'org1', log);
    const created = await withClient(owner.url, (client) =>
      ensureMonthlyPartitions(client, {
        schema: 'org1',
        tables: ['reporting_ocp_cost_summary_p', 'reporting_ocpusagelineitem_pod_staging'],
        months: ['2026-10'],
      }),
    );
    expect(created.created).toHaveLength(2);
    await execute(url, `reassign owned by ${owner.name} to current_user; drop role ${owner.name}`);
  });
});

describe('migrating all tenants', () => {
  it('takes those of both tenant tables, without public and the template, and reports each', async () => {
    await migratePublic(url, log);
    await execute(
      url,
      `insert into api_tenant (schema_name) values ('public'), ('template0'), ('org2');
         insert into api_customer (date_created, date_updated, uuid, schema_name, org_id)
         values (now(), now(), gen_random_uuid(), 'org1', '1'), (now(), now(), gen_random_uuid(), 'org2', '2')`,
    );
    const reports = await migrateAll(url, log);
    expect(reports.map(({ schema, migrations }) => [schema, migrations.length > 0])).toEqual([
      ['public', false],
      ['org1', true],
      ['org2', true],
    ]);
  });

  it('finishes the others when one fails, then says which one and why', async () => {
    await migratePublic(url, log);
    await execute(url, `insert into api_tenant (schema_name) values ('org1'), ('bad"name'), ('org2')`);
    await expect(migrateAll(url, log)).rejects.toThrow(
      /1 of 3 tenant schemas could not be migrated: Tenant schema name "bad\\"name" cannot be used/,
    );
    await withClient(url, async (client) => {
      expect(await tenantIsBehind(client, 'org1')).toBe(false);
      expect(await tenantIsBehind(client, 'org2')).toBe(false);
    });
  });
});

describe('versions', () => {
  it('a binary older than the database refuses, for public, tenant and the check of a worker', async () => {
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
    await execute(url, `insert into org1.ocp_migration (name, run_on) values ('000999_later', now())`);
    const refusal =
      /Schema "org1" was migrated by a newer version of ocp-pipeline: it contains 000999_later, and the newest migration of this version is .*; install the newer version/;
    await expect(migrateTenant(url, 'org1', log)).rejects.toThrow(refusal);
    await withClient(url, (client) => expect(tenantIsBehind(client, 'org1')).rejects.toThrow(refusal));

    await execute(url, `insert into public.ocp_migration (name, run_on) values ('000998_later', now())`);
    await expect(migratePublic(url, log)).rejects.toMatchObject({ type: 'SchemaNewer' });
    await expect(migrateTenant(url, 'org2', log)).rejects.toMatchObject({ type: 'SchemaNewer' });
  });

  it('a tenant is behind when it is absent, lacks a migration, or has another text of a function', async () => {
    const sources = copySources(directory);
    const definition = join(sources.definitions, '010_answer.sql');
    writeFileSync(
      definition,
      'create or replace function answer() returns integer language sql as $$ select 1 $$;',
    );
    await migratePublic(url, log, sources);
    await withClient(url, async (client) => {
      expect(await tenantIsBehind(client, 'org1', sources)).toBe(true);
      expect((await migrateTenant(url, 'org1', log, sources)).definitions).toEqual(['010_answer.sql']);
      expect(await tenantIsBehind(client, 'org1', sources)).toBe(false);

      writeFileSync(
        definition,
        'create or replace function answer() returns integer language sql as $$ select 2 $$;',
      );
      expect(await tenantIsBehind(client, 'org1', sources)).toBe(true);
      expect((await migrateTenant(url, 'org1', log, sources)).definitions).toEqual(['010_answer.sql']);
      expect((await client.query('select org1.answer()')).rows).toEqual([{ answer: 2 }]);

      writeFileSync(join(sources.tenantMigrations, '000900_more.sql'), 'create table more (id integer);');
      expect(await tenantIsBehind(client, 'org1', sources)).toBe(true);
      expect(await migrateTenant(url, 'org1', log, sources)).toMatchObject({
        migrations: ['000900_more'],
        definitions: [],
      });
      expect(await tenantIsBehind(client, 'org1', sources)).toBe(false);
    });
  });

  it('the required version names the newest migrations and changes with any function', () => {
    const sources = copySources(directory);
    const before = requiredVersion(sources);
    expect(before.tenantMigration).toBe(migrationNames(shippedSources.tenantMigrations).at(-1));
    expect(before.publicMigration).toBe(migrationNames(shippedSources.publicMigrations).at(-1));
    writeFileSync(join(sources.definitions, '010_answer.sql'), 'select 1;');
    expect(requiredVersion(sources).definitionsChecksum).not.toBe(before.definitionsChecksum);
  });

  it('a server older than PostgreSQL 15 is refused with the version that was found', () => {
    expect(() => {
      assertServerVersion({ number: 140_012, version: '14.12' }, 'db:5432');
    }).toThrow(
      'PostgreSQL at db:5432 is too old: version 15 or newer is required, found 14.12; upgrade the server',
    );
    expect(() => {
      assertServerVersion({ number: 150_000, version: '15.0' }, 'db:5432');
    }).not.toThrow();
  });
});
