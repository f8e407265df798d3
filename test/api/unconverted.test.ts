import { beforeAll, beforeEach, expect, test } from 'vitest';
import { accessLists } from '../../api/access.ts';
import { handleRead } from '../../api/handle.ts';
import type { ReadDeps, ReadRequest } from '../../api/handle.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { readRequest } from '../support/api-call.ts';
import { insertRow } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/* Amounts in currencies without a known rate: shown as they are, logged once per answer, and named in a header. */

const withModel = '11111111-1111-1111-1111-111111111111';
const elsewhere = '22222222-2222-2222-2222-222222222222';
const model = 'cccccccc-0000-0000-0000-000000000001';
const days = 'start_date=2026-11-01&end_date=2026-11-02';
let database: TestDatabase;
let deps: ReadDeps;
let told: string[] = [];

const row = {
  cluster_id: 'c-1',
  cluster_alias: 'alpha',
  source_uuid: withModel,
  usage_start: '2026-11-01',
  usage_end: '2026-11-01',
};
const byProject = [
  { ...row, namespace: 'web', infrastructure_raw_cost: 100, raw_currency: 'USD' },
  { ...row, namespace: 'web', infrastructure_raw_cost: 8, raw_currency: 'EUR' },
  { ...row, namespace: 'lab', infrastructure_raw_cost: 7, raw_currency: 'MMM' },
  { ...row, namespace: 'lab', infrastructure_markup_cost: 2, raw_currency: 'ZZZ' },
  // Its rate is in the dictionary, but the currency is not enabled.
  { ...row, namespace: 'yen', infrastructure_raw_cost: 30, raw_currency: 'JPY' },
  // Nothing to convert.
  { ...row, namespace: 'free', infrastructure_raw_cost: 0, raw_currency: 'AAA' },
  // A share of a pool of the cloud's costs, which is in the currency of the cloud.
  {
    ...row,
    namespace: 'pool',
    cost_model_rate_type: 'unattributed_network',
    distributed_cost: 5,
    raw_currency: 'NNN',
  },
  // A month earlier, for comparisons.
  {
    ...row,
    usage_start: '2026-10-01',
    usage_end: '2026-10-01',
    namespace: 'web',
    infrastructure_raw_cost: 3,
    raw_currency: 'OLD',
  },
  { ...row, source_uuid: elsewhere, namespace: 'far', cost_model_cpu_cost: 4 },
];

beforeAll(async () => {
  database = await createTestDatabase();
  const { pool, schema, orgId } = database;
  await pool.query(
    `insert into public.api_customer (date_created, date_updated, uuid, schema_name, org_id)
     values (now(), now(), gen_random_uuid(), $1, $2)`,
    [schema, orgId],
  );
  await pool.query('create table public.api_exchangeratedictionary (currency_exchange_dictionary jsonb)');
  await pool.query(
    `insert into public.api_exchangeratedictionary
     values ('{"EUR": {"USD": 1.25, "GBP": 0.5}, "JPY": {"USD": 0.01}, "KKK": {"GBP": 2}}')`,
  );
  await inTenantTransaction(pool, schema, async (client) => {
    await client.query('set local session_replication_role = replica');
    await client.query('create table enabled_currency (currency_code varchar(5) not null unique)');
    await client.query(
      `insert into enabled_currency values ('USD'), ('EUR'), ('MMM'), ('ZZZ'), ('NNN'), ('GBP')`,
    );
    for (const each of byProject) await insertRow(client, 'reporting_ocp_cost_summary_by_project_p', each);
    const ofCluster = { ...row, infrastructure_raw_cost: 7, raw_currency: 'MMM' };
    await insertRow(client, 'reporting_ocp_cost_summary_p', ofCluster);
    await client.query(
      `insert into cost_model (uuid, name, description, source_type, currency, distribution, rates, markup,
           distribution_info, created_timestamp, updated_timestamp)
       values ($1, 'crowns', '', 'OCP', 'NOK', 'cpu', '{}', '{}', '{}', now(), now())`,
      [model],
    );
    await client.query('insert into cost_model_map (provider_uuid, cost_model_id) values ($1, $2)', [
      elsewhere,
      model,
    ]);
  });
  deps = {
    pool,
    timeoutMs: 30_000,
    retentionMonths: 4,
    now: () => new Date('2026-11-28T12:00:00Z'),
    warn: (_fields, message) => told.push(message),
    blockedRuns: () => Promise.resolve({ runs: [] }),
  };
});

beforeEach(() => {
  told = [];
});

async function ask(query: string, more: Partial<ReadRequest> = {}) {
  const request = readRequest(database.orgId, 'reports/openshift/costs/', { query, ...more });
  const { status, headers, body } = await handleRead(deps, request);
  expect(status, JSON.stringify(body)).toBe(200);
  const { meta } = body as { meta?: { total: { cost: { raw: { value: number } } } } };
  return { named: headers['x-not-converted'], raw: meta?.total.cost.raw.value };
}

const missing = (...currencies: string[]) =>
  currencies.map((currency) => `no exchange rate from ${currency} to USD`);

test('every currency of the answer without a rate is logged once and named, whatever else there is', async () => {
  // 100 + 8 * 1.25 + 7 + 30 + 0 = 147; the markup of 2 is another field.
  expect(await ask(`group_by[project]=*&${days}`)).toEqual({ named: 'JPY, MMM, NNN, NOK, ZZZ', raw: 147 });
  expect(told).toEqual(missing('JPY', 'MMM', 'NNN', 'NOK', 'ZZZ'));
});

test.for([
  ['only what the filter leaves counts', 'group_by[project]=*&filter[exact:project]=web', undefined],
  ['zeroes need no rate', 'group_by[project]=*&filter[exact:project]=free', undefined],
  ['one currency', 'group_by[project]=*&filter[exact:project]=yen', 'JPY'],
  ['the greatest hides none', 'group_by[project]=*&filter[exact:project]=web,lab', 'MMM, ZZZ'],
  ['a share of a pool', 'group_by[project]=*&filter[exact:project]=pool', 'NNN'],
  ['a cost model, where its source is in the answer', 'group_by[project]=*&filter[exact:project]=far', 'NOK'],
  ['in the sum of others', 'group_by[project]=*&filter[limit]=1&filter[exact:project]=web,lab', 'MMM, ZZZ'],
  [
    'beyond the ranks',
    'group_by[project]=*&filter[limit]=1&filter[offset]=0&filter[project]=web,lab',
    'MMM, ZZZ',
  ],
  ['without a group', '', 'MMM'],
])('named: %s', async ([, query, named]) => {
  expect(await ask(`${query}&${days}`)).toMatchObject({ named });
  expect(told).toEqual(missing(...(named?.split(', ') ?? [])));
});

test('what a comparison needs counts, too', async () => {
  const month = 'group_by[project]=*&filter[exact:project]=web&filter[time_scope_value]=-1';
  expect(await ask(month)).toMatchObject({ named: undefined });
  expect(await ask(`${month}&delta=cost`)).toMatchObject({ named: 'OLD' });
  expect(told).toEqual(missing('OLD'));
});

test('a CSV is told of in the same way', async () => {
  expect(
    await ask(`group_by[project]=*&filter[exact:project]=lab&${days}`, { accept: 'text/csv' }),
  ).toMatchObject({ named: 'MMM, ZZZ' });
  expect(told).toEqual(missing('MMM', 'ZZZ'));
});

test('nothing outside the access lists is named', async () => {
  const access = accessLists({ cluster: ['alpha'], node: [], project: ['yen'] });
  expect(await ask(`group_by[project]=*&${days}`, { access })).toMatchObject({ named: 'JPY' });
});
