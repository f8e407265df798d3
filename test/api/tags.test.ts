import { beforeAll, expect, test } from 'vitest';
import { accessLists } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { ApiError } from '../../api/errors.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { insertRow } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/* Values of a label key (API §7): every filter counts, and a key that is known is no error. */

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    await client.query('set local session_replication_role = replica');
    const insert = (table: string, row: Record<string, unknown>) => insertRow(client, table, row);
    const keys: [number, string, boolean][] = [
      [1, 'app', true],
      [2, 'idle', true],
      [3, 'off', false],
      [4, 'child', true],
    ];
    for (const [index, key, enabled] of keys)
      await client.query(
        `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type) values ($1, $2, $3, 'OCP')`,
        [uuidOf(index), key, enabled],
      );
    await insert('reporting_tagmapping', { parent_id: uuidOf(1), child_id: uuidOf(4) });
    await insert('reporting_ocp_cost_category', {
      id: 99,
      name: 'Team',
      description: '',
      source_type: 'OCP',
      system_default: false,
      label: {},
    });
    await insert('reporting_ocp_cost_category_namespace', {
      namespace: 'lab%',
      system_default: false,
      cost_category_id: 99,
    });
    for (const [index, alias] of [
      [1, 'alpha'],
      [2, 'beta'],
    ] as const)
      await insert('reporting_ocp_clusters', {
        uuid: uuidOf(index),
        cluster_id: `c-${index}`,
        cluster_alias: alias,
        provider_id: uuidOf(index),
      });
    const values: [string, string, string[], string[]][] = [
      ['app', 'cart', ['c-1'], ['web', 'lab-1']],
      ['app', 'catalog', ['c-2'], ['lab-1']],
      ['app', 'bazaar', ['c-1', 'c-2'], ['shop']],
    ];
    for (const [key, value, clusters, namespaces] of values)
      await client.query(
        `insert into reporting_ocptags_values (uuid, key, value, cluster_ids, cluster_aliases, namespaces, nodes)
         values (gen_random_uuid(), $1, $2, $3::text[],
             array(select cluster_alias from reporting_ocp_clusters where cluster_id = any($3::text[])), $4, '{}')`,
        [key, value, clusters, namespaces],
      );
  });
});

function uuidOf(index: number): string {
  return `${index}1111111-1111-1111-1111-111111111111`;
}

interface Asked {
  status: number;
  data?: unknown;
}

async function ask(pathAndQuery: string, access?: AccessLists): Promise<Asked> {
  try {
    const answer = await inTenantTransaction(database.pool, database.schema, (client) =>
      answerOn(client, `/api/cost-management/v1/tags/openshift/${pathAndQuery}`, {
        today: '2026-11-28',
        ...(access === undefined ? {} : { access }),
      }),
    );
    return { status: 200, data: (answer as { data: unknown }).data };
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status };
    throw error;
  }
}

test.for([
  ['nothing else', '', ['bazaar', 'cart', 'catalog']],
  ['a project', '&filter[project]=we', ['cart']],
  ['one of two projects', '&filter[project]=we,shop', ['bazaar', 'cart']],
  ['any project', '&filter[project]=*', ['bazaar', 'cart', 'catalog']],
  ['a project that nobody has', '&filter[project]=zzzz', []],
  ['a cluster by its id', '&filter[cluster]=c-2', ['bazaar', 'catalog']],
  ['a cluster by its alias', '&filter[cluster]=alph', ['bazaar', 'cart']],
  ['a category', '&filter[category]=team', ['cart', 'catalog']],
  ['a project and a category', '&filter[category]=team&filter[project]=web', ['cart']],
  ['the key', '&filter[key]=ap', ['bazaar', 'cart', 'catalog']],
  ['another key', '&filter[key]=other', []],
  ['keys that are not enabled', '&filter[enabled]=false', []],
] as const)('values that contain a text are filtered by %s', async ([, query, values]) => {
  expect(await ask(`app/?filter[value]=a${query}`)).toEqual({ status: 200, data: values });
});

test('access lists and filters are both kept', async () => {
  const access = accessLists({ cluster: ['alpha'], node: [], project: ['web', 'lab-1'] });
  expect(await ask('app/?filter[value]=a', access)).toEqual({ status: 200, data: ['cart'] });
  expect(await ask('app/?filter[value]=a&filter[project]=shop', access)).toEqual({ status: 403 });
});

test('values have no type', async () => {
  expect(await ask('app/?filter[value]=a&filter[type]=pod')).toEqual({ status: 400 });
});

test.for([
  ['an enabled key without values in the range', 'idle/', { status: 200, data: [] }],
  ['a key that is not enabled', 'off/', { status: 200, data: [] }],
  ['a key that is mapped to another', 'child/', { status: 200, data: [] }],
  ['an enabled key without such a value', 'idle/?filter[value]=a', { status: 200, data: [] }],
  ['an unknown key', 'nokey/', { status: 404 }],
  ['a value of an unknown key', 'nokey/?filter[value]=a', { status: 404 }],
] as const)('%s', async ([, path, expected]) => {
  expect(await ask(path)).toEqual(expected);
});
