import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { handleRead } from '../../api/handle.ts';
import type { ReadDeps, ReadResponse } from '../../api/handle.ts';
import { openApiDocument } from '../../api/openapi.ts';
import { readerRights } from '../../api/reader-role.ts';
import { inTenantTransaction, openPool } from '../../platform/database/database.ts';
import { migrateTenant } from '../../platform/migrations/migrate.ts';
import { apiPrefix, readRequest } from '../support/api-call.ts';
import { loadGoldenTables } from '../support/api-fixtures.ts';
import { atEnd } from '../support/at-end.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { onServer } from '../support/template-database.ts';

/** Roles belong to the server, which other tests use too. */
const role = `cost_reader_${randomBytes(4).toString('hex')}`;
const password = randomBytes(8).toString('hex');
let database: TestDatabase;
let reader: Pool;
let deps: ReadDeps;
/** the statements of the documentation: creating the role, and granting */
let statements: string[];
const told: unknown[] = [];

async function addOrganisation(orgId: string, schema: string): Promise<void> {
  await database.pool.query(
    `insert into public.api_customer (date_created, date_updated, uuid, schema_name, org_id)
     values (now(), now(), gen_random_uuid(), $1, $2)`,
    [schema, orgId],
  );
}

const asOwner = (sql: string) => onServer(database.url, (client) => client.query(sql));

beforeAll(async () => {
  database = await createTestDatabase();
  const { pool, schema, orgId } = database;
  await addOrganisation(orgId, schema);
  await inTenantTransaction(pool, schema, (client) => loadGoldenTables(client, 'small_cm'));
  const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
  statements = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) =>
    sql.replaceAll('cost_reader', role).replace('…', password),
  );
  expect(statements).toHaveLength(2);
  for (const statement of statements) await asOwner(statement);
  atEnd(() => asOwner(`drop owned by ${role}; drop role ${role}`));
  const url = new URL(database.url);
  url.username = role;
  url.password = password;
  reader = openPool({ url: url.href, size: 4, applicationName: 'test' });
  atEnd(() => reader.end());
  deps = {
    pool: reader,
    timeoutMs: 30_000,
    retentionMonths: 4,
    now: () => new Date('2026-11-23T12:00:00Z'),
    warn: (fields) => told.push(fields),
    blockedRuns: () => Promise.resolve({ runs: [] }),
  };
});

function ask(path: string, query = '', orgId = database.orgId, accept?: string): Promise<ReadResponse> {
  return handleRead(deps, readRequest(orgId, path, { query, accept }));
}

const october = 'filter[time_scope_units]=month&filter[time_scope_value]=-2';
const mig = 'filter[gpu_vendor]=*&filter[gpu_model]=*&filter[node]=*';

test('every endpoint answers with the grants of the documentation, JSON and CSV', async () => {
  const { paths } = openApiDocument(apiPrefix) as { paths: object };
  const endpoints = Object.keys(paths).map((path) => path.slice(apiPrefix.length).replace('{key}', 'app'));
  expect(endpoints.length).toBeGreaterThanOrEqual(18);
  for (const path of endpoints) {
    const isReport = /^(reports|tags)/.test(path);
    const query = `${isReport ? october : ''}${path.includes('mig_profiles') ? `&${mig}` : ''}`;
    for (const accept of ['application/json', 'text/csv']) {
      const { status, body } = await ask(path, query, database.orgId, accept);
      expect({ path, status }, JSON.stringify(body)).toEqual({ path, status: 200 });
    }
  }
  // 1707.076656451613 + 1707.072913172043 + 1707.0770143817203, as Koku answers
  const dates = 'start_date=2026-10-01&end_date=2026-10-03';
  expect(await ask('reports/openshift/costs/', `${dates}&filter[infrastructures]=aws`)).toMatchObject({
    status: 200,
  });
  expect((await ask('reports/openshift/costs/', dates)).body).toMatchObject({
    meta: { total: { cost: { total: { value: expect.closeTo(5121.226584005376, 9) as number } } } },
  });
  expect(told).toEqual([]);
});

test('the role can write nothing, and reads no secrets', async () => {
  const { schema } = database;
  const refused = [
    `insert into ${schema}.ocp_adopted_table (name) values ('x')`,
    `update ${schema}.cost_model set name = 'x'`,
    `delete from ${schema}.reporting_ocp_cost_summary_p`,
    `truncate ${schema}.reporting_ocp_cost_summary_p`,
    `drop table ${schema}.reporting_ocp_cost_summary_p`,
    `create table ${schema}.mine (id integer)`,
    `create table public.mine (id integer)`,
    `update public.ingest_failure set resolved_at = now()`,
    `insert into public.api_token (name) values ('x')`,
    `select secret_hash from public.api_token`,
    `select download_url from public.payload_inbox`,
  ];
  // Also in a transaction that may write: the rights decide, and not a setting that a statement could change.
  for (const statement of refused)
    await expect(reader.query(statement), statement).rejects.toMatchObject({ code: '42501' });
});

test('what later versions create is readable, and the grants may be repeated', async () => {
  const { pool, schema } = database;
  await pool.query(`create table ${schema}.of_a_later_version (id integer)`);
  await expect(reader.query(`select from ${schema}.of_a_later_version`)).resolves.toMatchObject({ rows: [] });
  await asOwner(statements[1] ?? '');
});

test('an organisation that has joined gets 424 and is logged until it is granted; its rights are told', async () => {
  const newcomer = { orgId: '777', schema: 'org777' };
  await migrateTenant(database.url, newcomer.schema, { info: () => undefined });
  await addOrganisation(newcomer.orgId, newcomer.schema);
  expect(await ask('reports/openshift/costs/', '', newcomer.orgId)).toMatchObject({
    status: 424,
    body: { errors: [{ status: 424, detail: expect.stringContaining('may not read this') as string }] },
  });
  expect(told).toMatchObject([{ error: { code: '42501' } }]);
  const before = await readerRights(reader);
  expect(before).toMatchObject({ role, tenantCount: 2, writable: [] });
  expect(before.unreadable).toContain('org777.reporting_ocp_cost_summary_p');
  expect(before.unreadable.every((table) => table.startsWith('org777.'))).toBe(true);
  await asOwner(statements[1] ?? '');
  expect(await ask('reports/openshift/costs/', '', newcomer.orgId)).toMatchObject({ status: 200 });
  expect(await readerRights(reader)).toEqual({ role, tenantCount: 2, unreadable: [], writable: [] });
});

test('rights that are too few or too many are told by table', async () => {
  await asOwner(`revoke select (manifest) on public.payload_inbox from ${role};
    grant delete on ${database.schema}.cost_model to ${role}`);
  expect(await readerRights(reader)).toMatchObject({
    unreadable: ['public.payload_inbox'],
    writable: [`${database.schema}.cost_model`],
  });
  const owner = await readerRights(database.pool);
  expect(owner.writable).toContain('public.api_token');
});
