import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../platform/config/package-root.ts';
import { registeredSchemas, tenantsWithTables } from '../../../platform/migrations/tenant-schemas.ts';
import { sourceFiles } from '../../../scripts/rooms.mjs';
import { createTestDatabase } from '../../support/database.ts';

test('registered are those of Koku too; with tables are those that there is something to do for', async () => {
  const { pool, schema, orgId } = await createTestDatabase();
  await pool.query(
    `insert into public.api_tenant (schema_name)
     select name from unnest('{public, template0, org_of_koku, org_without_tables}'::text[]) as name
     where not exists (select from public.api_tenant where schema_name = name)`,
  );
  await pool.query(
    `insert into public.api_customer (date_created, date_updated, uuid, schema_name, org_id)
     values (now(), now(), gen_random_uuid(), $1, $2),
            (now(), now(), gen_random_uuid(), 'org_without_tables', 'without'),
            (now(), now(), gen_random_uuid(), 'org not yet made', null),
            (now(), now(), gen_random_uuid(), 'org_second', 'second')`,
    [schema, orgId],
  );
  await pool.query('create schema org_without_tables; create schema org_second');
  await pool.query(`create table org_second.ocp_day (like "${schema}".ocp_day)`);

  expect(await registeredSchemas(pool)).toEqual(
    ['org not yet made', schema, 'org_of_koku', 'org_second', 'org_without_tables'].sort(),
  );

  const all = await tenantsWithTables(pool);
  expect(all.map((tenant) => [tenant.orgId, tenant.schema])).toEqual([
    [orgId, schema],
    ['second', 'org_second'],
  ]);
  const [first, second] = all.map(({ id }) => id);
  expect(await tenantsWithTables(pool, { orgId: 'second' })).toEqual(all.slice(1));
  expect(await tenantsWithTables(pool, { afterId: first })).toEqual(all.slice(1));
  expect(await tenantsWithTables(pool, { afterId: second })).toEqual([]);
  expect(await tenantsWithTables(pool, { lastId: first })).toEqual(all.slice(0, 1));
});

test('nothing else lists tenants', () => {
  const statements = readdirSync(join(packageRoot, 'sql'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sql'))
    .map((name) => join('sql', name));
  const listing = [...sourceFiles(), ...statements].filter((path) => {
    const text = readFileSync(join(packageRoot, path), 'utf8');
    // One by one, by organisation or schema, is no list; nor is a table that a catalog is asked for by its name.
    return /from public\.api_tenant\b(?! where)|to_regclass\(quote_ident\(/.test(text);
  });
  expect(listing.sort()).toEqual(['sql/tenants/registered.sql', 'sql/tenants/with_tables.sql']);
});
