import { parse } from 'csv-parse/sync';
import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { loadGoldenTables } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/* The form of CSV answers (API §5.4). */

const prefix = '/api/cost-management/v1/';
const month = 'filter[time_scope_value]=-2';
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await inTenantTransaction(database.pool, database.schema, (client) => loadGoldenTables(client, 'small_cm'));
});

async function csv(below: string): Promise<string> {
  return String(
    await inTenantTransaction(database.pool, database.schema, (client) =>
      answerOn(client, `${prefix}${below}`, { today: '2026-11-23', accept: 'text/csv' }),
    ),
  );
}

test('a virtual machine has its cluster once', async () => {
  const text = await csv(`reports/openshift/resources/virtual-machines/?${month}`);
  const [row = {}] = parse<Record<string, string>>(text, { columns: true });
  expect(row['cluster']).toBe('small-onprem');
  expect(Object.keys(row).filter((name) => name.startsWith('clusters'))).toEqual([]);
});

test.for([
  [
    'reports/openshift/costs/',
    `group_by[project]=*&${month}`,
    'filter[exact:project]=nobody',
    ['project', 'cost_total'],
  ],
  ['reports/openshift/memory/', `group_by[node]=*&${month}`, 'filter[exact:node]=nothing', ['node', 'usage']],
  ['reports/openshift/volumes/', month, 'filter[storageclass]=none', ['date', 'capacity']],
  ['reports/openshift/gpu/', month, 'filter[gpu_model]=none', ['gpu_model', 'gpu_count']],
  [
    'reports/openshift/resources/virtual-machines/',
    month,
    'filter[vm_name]=none',
    ['vm_name', 'request_cpu'],
  ],
  ['tags/openshift/', month, 'filter[key]=none', ['key', 'enabled']],
  ['tags/openshift/', `key_only=true&${month}`, 'filter[key]=none', ['value']],
  ['tags/openshift/application/', month, 'filter[project]=none', ['value']],
  ['resource-types/openshift-clusters/', '', 'search=none', ['value', 'cluster_alias']],
  ['resource-types/openshift-nodes/', '', 'search=none', ['value']],
] as const)('without rows there is a header: %s %s', async ([path, query, nothing, some]) => {
  const [header = '', ...lines] = (await csv(`${path}?${query}&${nothing}`)).split('\r\n');
  expect(lines).toEqual(['']);
  const names = header.split(',');
  expect(names).toEqual([...names].sort());
  for (const name of some) expect(names).toContain(name);
  // What a row has beyond it are the elements of its lists.
  const full = (await csv(`${path}?${query}`)).split('\r\n')[0]?.split(',') ?? [];
  expect(full.length).toBeGreaterThan(0);
  expect(full.filter((name) => !names.includes(name) && !name.includes('.'))).toEqual([]);
  expect(names.filter((name) => !full.includes(name))).toEqual([]);
});
