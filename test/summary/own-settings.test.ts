import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, onTestFinished, test } from 'vitest';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { inTenantTransaction, openPool } from '../../platform/database/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { dependenciesOf, month } from './labelled-days.ts';

/** Aggregate a day while the database has these settings. @returns those that held when relations were written */
async function settingsOfAggregation(
  database: TestDatabase,
  settings: Readonly<Record<string, string>>,
): Promise<unknown[]> {
  const source = await createStagedSource(database, month);
  await source.stage('pod_usage', '2026-10-01', [
    { hour: 0, namespace: 'shop', node: 'w1', pod: 'web-1', label_set_id: {} },
  ]);
  await source.query(`
    create table seen_settings (work_mem text, workers text);
    create function note_settings() returns trigger language plpgsql as $$
    begin
        insert into seen_settings
        values (current_setting('work_mem'), current_setting('max_parallel_workers_per_gather'));
        return null;
    end $$;
    create trigger note_settings after insert on ocp_capacity_day execute function note_settings();`);
  const name = new URL(database.url).pathname.slice(1);
  for (const [setting, value] of Object.entries(settings))
    await source.query(`alter database ${name} set ${setting} = '${value}'`);
  // Settings of a database hold for connections that are made afterwards.
  const pool = openPool({ url: database.url, size: 2, applicationName: 'own settings' });
  onTestFinished(() => pool.end());
  const input = { schema: database.schema, sourceUuid: source.sourceUuid, month };
  const deps = { ...dependenciesOf(database), pool };
  expect(await new MockActivityEnvironment().run(() => aggregateDays(deps, input))).toMatchObject({
    dayCount: 1,
  });
  return source.query('select distinct work_mem, workers from seen_settings');
}

test('the steps give themselves memory and workers where the server has less', async () => {
  const settings = { work_mem: '4MB', max_parallel_workers_per_gather: '0' };
  expect(await settingsOfAggregation(await createTestDatabase(), settings)).toEqual([
    { work_mem: '64MB', workers: '2' },
  ]);
});

test('what an operator gives the database counts when it is more', async () => {
  const settings = { work_mem: '160MB', max_parallel_workers_per_gather: '5' };
  expect(await settingsOfAggregation(await createTestDatabase(), settings)).toEqual([
    { work_mem: '160MB', workers: '5' },
  ]);
});

test('no function sets memory for itself, which would hide what an operator gives', async () => {
  const { pool, schema } = await createTestDatabase();
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query(
      `select proname from pg_proc
       where pronamespace = current_schema()::regnamespace
           and exists (select from unnest(proconfig) as setting where setting like 'work\\_mem=%')`,
    ),
  );
  expect(rows).toEqual([]);
});
