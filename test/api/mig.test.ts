import { parse } from 'csv-parse/sync';
import { beforeAll, expect, test } from 'vitest';
import { accessLists } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { insertRow, loadGoldenTables } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/* Instances of GPUs in MIG mode (API §4.6): a row per profile and instance, without costs. */

const table = 'reporting_ocp_gpu_summary_p';
const path = '/api/cost-management/v1/reports/openshift/gpu/mig_profiles/';
const sourceUuid = '11111111-1111-1111-1111-111111111111';
let database: TestDatabase;

/** A day of an H100 in MIG mode of node g1. */
const h100 = {
  cluster_id: 'c-1',
  cluster_alias: 'alpha',
  source_uuid: sourceUuid,
  usage_start: '2026-11-01',
  usage_end: '2026-11-01',
  namespace: 'ai',
  node: 'g1',
  vendor_name: 'nvidia',
  model_name: 'H100',
  memory_capacity_gb: 85.9,
  gpu_mode: 'MIG',
  mig_profile: '1g.10gb',
  mig_instance_id: 'MIG-b',
  mig_slice_count: 1,
  gpu_max_slices: 7,
  gpu_uuid: 'GPU-1',
  cost_model_gpu_cost: 5,
};

const stored = [
  h100,
  // The same instance in another project and rate type: one row, and the greatest of 1 and NULL, of 7 and 4.
  {
    ...h100,
    namespace: 'lab',
    cost_model_rate_type: 'Supplementary',
    mig_slice_count: null,
    gpu_max_slices: 4,
  },
  { ...h100, mig_instance_id: 'MIG-c', mig_profile: '3g.40gb', mig_slice_count: 3 },
  { ...h100, mig_instance_id: 'MIG-a' },
  {
    ...h100,
    usage_start: '2026-11-02',
    usage_end: '2026-11-02',
    mig_instance_id: 'MIG-c',
    mig_profile: '3g.40gb',
  },
  // Neither is a MIG instance.
  { ...h100, mig_profile: null, mig_instance_id: '', gpu_mode: 'dedicated', gpu_uuid: 'GPU-2' },
  { ...h100, mig_profile: '', mig_instance_id: '', gpu_mode: 'dedicated', gpu_uuid: 'GPU-3' },
  // A profile with more words, one that cannot be read, and an instance without a name.
  {
    ...h100,
    node: 'g2',
    model_name: 'A100',
    mig_profile: '1g.5gb+me',
    mig_instance_id: 'MIG-d',
    mig_slice_count: null,
  },
  {
    ...h100,
    node: 'g2',
    model_name: 'A100',
    mig_profile: 'all',
    mig_instance_id: null,
    mig_slice_count: null,
  },
  { ...h100, node: 'g3', cluster_id: 'c-2', cluster_alias: 'beta', mig_instance_id: 'MIG-e' },
];

beforeAll(async () => {
  database = await createTestDatabase();
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    await client.query('set local session_replication_role = replica');
    for (const row of stored) await insertRow(client, table, row);
  });
});

interface MigAnswer {
  meta: Record<string, unknown>;
  data: { date: string; mig_profiles: { mig_profile: string; values: Record<string, unknown>[] }[] }[];
}

async function ask(query: string, options: { access?: AccessLists; accept?: string } = {}): Promise<unknown> {
  const url = `${path}?${query}`;
  return inTenantTransaction(database.pool, database.schema, (client) =>
    answerOn(client, url, { today: '2026-11-28', ...options }),
  );
}

const ofVendor = 'filter[gpu_vendor]=nvidia&filter[gpu_model]=*';
const firstDay = 'start_date=2026-11-01&end_date=2026-11-01';
const twoDays = 'start_date=2026-11-01&end_date=2026-11-02';
const onG1 = `${ofVendor}&filter[node]=g1`;

const ofH100 = {
  gpu_vendor: 'nvidia',
  gpu_model: 'H100',
  node: 'g1',
  gpu_name: 'nvidia_H100_g1',
  gpu_max_slices: 7,
};

test('a row per profile and instance, profiles ascending, with nothing of costs', async () => {
  const { meta, data } = (await ask(`${onG1}&${twoDays}`)) as MigAnswer;
  // The two numbers of 1g.10gb are 1 and 10; a GPU has 7 slices, of which the instance has 1.
  const small = {
    ...ofH100,
    date: '2026-11-01',
    mig_profile: '1g.10gb',
    compute: { value: 1, units: 'g' },
    memory: { value: 10, units: 'gb' },
    mig_slice_count: 1,
  };
  const large = {
    ...ofH100,
    mig_profile: '3g.40gb',
    mig_id: 'MIG-c',
    compute: { value: 3, units: 'g' },
    memory: { value: 40, units: 'gb' },
  };
  expect(data).toEqual([
    {
      date: '2026-11-01',
      mig_profiles: [
        {
          mig_profile: '1g.10gb',
          values: [
            { ...small, mig_id: 'MIG-a' },
            { ...small, mig_id: 'MIG-b' },
          ],
        },
        { mig_profile: '3g.40gb', values: [{ ...large, date: '2026-11-01', mig_slice_count: 3 }] },
      ],
    },
    {
      date: '2026-11-02',
      // Its row of that day says 1.
      mig_profiles: [
        { mig_profile: '3g.40gb', values: [{ ...large, date: '2026-11-02', mig_slice_count: 1 }] },
      ],
    },
  ]);
  expect(meta).toMatchObject({ count: 2, total: {} });
  expect(meta['total']).toEqual({});
  expect(meta).not.toHaveProperty('others');
});

test('a profile that cannot be read has no numbers, an instance without a name none', async () => {
  const { data } = (await ask(`${ofVendor}&filter[node]=g2&${firstDay}`)) as MigAnswer;
  const rows = data[0]?.mig_profiles.map(({ values: [row] }) => row);
  expect(rows).toMatchObject([
    {
      mig_profile: '1g.5gb+me',
      mig_id: 'MIG-d',
      compute: { value: 1 },
      memory: { value: 5 },
      mig_slice_count: null,
    },
    { mig_profile: 'all', mig_id: null, compute: { value: null }, memory: { value: null } },
  ]);
});

test('a limit keeps the first instances of the range by profile and id, and shows no others', async () => {
  // By profile and id: MIG-a, MIG-b, MIG-c; two of three are kept, on the day on which they are there.
  const { meta, data } = (await ask(`${onG1}&${twoDays}&filter[limit]=2`)) as MigAnswer;
  expect(meta).toMatchObject({ others: 1, count: 2, total: {} });
  expect(data).toMatchObject([
    {
      date: '2026-11-01',
      mig_profiles: [{ mig_profile: '1g.10gb', values: [{ mig_id: 'MIG-a' }, { mig_id: 'MIG-b' }] }],
    },
    { date: '2026-11-02', mig_profiles: [] },
  ]);
  expect(data[0]?.mig_profiles[0]?.values[0]).toMatchObject({
    clusters: ['alpha'],
    source_uuid: [sourceUuid],
  });
  // Two clusters: of 1g.10gb MIG-a, MIG-b and MIG-e come before any 3g.40gb, whatever cluster they are in.
  const ofH100s = 'filter[gpu_vendor]=nvidia&filter[gpu_model]=H100&filter[node]=*';
  const byCluster = await ask(`${ofH100s}&${firstDay}&filter[limit]=3&group_by[cluster]=*`);
  expect(byCluster).toMatchObject({
    meta: { others: 1 },
    data: [
      {
        clusters: [
          { cluster: 'c-1', mig_profiles: [{ values: [{ mig_id: 'MIG-a' }, { mig_id: 'MIG-b' }] }] },
          { cluster: 'c-2', mig_profiles: [{ values: [{ mig_id: 'MIG-e' }] }] },
        ],
      },
    ],
  });
});

test('groups are around the profiles; a group by project has no effect', async () => {
  const query = `${ofVendor}&filter[node]=*&${firstDay}`;
  expect(await ask(`${query}&group_by[node]=*&order_by[node]=desc`)).toMatchObject({
    data: [
      {
        nodes: [
          { node: 'g3', mig_profiles: [{ mig_profile: '1g.10gb' }] },
          { node: 'g2', mig_profiles: [{ mig_profile: '1g.5gb+me' }, { mig_profile: 'all' }] },
          { node: 'g1', mig_profiles: [{ mig_profile: '1g.10gb' }, { mig_profile: '3g.40gb' }] },
        ],
      },
    ],
  });
  const { data } = (await ask(`${query}&group_by[project]=*`)) as MigAnswer;
  expect(data).toEqual(((await ask(query)) as MigAnswer).data);
});

test('the CSV has the same rows, without costs', async () => {
  const text = String(await ask(`${onG1}&${firstDay}`, { accept: 'text/csv' }));
  const rows = parse<Record<string, string>>(text, { columns: true });
  expect(rows.map((row) => row['mig_id'])).toEqual(['MIG-a', 'MIG-b', 'MIG-c']);
  expect(rows[2]).toEqual({
    compute: '3',
    date: '2026-11-01',
    gpu_max_slices: '7',
    gpu_model: 'H100',
    gpu_name: 'nvidia_H100_g1',
    gpu_vendor: 'nvidia',
    memory: '40',
    mig_compute_units: 'g',
    mig_id: 'MIG-c',
    mig_memory_units: 'gb',
    mig_profile: '3g.40gb',
    mig_slice_count: '3',
    node: 'g1',
  });
});

test('access lists hold', async () => {
  const access = accessLists({ cluster: ['beta'], node: [], project: [] });
  const { data } = (await ask(`${ofVendor}&filter[node]=*&${firstDay}`, { access })) as MigAnswer;
  expect(data).toMatchObject([{ mig_profiles: [{ mig_profile: '1g.10gb', values: [{ mig_id: 'MIG-e' }] }] }]);
});

test('without instances each day has an empty list of profiles', async () => {
  expect(await ask(`${ofVendor}&filter[node]=nowhere&${firstDay}`)).toMatchObject({
    meta: { total: {} },
    data: [{ date: '2026-11-01', mig_profiles: [] }],
  });
});

test('the eight instances of the golden cluster, day by day', async () => {
  const golden = await createTestDatabase();
  const answer = (await inTenantTransaction(golden.pool, golden.schema, async (client) => {
    await loadGoldenTables(client, 'small');
    const days = 'start_date=2026-10-01&end_date=2026-10-03';
    return answerOn(client, `${path}?${ofVendor}&filter[node]=mig&${days}`, { today: '2026-11-23' });
  })) as MigAnswer;
  const shown = answer.data.map(({ mig_profiles }) =>
    mig_profiles.map(({ mig_profile, values }) => [mig_profile, values.length]),
  );
  // 2 + 3 of 1g.10gb on the H100s and A100s, one each of the others: the eight rows of the table for the day.
  const day = [
    ['1g.10gb', 5],
    ['2g.20gb', 1],
    ['3g.40gb', 1],
    ['4g.40gb', 1],
  ];
  expect(shown).toEqual([day, day, day]);
});
