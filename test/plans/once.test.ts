import { beforeAll, expect, test } from 'vitest';
import { afterAll } from 'vitest';
import type { Pool } from 'pg';
import { inTenantTransaction, openPool } from '../../platform/database/database.ts';
import { LabelSets } from '../../reports/label-sets.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import { dependenciesOf } from '../summary/labelled-days.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { createYearOfClusters, presentMonth, stageDay, summarySteps } from './year-of-clusters.ts';

/*
 * What is the same for all rows of a statement is computed once. A subquery without a table is pulled up by the planner
 * and its functions are then called for every row, which no plan shows: the server counts the calls.
 */
const maxCallsPerStep = 20;

let database: TestDatabase;
let source: StagedSource;
/** One connection, whose calls of functions are counted. */
let counting: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await createYearOfClusters(database, 2);
  // keys that nobody enabled
  await source.query(
    `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
     select gen_random_uuid(), 'unused-' || number, false, 'OCP' from generate_series(1, 5000) as number`,
  );
  const url = new URL(database.url);
  url.searchParams.set('options', '-c track_functions=all');
  counting = openPool({ url: url.href, size: 1, applicationName: 'test once' });
});
afterAll(() => counting.end());

/** Calls of functions of the tenant that `work` made, by name. */
async function callsOf(work: () => Promise<unknown>): Promise<ReadonlyMap<string, number>> {
  const before = await counts();
  await work();
  const after = await counts();
  return new Map([...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)]));
}

async function counts(): Promise<Map<string, number>> {
  await counting.query('select pg_stat_force_next_flush()');
  const { rows } = await counting.query<{ name: string; calls: number }>(
    'select funcname as name, calls from pg_stat_user_functions where schemaname = $1',
    [database.schema],
  );
  return new Map(rows.map(({ name, calls }) => [name, calls]));
}

/** Functions of a row: each call that the planner could not put into the statement would cost more than its work. */
const inlined = [
  'ocp_effective_usage',
  'ocp_enabled_labels',
  'ocp_is_dead_hour',
  'ocp_is_live',
  'ocp_is_missing',
  'ocp_is_real_namespace',
  'ocp_is_unallocated',
  'ocp_is_usage_row',
  'ocp_merge_labels',
  'ocp_unallocated_namespace',
];

/** Functions that answer for the whole tenant or source. */
const once = [
  'ocp_enabled_keys',
  'ocp_enabled_keys_hash',
  'ocp_settings_hash',
  'ocp_cost_settings_hash',
  'ocp_live_pieces',
];

test.for(['aggregateDays', 'applyTagMapping', 'applyCostModel', 'validateDays'] as const)(
  '%s asks for keys, settings and pieces a few times, however many rows there are, and calls no function of a row',
  async (step) => {
    if (step === 'aggregateDays') await stageDay(source, presentMonth, 3, 5);
    const deps = { ...dependenciesOf(database), pool: counting };
    const calls = await callsOf(() =>
      summarySteps[step](deps, {
        schema: database.schema,
        sourceUuid: source.sourceUuid,
        month: presentMonth,
      }),
    );
    expect(
      once.filter((name) => (calls.get(name) ?? 0) > maxCallsPerStep).map((name) => [name, calls.get(name)]),
    ).toEqual([]);
    expect(inlined.filter((name) => (calls.get(name) ?? 0) > 0)).toEqual([]);
  },
);

test('a load asks for the enabled keys once for all of its new label sets, and not at all when it has none', async () => {
  const texts = Array.from({ length: 500 }, (_, number) => `label_app:once-${number}`);
  const store = () => new LabelSets(counting, database.schema, true).store(texts);
  // itself, and inside the hash of the keys
  expect((await callsOf(store)).get('ocp_enabled_keys')).toBe(2);
  expect((await callsOf(store)).get('ocp_enabled_keys')).toBe(0);
});

test('settings are hashed once per source, not once per day', async () => {
  const calls = await callsOf(() =>
    inTenantTransaction(counting, database.schema, (client) =>
      client.query(loadSql('summary/daily/changed_settings.sql'), [
        `${presentMonth}-01`,
        'koku',
        `${presentMonth}-20`,
      ]),
    ),
  );
  // four clusters have days in the month
  expect(calls.get('ocp_settings_hash')).toBe(4);
  expect(calls.get('ocp_cost_settings_hash')).toBe(4);
});
