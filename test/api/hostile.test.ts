import { beforeAll, expect, test } from 'vitest';
import { accessLists, fullAccess } from '../../api/access.ts';
import { ApiError } from '../../api/errors.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import type { CallOptions } from '../support/api-call.ts';
import { loadGoldenTables } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const prefix = '/api/cost-management/v1/';
const costs = `${prefix}reports/openshift/costs/`;
const dates = 'start_date=2026-10-01&end_date=2026-10-03';
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await inTenantTransaction(database.pool, database.schema, (client) => loadGoldenTables(client, 'small_cm'));
});

/** The status that a client gets, and the body: 200 with an answer, or that of an error of ours. */
async function ask(
  url: string,
  options: Partial<CallOptions> = {},
): Promise<{ status: number; body: unknown }> {
  return inTenantTransaction(database.pool, database.schema, async (client) => {
    try {
      return { status: 200, body: await answerOn(client, url, { today: '2026-11-23', ...options }) };
    } catch (error) {
      if (error instanceof ApiError) return { status: error.status, body: error.body };
      throw error;
    }
  });
}

const payloads = [
  `' or 1=1 --`,
  `"; drop table reporting_ocp_cost_summary_p; --`,
  `%' union select secret from public.token --`,
  '$1',
  '\\',
  `a\\' or true --`,
  '%',
  '_',
  '{}',
  "x'); select pg_sleep(10); --",
  '🦤',
];

test.for([
  `${costs}?group_by[project]=VALUE&${dates}`,
  `${costs}?filter[project]=VALUE&${dates}`,
  `${costs}?filter[exact:cluster]=VALUE&${dates}`,
  `${costs}?filter[and:node]=VALUE,b&${dates}`,
  `${costs}?exclude[project]=VALUE&${dates}`,
  `${costs}?filter[category]=VALUE&${dates}`,
  `${costs}?filter[tag:app]=VALUE&${dates}`,
  `${costs}?exclude[tag:app]=VALUE&${dates}`,
  `${costs}?filter[tag:VALUE]=a&${dates}`,
  `${costs}?group_by[tag:VALUE]=*&${dates}`,
  `${costs}?group_by[VALUE]=*&${dates}`,
  `${costs}?order_by[VALUE]=asc&${dates}`,
  `${costs}?order_by[cost]=VALUE&${dates}`,
  `${costs}?group_by[project]=*&category=VALUE&${dates}`,
  `${costs}?currency=VALUE&${dates}`,
  `${costs}?start_date=VALUE&end_date=2026-10-03`,
  `${costs}?limit=VALUE&${dates}`,
  `${costs}?offset=VALUE&${dates}`,
  `${costs}?delta=VALUE`,
  `${costs}?filter[infrastructures]=VALUE&${dates}`,
  `${costs}?filter[limit]=VALUE&group_by[project]=*&${dates}`,
  `${costs}?VALUE=1&${dates}`,
  `${prefix}tags/openshift/?filter[key]=VALUE`,
  `${prefix}tags/openshift/VALUE/`,
  `${prefix}tags/openshift/app/?filter[value]=VALUE`,
  `${prefix}resource-types/openshift-projects/?search=VALUE`,
])('a value that is SQL is a value: %s', async (url) => {
  for (const payload of payloads) {
    const { status, body } = await ask(url.replace('VALUE', encodeURIComponent(payload)));
    expect([200, 400, 404], `${url} ${payload}`).toContain(status);
    expect(JSON.stringify(body)).not.toContain('syntax error');
  }
  const { body } = await ask(`${costs}?${dates}`);
  // 1707.076656451613 + 1707.072913172043 + 1707.0770143817203, as Koku answers
  expect(body).toMatchObject({
    meta: { total: { cost: { total: { value: expect.closeTo(5121.226584005376, 9) as number } } } },
  });
});

test('wildcards of LIKE are text', async () => {
  for (const wildcard of ['%', '_', '\\'])
    expect(
      await ask(`${costs}?filter[project]=${encodeURIComponent(wildcard)}&group_by[project]=*&${dates}`),
    ).toMatchObject({ status: 200, body: { meta: { total: { cost: { total: { value: 0 } } } } } });
});

test.for([
  ['10,000 parameters', Array.from({ length: 10_000 }, (_, index) => `filter[project]=${index}`).join('&')],
  ['deep brackets', `filter${'[a]'.repeat(5_000)}=1`],
  ['nested brackets', `filter[${'['.repeat(5_000)}]=1`],
  ['a long value', `filter[project]=${'a'.repeat(10_000)}`],
  [
    '10,000 values',
    `filter[project]=${'a,'.repeat(999)}a&${`filter[project]=${'a,'.repeat(999)}a&`.repeat(10)}`,
  ],
  ['a huge limit', 'limit=99999999999999999999'],
  ['a huge offset', 'offset=99999999999999999999'],
  ['a negative offset', 'offset=-1'],
  ['a limit that is no number', 'limit=1e3'],
  ['NUL', 'filter[project]=%00'],
  ['broken UTF-8', 'filter[project]=%ff%fe'],
  ['a broken escape', 'filter[project]=%zz'],
  ['a prototype', '__proto__[polluted]=1'],
  ['a constructor', 'filter[constructor]=1'],
  ['a key without a section', 'filter=project'],
  ['a section with a key too many', 'limit[a]=1'],
  ['an unknown parameter', 'sort=cost'],
  ['an unknown filter', 'filter[pod]=a'],
  ['an unknown label key', 'filter[tag:secret]=a'],
  ['three groups', 'group_by[project]=*&group_by[node]=*&group_by[cluster]=*'],
  ['days before the retention', 'start_date=1999-01-01&end_date=1999-01-02'],
  ['one date', 'start_date=2026-10-01'],
  ['dates that are none', 'start_date=2026-02-30&end_date=2026-03-01'],
  ['dates in the wrong order', 'start_date=2026-10-03&end_date=2026-10-01'],
  ['dates and a time scope', `${dates}&filter[time_scope_value]=-10`],
  ['dates and a comparison', `${dates}&delta=cost`],
  ['a comparison that the report lacks', 'delta=usage__request'],
  ['shared costs without projects', 'order_by[distributed_cost]=desc'],
  ['a rank without groups', 'filter[limit]=5'],
  ['an offset of ranks without a limit', 'filter[offset]=5&group_by[project]=*'],
  ['clusters on a cloud that cannot be excluded', 'exclude[infrastructures]=gcp'],
  ['capacity as an order', 'order_by[capacity]=desc'],
  ['a currency that is not enabled', 'currency=XXX'],
  ['monthly days', 'filter[resolution]=monthly&filter[time_scope_units]=day&filter[time_scope_value]=-10'],
])('refused with 400: %s', async ([, query]) => {
  const { status, body } = await ask(`${costs}?${query ?? ''}`);
  expect(status).toBe(400);
  expect(JSON.stringify(body).length).toBeLessThan(500);
});

test('a page is at most 1000 long, and a negative limit is the default', async () => {
  expect(await ask(`${costs}?limit=5000&${dates}`)).toMatchObject({ body: { meta: { limit: 1000 } } });
  expect(await ask(`${costs}?limit=-1&${dates}`)).toMatchObject({ body: { meta: { limit: 100 } } });
  expect(await ask(`${costs}?offset=999999&${dates}`)).toMatchObject({
    body: { data: [], meta: { count: 3 } },
  });
});

const restricted = accessLists({ cluster: ['small-onprem'], node: [], project: ['Paris', 'London'] });

test.for([
  'group_by[project]=Berlin',
  'group_by[or:project]=Berlin',
  'filter[project]=Berlin',
  'filter[project]=Par',
  'filter[exact:project]=Berlin',
  'filter[or:project]=Berlin',
  'filter[project]=Paris,Berlin',
  'filter[cluster]=other',
])('naming something outside the access lists is forbidden: %s', async (query) => {
  expect(await ask(`${costs}?${query}&${dates}`, { access: restricted })).toMatchObject({ status: 403 });
});

test('no operator widens the access lists', async () => {
  for (const query of [
    'filter[and:project]=B',
    'exclude[project]=nothing',
    'filter[project]=*',
    'filter[tag:app]=*',
    'group_by[tag:app]=*',
    'group_by[node]=*&filter[limit]=1',
    'order_by[cost]=asc',
  ]) {
    const { body } = await ask(`${costs}?${query}&${dates}`, { access: restricted });
    const { body: filtered } = await ask(`${costs}?${query}&filter[exact:project]=Paris,London&${dates}`, {
      access: query.includes('filter[project]=*') ? restricted : fullAccess,
    });
    const total = (answer: unknown) => (answer as { meta: { total: unknown } }).meta.total;
    if (!query.includes('filter[project]=*')) expect(total(body), query).toEqual(total(filtered));
    expect(JSON.stringify(body)).not.toContain('Berlin');
  }
});

test('lists of names and labels hold nothing outside the access lists', async () => {
  const { body: all } = await ask(`${prefix}resource-types/openshift-projects/?limit=100`, {
    access: restricted,
  });
  expect(all).toMatchObject({ meta: { count: 2 }, data: [{ value: 'London' }, { value: 'Paris' }] });
  const { body: nodes } = await ask(`${prefix}resource-types/openshift-nodes/?limit=100`, {
    access: restricted,
  });
  const { body: every } = await ask(`${prefix}resource-types/openshift-nodes/?limit=100`);
  // Nodes where the two projects have run, and not all of the cluster.
  expect((nodes as { meta: { count: number } }).meta.count).toBeLessThan(
    (every as { meta: { count: number } }).meta.count,
  );
  const month = 'filter[time_scope_units]=month&filter[time_scope_value]=-2';
  const { body: tags } = await ask(`${prefix}tags/openshift/app/?${month}`, { access: restricted });
  const { body: allTags } = await ask(`${prefix}tags/openshift/app/?${month}`);
  expect((tags as { data: string[] }).data.length).toBeLessThan((allTags as { data: string[] }).data.length);
});

test('whoever has no cluster has nothing', () => {
  expect(() => accessLists({ cluster: [], node: [], project: ['Paris'] })).toThrow(ApiError);
});

test('an unknown endpoint or label key is 404', async () => {
  expect(await ask(`${prefix}reports/openshift/secrets/`)).toMatchObject({ status: 404 });
  expect(await ask(`${prefix}tags/openshift/nothing/`)).toMatchObject({ status: 404 });
});
