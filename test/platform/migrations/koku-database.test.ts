import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migratePublic, migrateTenant, tenantIsBehind } from '../../../platform/migrations/migrate.ts';
import { checkSchema, kokuCameSecond } from '../../../platform/migrations/schema-check.ts';
import { describeTables, kokuDatabase } from './support/koku.ts';
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

describe('a database that Koku migrated before', () => {
  it('keeps the tables of Koku exactly as they are and gets the others', async () => {
    await execute(url, kokuDatabase('org1'));
    const before = await describeTables(url, ['public', 'org1']);

    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);

    const after = await describeTables(url, ['public', 'org1']);
    expect(before.filter((line) => !after.includes(line))).toEqual([]);
    const added = await execute<{ name: string }>(
      url,
      `select c.relname as name
         from pg_class c
         left join org1.ocp_adopted_table o on o.name = c.relname
         where c.relnamespace = 'org1'::regnamespace and c.relkind in ('r', 'p') and o.name is null`,
    );
    expect(added.filter(({ name }) => !/^ocp_|_staging$/.test(name))).toEqual([]);
    expect(await execute(url, 'select from org1.reporting_ocp_cost_category')).toEqual([]);
    await withClient(url, async (client) => {
      expect(await kokuCameSecond(client, 'org1')).toBe(false);
      expect(await tenantIsBehind(client, 'org1')).toBe(false);
    });
  });

  it('gets a table that this Koku does not have, with a default partition made by the register', async () => {
    await execute(url, kokuDatabase('org1', ['reporting_ocp_gpu_summary_p']));
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
    const [made] = await execute(
      url,
      `select obj_description('org1.reporting_ocp_gpu_summary_p_default'::regclass, 'pg_class') as by,
                (select count(*)::integer from org1.partitioned_tables) as registered`,
    );
    expect(made).toEqual({ by: 'created by the register', registered: 1 });
  });

  it('without a key that an upsert needs is refused with the statement that adds it, which then helps', async () => {
    await execute(
      url,
      `${kokuDatabase('org1')}
         alter table org1.reporting_ocp_pvcs
             drop constraint reporting_ocp_pvcs_persistent_volume_persistent_volume_clai_key;
         alter table org1.reporting_enabledtagkeys drop constraint reporting_enabledtagkeys_key_provider_type_key;
         -- Neither of these is one that an upsert can use.
         create unique index partial on org1.reporting_enabledtagkeys (key, provider_type) where enabled;
         create index plain on org1.reporting_ocp_pvcs (persistent_volume, persistent_volume_claim, cluster_id);`,
    );
    await migratePublic(url, log);
    const failure = await migrateTenant(url, 'org1', log).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(failure?.message).toContain(
      'reporting_enabledtagkeys has no unique key on (key, provider_type); ' +
        'reporting_ocp_pvcs has no unique key on (persistent_volume, persistent_volume_claim, cluster_id).',
    );
    const statements = [...(failure?.message.matchAll(/alter table [^;]+;/g) ?? [])].map(([text]) => text);
    expect(statements).toHaveLength(2);
    await execute(url, statements.join('\n'));
    await migrateTenant(url, 'org1', log);
    await withClient(url, async (client) => {
      expect(await checkSchema(client, 'org1')).toEqual([]);
    });
  });

  it('is refused with every missing and every unknown required column in one message', async () => {
    await execute(
      url,
      `${kokuDatabase('org1')}
         alter table reporting_ocp_gpu_summary_p drop column mig_profile, drop column gpu_uuid;
         alter table reporting_ocp_projects add column owner text not null;
         alter table reporting_ocp_pvcs add column counted text not null default '';`,
    );
    await migratePublic(url, log);
    await expect(migrateTenant(url, 'org1', log)).rejects.toThrow(
      'Schema "org1" is not compatible with this version of ocp-pipeline: reporting_ocp_gpu_summary_p lacks mig_profile, gpu_uuid; ' +
        'reporting_ocp_projects requires a value for owner, unknown to this version. ' +
        'These tables belong to Koku and are not altered here; upgrade Koku to a compatible version, then migrate again',
    );
  });

  it('is told apart from one where Koku came second', async () => {
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
    await withClient(url, async (client) => {
      expect(await kokuCameSecond(client, 'org1')).toBe(false);
      await client.query('create table org1.django_migrations (id integer)');
      expect(await kokuCameSecond(client, 'org1')).toBe(true);
      expect(await kokuCameSecond(client, 'org2')).toBe(false);
    });
  });
});
