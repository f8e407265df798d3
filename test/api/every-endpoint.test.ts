import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { accessLists } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { handleRead } from '../../api/handle.ts';
import type { ReadDeps } from '../../api/handle.ts';
import { openApiDocument } from '../../api/openapi.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { migrateTenant } from '../../platform/migrations/migrate.ts';
import { apiPrefix, readRequest } from '../support/api-call.ts';
import { loadGoldenTables } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/* What somebody hostile may try, with every parameter of every endpoint. The endpoints are those of the document. */

interface Operation {
  get: { parameters?: { name: string; in: string }[] };
}
const { paths } = openApiDocument(apiPrefix) as { paths: Record<string, Operation> };
const endpoints = Object.entries(paths).map(([path, { get }]) => ({
  path: path.replace('{key}', 'app'),
  parameters: (get.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name),
}));

const payloads = [
  `' or 1=1 --`,
  `"; drop table reporting_ocp_cost_summary_p; --`,
  `%' union select secret_hash::text from public.api_token --`,
  '$1',
  `a\\' or true --`,
  '{}',
  "x'); select pg_sleep(10); --",
  '🦤',
];

let database: TestDatabase;
let deps: ReadDeps;
const failures: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const { pool, schema, orgId } = database;
  await migrateTenant(database.url, 'orgother', { info: () => undefined });
  for (const customer of [
    { schema, orgId },
    { schema: 'orgother', orgId: 'other' },
  ])
    await pool.query(
      `insert into public.api_customer (date_created, date_updated, uuid, schema_name, org_id)
       values (now(), now(), gen_random_uuid(), $1, $2)`,
      [customer.schema, customer.orgId],
    );
  await inTenantTransaction(pool, schema, (client) => loadGoldenTables(client, 'small_cm'));
  deps = {
    pool,
    timeoutMs: 30_000,
    retentionMonths: 4,
    now: () => new Date('2026-11-23T12:00:00Z'),
    warn: (fields) => failures.push(fields),
    blockedRuns: () => Promise.resolve({ runs: [] }),
  };
});

interface Who {
  orgId?: string;
  access?: AccessLists;
  accept?: string;
}

/** Status and text of an answer; failures of ours are collected. */
async function ask(path: string, query: string, { orgId, access, accept }: Who = {}) {
  const request = readRequest(orgId ?? database.orgId, path.slice(apiPrefix.length), { query, accept });
  const { status, body } = await handleRead(deps, access === undefined ? request : { ...request, access });
  return { status, text: body instanceof Readable ? await text(body) : JSON.stringify(body) };
}

const month = 'filter[time_scope_units]=month&filter[time_scope_value]=-2';
const instances = 'filter[gpu_vendor]=*&filter[gpu_model]=*&filter[node]=*';
/** A query that the endpoint answers with whatever it has. */
function everything(path: string): string {
  if (path.includes('resource-types/openshift')) return 'limit=1000';
  if (path.includes('mig_profiles')) return `${month}&${instances}`;
  return path.includes('reports/') || path.includes('tags/') ? month : '';
}

test.for(endpoints)('SQL in any parameter of $path is a value', async ({ path, parameters }) => {
  const value = (payload: string) => encodeURIComponent(payload);
  for (const name of [...parameters, 'filter[tag:app]', 'group_by[tag:app]', 'sort']) {
    // Lists take all of them at once; what has one value refuses several, and gets one.
    const many = payloads.map((payload) => `${name}=${value(payload)}`).join('&');
    const one = `${name}=${value(payloads[name.length % payloads.length] ?? '')}`;
    for (const query of [many, one]) {
      const { status, text } = await ask(path, query);
      expect([200, 400, 404], `${path}?${query} ${text}`).toContain(status);
    }
  }
  for (const payload of payloads) expect((await ask(path, `${value(payload)}=1`)).status, payload).toBe(400);
  expect(failures).toEqual([]);
});

test.for([
  ['10,000 parameters', Array.from({ length: 10_000 }, (_, index) => `limit=${index}`).join('&')],
  ['deep brackets', `filter${'[a]'.repeat(5_000)}=1`],
  ['nested brackets', `filter[${'['.repeat(5_000)}]=1`],
  ['unbalanced brackets', 'filter[project=1'],
  ['a huge limit', 'limit=99999999999999999999'],
  ['a huge offset', 'offset=99999999999999999999'],
  ['a long name', `${'a'.repeat(100_000)}=1`],
  ['a long value', `filter[project]=${'a'.repeat(100_000)}`],
  ['NUL', 'filter[project]=%00'],
  ['broken UTF-8', 'limit=%ff%fe'],
  ['a prototype', '__proto__[polluted]=1'],
  ['an unknown parameter', 'sort=cost'],
] as const)('refused with 400 by every endpoint: %s', async ([, query]) => {
  for (const { path } of endpoints) {
    const { status, text } = await ask(path, query);
    expect({ path, status }, text).toEqual({ path, status: 400 });
    expect(text.length).toBeLessThan(500);
  }
});

describe('nothing of others is in any answer, JSON or CSV', () => {
  const names = ['Paris', 'London', 'Berlin', 'llm-serving', 'small-onprem', 'compute_1'];
  const forms = ['application/json', 'text/csv'];

  test('to another organisation, with or without data of its own', async () => {
    for (const { path } of endpoints)
      for (const accept of forms) {
        for (const orgId of ['other', 'unknown']) {
          const { status, text } = await ask(path, everything(path), { orgId, accept });
          // A label key is not there where nobody has it.
          expect([200, 404], `${path} ${text}`).toContain(status);
          for (const name of names) expect(text, path).not.toContain(name);
        }
      }
  });

  test('to somebody whose lists have other projects, nodes or clusters', async () => {
    const limited: [AccessLists, RegExp][] = [
      [
        accessLists({ cluster: ['*'], node: [], project: ['Paris'] }),
        /London|Berlin|llm-serving|kube-system/,
      ],
      [accessLists({ cluster: ['*'], node: ['compute_1'], project: [] }), /compute_[2-9]|master_/],
      [accessLists({ cluster: ['elsewhere'], node: [], project: [] }), /Paris|London|compute_1|small-onprem/],
    ];
    const seen = new Map<RegExp, number>();
    for (const { path } of endpoints)
      for (const [access, hidden] of limited)
        for (const accept of forms) {
          const { status, text } = await ask(path, everything(path), { access, accept });
          expect([200, 404], `${path} ${text}`).toContain(status);
          expect(text, `${path} ${JSON.stringify(access)}`).not.toMatch(hidden);
          const whole = await ask(path, everything(path), { accept });
          if (hidden.test(whole.text)) seen.set(hidden, (seen.get(hidden) ?? 0) + 1);
        }
    // There was something to hide.
    for (const [, hidden] of limited) expect(seen.get(hidden), String(hidden)).toBeGreaterThan(2);
  });
});
