import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MigrationLog } from '../../../platform/migrations/connection.ts';
import { lostFunctions } from '../../../platform/migrations/definitions.ts';
import { readDefinitions, shippedSources } from '../../../platform/migrations/files.ts';
import { migratePublic, migrateTenant, tenantIsBehind } from '../../../platform/migrations/migrate.ts';
import { execute, startTestPostgres, withClient } from './support/postgres.ts';
import type { TestPostgres } from './support/postgres.ts';

// The table of definitions says that the functions were applied; somebody has dropped or changed them since.

const log: MigrationLog = { info: () => undefined };
const definitions = readDefinitions(shippedSources.definitions);
const schema = 'org1';
let postgres: TestPostgres;
let url: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
  url = await postgres.createDatabase();
  await migratePublic(url, log);
  await migrateTenant(url, schema, log);
});
afterAll(() => postgres.stop());

/** Every function of the schema with all that makes it. */
async function functions(): Promise<object[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<object>(
      `select proname, prokind, provolatile, proparallel, proconfig, prosrc,
           pg_get_function_identity_arguments(oid) as arguments, pg_get_function_result(oid) as result,
           obj_description(oid, 'pg_proc') as comment
       from pg_proc where pronamespace = $1::regnamespace order by proname, arguments`,
      [schema],
    );
    return rows;
  });
}

const lost = () => withClient(url, (client) => lostFunctions(client, schema, definitions));

test('all functions of a schema that were dropped are seen, and migrate makes them again', async () => {
  expect(await lost()).toEqual([]);
  const before = await functions();
  expect(before.length).toBeGreaterThan(50);
  await execute(
    url,
    `do $$
     declare
         v_names text[] := array(select oid::regprocedure::text from pg_proc where pronamespace = '${schema}'::regnamespace);
         v_name text;
     begin
         foreach v_name in array v_names
         loop
             execute format('drop routine if exists %s cascade', v_name);
         end loop;
     end $$`,
  );
  expect(await functions()).toEqual([]);
  await withClient(url, async (client) => {
    expect(await tenantIsBehind(client, schema), 'the ledger is believed').toBe(false);
  });
  const gone = await lost();
  expect(new Set(gone.map(({ functionName }) => functionName)).size).toBe(before.length);
  expect(gone.every(({ state }) => state === 'missing')).toBe(true);

  const { migrations, definitions: applied } = await migrateTenant(url, schema, log);
  expect({ migrations, applied }).toEqual({ migrations: [], applied: definitions.map(({ name }) => name) });
  expect(await functions()).toEqual(before);
  expect((await migrateTenant(url, schema, log)).definitions).toEqual([]);
});

test('one that was dropped and one that was changed are told apart, and only their files are applied', async () => {
  const before = await functions();
  await execute(url, `drop aggregate ${schema}.ocp_chosen_node(text[])`);
  await execute(
    url,
    `create or replace function ${schema}.ocp_staging_table(p_report_kind text) returns text
     language sql immutable parallel safe as $$ select 'somewhere_else' $$`,
  );
  const told = await lost();
  expect(told.map(({ functionName, state }) => `${functionName} ${state}`)).toEqual([
    'ocp_staging_table changed',
    'ocp_chosen_node missing',
  ]);
  const { definitions: applied } = await migrateTenant(url, schema, log);
  expect(applied).toEqual(told.map(({ definition }) => definition));
  expect(await functions()).toEqual(before);
});
