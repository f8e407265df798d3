import { parse } from 'csv-parse/sync';
import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { insertRow } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/* Names that mean something else elsewhere in an answer: of label keys, and of projects. */

const prefix = '/api/cost-management/v1/';
const days = 'start_date=2026-11-01&end_date=2026-11-01';
const month = 'filter[time_scope_value]=-1';
let database: TestDatabase;

const row = {
  cluster_id: 'c-1',
  cluster_alias: 'alpha',
  source_uuid: '11111111-1111-1111-1111-111111111111',
  usage_start: '2026-11-01',
  usage_end: '2026-11-01',
};
const daily = { ...row, data_source: 'Pod', namespace: 'web', node: 'n1', infrastructure_raw_cost: 3 };

/** Keys of labels that a field of a row, or a list of the nesting, is called as well. */
const taken = [
  ...['date', 'cost', 'infrastructure', 'supplementary', 'usage', 'request', 'limit', 'capacity', 'score'],
  ...[
    'clusters',
    'source_uuid',
    'delta_value',
    'delta_percent',
    'classification',
    'cost_group',
    'value',
    'values',
  ],
  ...['cost_total', 'infra_raw', 'sup_usage', 'base_currency', 'exchange_rate', 'cost_units', 'usage_units'],
  ...[
    'capacity_unused',
    'request_unused_percent',
    'clusters.0',
    'score.wasted_cost.value',
    'default_project',
  ],
  ...['persistent_volume_claim', 'storage_class', 'data_transfer_in', 'cost_total_distributed'],
];
const free = [
  'application',
  'project',
  'cost.center',
  'app.kubernetes.io/name',
  'costs',
  '__proto__',
  'total',
];

beforeAll(async () => {
  database = await createTestDatabase();
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    await client.query('set local session_replication_role = replica');
    const labels = Object.fromEntries([...taken, ...free, 'projects', 'a', 'as'].map((key) => [key, 'x']));
    const all = { all_labels: labels, pod_labels: labels, volume_labels: labels };
    await insertRow(client, 'reporting_ocpusagelineitem_daily_summary', { ...daily, ...all });
    await insertRow(client, 'reporting_ocpusagelineitem_daily_summary', {
      ...daily,
      ...all,
      data_source: 'Storage',
      persistentvolumeclaim: 'claim',
      storageclass: 'fast',
    });
    await insertRow(client, 'reporting_ocpusagelineitem_daily_summary', {
      ...daily,
      ...all,
      namespace: 'Network unattributed',
    });
    for (const key of Object.keys(labels))
      await client.query(
        `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
         values (gen_random_uuid(), $1, true, 'OCP')`,
        [key],
      );
  });
});

async function ask(path: string, query: string, accept?: string): Promise<unknown> {
  return inTenantTransaction(database.pool, database.schema, (client) =>
    answerOn(client, `${prefix}${path}?${query}`, {
      today: '2026-11-28',
      ...(accept === undefined ? {} : { accept }),
    }),
  );
}

type Row = Record<string, unknown>;

/** The one row of an answer with one group, the name and the value of the group, and of its list. */
function only(answer: unknown): { list: string; group: Row; row: Row } {
  const [element = {}] = (answer as { data: Row[] }).data;
  const [list = '', groups] = Object.entries(element).find(([name]) => name !== 'date') ?? [];
  const [{ values, ...group } = {} as Row] = groups as Row[];
  return { list, group, row: (values as Row[])[0] ?? {} };
}

async function csvRow(path: string, query: string): Promise<Row> {
  const [found = {}] = parse<Row>(String(await ask(path, query, 'text/csv')), { columns: true });
  return found;
}

const reports = ['costs', 'compute', 'memory', 'volumes', 'network'].map(
  (name) => `reports/openshift/${name}/`,
);

test('no label key takes the place of a field', async () => {
  const tried = new Set<string>();
  for (const path of reports) {
    const compared = path.includes('network') ? '' : '&delta=cost';
    const by = (key: string) => `${month}&group_by[tag:${key}]=*${compared}`;
    const { application, ...fields } = only(await ask(path, by('application'))).row;
    const { application: inCsv, ...cells } = await csvRow(path, by('application'));
    expect([application, inCsv]).toEqual(['x', 'x']);
    // Nobody forgot a field of a report.
    for (const key of new Set([...taken, ...Object.keys(fields), ...Object.keys(cells)])) {
      if (tried.has(key)) continue;
      tried.add(key);
      if (!taken.includes(key)) await addKey(key);
      const { list, group, row: found } = only(await ask(path, by(key)));
      const { [`tag:${key}`]: name, ...rest } = found;
      expect({ list, group }, key).toEqual({ list: `tag:${key}s`, group: { [`tag:${key}`]: name } });
      expect(rest, key).toEqual(fields);
      const { [`tag:${key}`]: shown, ...others } = await csvRow(path, by(key));
      expect([name, shown], key).toEqual(taken.includes(key) ? ['x', 'x'] : [`No-${key}`, '']);
      expect(others, key).toEqual(cells);
    }
  }
});

async function addKey(key: string): Promise<void> {
  await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query(
      `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
       values (gen_random_uuid(), $1, true, 'OCP') on conflict do nothing`,
      [key],
    ),
  );
}

test.for(free)('the label key %s keeps its name', async (key) => {
  const {
    list,
    group,
    row: found,
  } = only(await ask('reports/openshift/costs/', `${days}&group_by[tag:${encodeURIComponent(key)}]=*`));
  expect(list).toBe(`${key}s`);
  expect(Object.entries(group)).toEqual([[key, 'x']]);
  expect(Object.entries(found).filter(([name]) => name === key)).toEqual([[key, 'x']]);
});

test('a label key named like the other group, or like its list, is told apart', async () => {
  const path = 'reports/openshift/costs/';
  const costRow = { project: 'web', 'tag:project': 'x' };
  expect(
    await ask(path, `${days}&filter[project]=web&group_by[project]=*&group_by[tag:project]=*`),
  ).toMatchObject({
    data: [{ projects: [{ project: 'web', 'tag:projects': [{ 'tag:project': 'x', values: [costRow] }] }] }],
  });
  expect(
    await ask(path, `${days}&filter[project]=web&group_by[tag:projects]=*&group_by[project]=*`),
  ).toMatchObject({
    data: [{ 'tag:projectss': [{ 'tag:projects': 'x', projects: [{ project: 'web' }] }] }],
  });
  expect(await ask(path, `${days}&group_by[tag:as]=*&group_by[tag:a]=*`)).toMatchObject({
    data: [{ 'tag:ass': [{ 'tag:as': 'x', as: [{ a: 'x', values: [{ a: 'x', 'tag:as': 'x' }] }] }] }],
  });
});
