import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { accessLists, fullAccess } from '../../api/access.ts';
import { handleRead } from '../../api/handle.ts';
import type { ReadDeps, ReadRequest, ReadResponse } from '../../api/handle.ts';
import { inTenantSnapshot, inTenantTransaction, openPool } from '../../platform/database/database.ts';
import { apiPrefix, readRequest } from '../support/api-call.ts';
import { differences, loadGoldenTables } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const costsByProject = 'reports/openshift/costs/';
const octoberByProject = 'group_by[project]=*&start_date=2026-10-01&end_date=2026-10-03';
const sourceUuid = '0845db65-fe28-42aa-8f17-9409b39485b0';
let database: TestDatabase;
let deps: ReadDeps;
const warnings: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `insert into public.api_customer (date_created, date_updated, uuid, schema_name, org_id)
     values (now(), now(), gen_random_uuid(), $1, $2)`,
    [database.schema, database.orgId],
  );
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    await loadGoldenTables(client, 'small_cm');
    await client.query(
      `insert into ocp_day (source_uuid, usage_day, version, pieces_hash, settings_hash, rules)
       select $1, day, 1, '', '', 'koku' from unnest('{2026-10-01,2026-10-02,2026-10-03}'::date[]) as day`,
      [sourceUuid],
    );
    await client.query(
      `insert into public.api_provider (uuid, name, type, setup_complete, active, paused, customer_id)
       select $1, 'small-onprem', 'OCP', true, true, false, id from public.api_customer where org_id = $2`,
      [sourceUuid, database.orgId],
    );
    await client.query(
      `insert into public.api_providerinfrastructuremap (infrastructure_type, infrastructure_provider_id)
       values ('AWS', $1)`,
      [sourceUuid],
    );
    await client.query(
      `insert into reporting_tenant_api_provider (uuid, name, type, provider_id) values ($1, 'small-onprem', 'OCP', $1)`,
      [sourceUuid],
    );
  });
  deps = {
    pool: database.pool,
    timeoutMs: 30_000,
    retentionMonths: 4,
    now: () => new Date('2026-11-03T12:00:00Z'),
    warn: (_fields, message) => warnings.push(message),
    blockedRuns: () => Promise.resolve({ runs: null, reason: 'Temporal does not answer' }),
  };
});

const asked = (below: string, query = '', more: Partial<ReadRequest> = {}) =>
  readRequest(database.orgId, below, { query, ...more });

function total(response: ReadResponse): number {
  const { meta } = response.body as { meta: { total: { cost: { total: { value: number } } } } };
  return meta.total.cost.total.value;
}

describe('ETag', () => {
  test('what has not changed is not sent again', async () => {
    const first = await handleRead(deps, asked(costsByProject, octoberByProject));
    const etag = first.headers['etag'];
    expect(first.status).toBe(200);
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect(first.headers['cache-control']).toBe('private, no-cache');
    const again = await handleRead(
      deps,
      asked(costsByProject, octoberByProject, { ifNoneMatch: `"x", W/${etag ?? ''}` }),
    );
    expect(again).toMatchObject({ status: 304, body: undefined, headers: { etag } });
  });

  test('an answer that depends on the cloud of a cluster is sent again when that is known', async () => {
    const request = asked(
      costsByProject,
      `filter[infrastructures]=gcp&start_date=2026-10-01&end_date=2026-10-03`,
    );
    const before = await handleRead(deps, request);
    expect(total(before)).toBe(0);
    const { pool } = database;
    await pool.query(`update public.api_providerinfrastructuremap set infrastructure_type = 'GCP'`);
    await pool.query(
      `update public.api_provider set infrastructure_id = (select id from public.api_providerinfrastructuremap)`,
    );
    const after = await handleRead(deps, { ...request, ifNoneMatch: before.headers['etag'] });
    expect(after.status).toBe(200);
    expect(total(after)).toBeGreaterThan(5_000);
    await pool.query('update public.api_provider set infrastructure_id = null');
    await pool.query(`update public.api_providerinfrastructuremap set infrastructure_type = 'AWS'`);
  });

  test('it changes with the name of a cluster, which the lists of labels are filtered by', async () => {
    const { pool, schema } = database;
    const request = asked('tags/openshift/', 'filter[cluster]=renamed');
    const etags = new Set<string | undefined>();
    for (const alias of ['small-onprem', 'renamed', 'small-onprem']) {
      await pool.query(`update ${schema}.reporting_ocp_clusters set cluster_alias = $1`, [alias]);
      etags.add((await handleRead(deps, request)).headers['etag']);
    }
    expect(etags.size).toBe(2);
  });

  test('it differs by the retention of the deployment, which decides what is valid', async () => {
    const etags = await Promise.all(
      [3, 4].map(async (retentionMonths) => {
        const found = await handleRead({ ...deps, retentionMonths }, asked(costsByProject, octoberByProject));
        return found.headers['etag'];
      }),
    );
    expect(new Set(etags).size).toBe(2);
  });

  test('any tag is what the client has, if there is an answer: errors stay errors', async () => {
    const any = { ifNoneMatch: '*' };
    expect(await handleRead(deps, asked(costsByProject, octoberByProject, any))).toMatchObject({
      status: 304,
      body: undefined,
    });
    expect(await handleRead(deps, asked(costsByProject, 'foo=1', any))).toMatchObject({ status: 400 });
    expect(await handleRead(deps, asked('nosuch/', '', any))).toMatchObject({ status: 404 });
    const access = accessLists({ cluster: ['*'], node: [], project: ['Paris'] });
    expect(
      await handleRead(deps, asked(costsByProject, 'filter[project]=zzz', { ...any, access })),
    ).toMatchObject({
      status: 403,
    });
  });

  test('it differs by URL, form, access lists and day', async () => {
    const etagOf = async (request: ReadRequest, now = '2026-11-03T12:00:00Z') =>
      (await handleRead({ ...deps, now: () => new Date(now) }, request)).headers['etag'];
    const etags = [
      await etagOf(asked(costsByProject, octoberByProject)),
      await etagOf(asked(costsByProject, `${octoberByProject}&limit=5`)),
      await etagOf(asked(costsByProject, octoberByProject, { accept: 'text/csv' })),
      await etagOf(
        asked(costsByProject, octoberByProject, { access: { ...fullAccess, project: ['Paris'] } }),
      ),
      await etagOf(asked(costsByProject, octoberByProject), '2026-11-04T00:00:00Z'),
    ];
    expect(new Set(etags).size).toBe(5);
  });

  test.for([
    "update ocp_day set version = version + 1 where usage_day = date '2026-10-02'",
    'update ocp_day set cost_version = 7',
    'update cost_model set updated_timestamp = now()',
    'delete from cost_model_map',
    'update reporting_enabledtagkeys set enabled = not enabled',
    `insert into reporting_ocp_cost_category (name, description, source_type, system_default, label)
     values ('Team', '', 'OCP', false, '{}')`,
    `update reporting_enabledtagkeys set provider_type = 'AWS' where key = 'application'`,
    `update public.api_provider
     set infrastructure_id = (select id from public.api_providerinfrastructuremap limit 1) where uuid = '${sourceUuid}'`,
    `update public.api_providerinfrastructuremap set infrastructure_type = 'Azure'`,
  ])('it changes with %s', async (statement) => {
    const request = asked(costsByProject, octoberByProject);
    const before = (await handleRead(deps, request)).headers['etag'];
    await inTenantTransaction(database.pool, database.schema, (client) => client.query(statement));
    expect((await handleRead(deps, request)).headers['etag']).not.toBe(before);
  });

  test('it changes with the currencies and rates that Koku keeps', async () => {
    const { pool, schema } = database;
    const request = asked(costsByProject, octoberByProject);
    const etags = new Set<string | undefined>();
    const statements = [
      `create table ${schema}.enabled_currency (currency_code varchar(5) not null unique)`,
      `insert into ${schema}.enabled_currency values ('USD'), ('EUR')`,
      `create table ${schema}.user_settings (settings jsonb)`,
      `insert into ${schema}.user_settings values ('{"currency": "EUR"}')`,
      `create table public.api_exchangeratedictionary (currency_exchange_dictionary jsonb)`,
      `insert into public.api_exchangeratedictionary values ('{"USD": {"EUR": 0.9}}')`,
      `update public.api_exchangeratedictionary set currency_exchange_dictionary = '{"USD": {"EUR": 0.8}}'`,
    ];
    etags.add((await handleRead(deps, request)).headers['etag']);
    for (const statement of statements) {
      await pool.query(statement);
      etags.add((await handleRead(deps, request)).headers['etag']);
    }
    // An empty table of settings or rates says as much as none: seven statements, of which two change nothing.
    expect(etags.size).toBe(6);
    await pool.query(
      `drop table ${schema}.enabled_currency, ${schema}.user_settings, public.api_exchangeratedictionary`,
    );
  });

  test('there is none where Koku writes the same tables', async () => {
    await inTenantTransaction(database.pool, database.schema, (client) =>
      client.query(
        `insert into ocp_adopted_table (name) values ('reporting_ocpusagelineitem_daily_summary')`,
      ),
    );
    expect((await handleRead(deps, asked(costsByProject, octoberByProject))).headers).not.toHaveProperty(
      'etag',
    );
    await inTenantTransaction(database.pool, database.schema, (client) =>
      client.query('delete from ocp_adopted_table'),
    );
  });
});

test('CSV is sent as text, with rows for every project and day', async () => {
  const found = await handleRead(
    deps,
    asked(costsByProject, `${octoberByProject}&limit=0`, { accept: 'text/csv' }),
  );
  expect(found.headers['content-type']).toBe('text/csv; charset=utf-8');
  expect((await text(found.body as Readable)).split('\r\n')[0]).toContain(
    'base_currency,classification,clusters.0,cost_gpu_unallocated_distributed,cost_group',
  );
});

test.for([
  ['text/csv', true],
  ['text/csv; charset=utf-8, */*', true],
  ['application/json, text/csv', true],
  ['text/csv;q=0, application/json', false],
  ['text/csv; q=0.000', false],
  ['text/csv;q=0.4, application/json;q=0.9', false],
  ['text/csv;q=0.9, application/json;q=0.4', true],
  ['application/json', false],
  ['*/*', false],
] as const)('Accept: %s', async ([accept, isCsv]) => {
  const { headers } = await handleRead(deps, asked(costsByProject, octoberByProject, { accept }));
  expect(headers['content-type']?.startsWith('text/csv')).toBe(isCsv);
});

test('an organisation that is not known has no data, and that is no error', async () => {
  const found = await handleRead(deps, asked(costsByProject, octoberByProject, { orgId: 'other' }));
  expect(found).toMatchObject({
    status: 200,
    body: {
      meta: { count: 0 },
      data: [],
      links: { first: `${apiPrefix}${costsByProject}?limit=0&offset=0`, next: null },
    },
  });
});

test('errors have the status and the form that clients of Koku know', async () => {
  expect(await handleRead(deps, asked(costsByProject, 'filter[pod]=a'))).toMatchObject({
    status: 400,
    body: { filter: { pod: ['Unsupported parameter or invalid value'] } },
  });
  const access = accessLists({ cluster: ['small-onprem'], node: [], project: ['Paris'] });
  expect(await handleRead(deps, asked(costsByProject, 'filter[project]=London', { access }))).toMatchObject({
    status: 403,
    body: { errors: [{ status: 403 }] },
  });
  expect(await handleRead(deps, asked('reports/aws/costs/'))).toMatchObject({ status: 404 });
});

test('a statement that takes too long, and a database that is away, are 424 and logged', async () => {
  const holder = await database.pool.connect();
  await holder.query('begin');
  await holder.query(
    `lock table ${database.schema}.reporting_ocp_cost_summary_by_project_p in access exclusive mode`,
  );
  const late = await handleRead({ ...deps, timeoutMs: 200 }, asked(costsByProject, octoberByProject));
  await holder.query('rollback');
  holder.release();
  expect(late).toMatchObject({ status: 424, body: { errors: [{ status: 424 }] } });
  const nowhere = openPool({ url: 'postgres://nobody@127.0.0.1:1/none', size: 1, applicationName: 'test' });
  expect(await handleRead({ ...deps, pool: nowhere }, asked(costsByProject, octoberByProject))).toMatchObject(
    {
      status: 424,
    },
  );
  await nowhere.end();
  expect(warnings).toContain('a request of the read API failed');
});

test('readers see one state of a day that is being rebuilt, and never a mixture', async () => {
  const { pool, schema } = database;
  const whole = total(await handleRead(deps, asked(costsByProject, octoberByProject)));
  let rebuilding = true;
  const rebuild = async () => {
    // As a step does: the day's rows go and come back, doubled or halved, in one transaction.
    for (let times = 0; times < 10; times += 1)
      await inTenantTransaction(pool, schema, async (client) => {
        const factor = times % 2 === 0 ? 2 : 0.5;
        await client.query(
          `create temporary table kept on commit drop as select * from reporting_ocp_cost_summary_by_project_p`,
        );
        await client.query('delete from reporting_ocp_cost_summary_by_project_p');
        await client.query('update kept set cost_model_cpu_cost = cost_model_cpu_cost * $1', [factor]);
        await client.query('insert into reporting_ocp_cost_summary_by_project_p select * from kept');
      });
    rebuilding = false;
  };
  const totals = new Set<number>();
  const read = async () => {
    while (rebuilding) {
      const answer = await handleRead(deps, asked(costsByProject, octoberByProject));
      const { data } = answer.body as {
        data: { projects: { values: { cost: { total: { value: number } } }[] }[] }[];
      };
      const rows = data.flatMap(({ projects }) => projects.flatMap(({ values }) => values));
      const sum = rows.reduce((added, { cost }) => added + cost.total.value, 0);
      expect(differences(sum, total(answer))).toEqual([]);
      totals.add(Math.round(total(answer) * 1e6));
    }
  };
  await Promise.all([rebuild(), ...Array.from({ length: 15 }, read)]);
  expect(totals.size).toBeLessThanOrEqual(2);
  expect(totals).toContain(Math.round(whole * 1e6));
});

test('an answer cannot write, whatever it would try', async () => {
  await expect(
    inTenantSnapshot(database.pool, database.schema, 1_000, (client) => client.query('delete from ocp_day')),
  ).rejects.toMatchObject({ code: '25006' });
});

test('the status names clusters with their days and cost model, and says why runs are not known', async () => {
  const { status, body } = await handleRead(deps, asked('status/'));
  expect(status).toBe(200);
  expect(body).toMatchObject({
    meta: { count: 1, today: '2026-11-03', first_day: '2026-08-01' },
    data: {
      clusters: [
        {
          cluster: 'my-ocp-cluster-small',
          cluster_alias: 'small-onprem',
          last_day: '2026-10-03',
          days: [
            { date: '2026-10-01', hours: 0, rejected_rows: 0 },
            { date: '2026-10-02' },
            { date: '2026-10-03' },
          ],
        },
      ],
      failed_payloads: [],
      blocked_runs: null,
      blocked_runs_reason: 'Temporal does not answer',
    },
  });
  const access = accessLists({ cluster: ['other'], node: [], project: [] });
  expect((await handleRead(deps, asked('status/', '', { access }))).body).toMatchObject({
    meta: { count: 0 },
    data: { clusters: [] },
  });
});

test('the OpenAPI document describes every parameter that a report accepts', async () => {
  const { body } = await handleRead(deps, asked('openapi.json'));
  const { paths } = body as { paths: Record<string, { get: { parameters: { name: string }[] } }> };
  const costs = paths[`${apiPrefix}${costsByProject}`]?.get.parameters.map(({ name }) => name);
  expect(costs).toEqual(
    expect.arrayContaining([
      'filter[exact:project]',
      'group_by[cluster]',
      'order_by[cost]',
      'start_date',
      'limit',
      'delta',
    ]),
  );
  expect(Object.keys(paths)).toHaveLength(18);
});
