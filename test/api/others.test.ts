import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { insertRow } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/*
 * Elements of a nesting, and their order: the sum of others beside a project of that name, and the values of one day.
 */

const path = '/api/cost-management/v1/reports/openshift/costs/';
let database: TestDatabase;

const stored: [day: string, project: string | null, cost: number][] = [
  ['2026-11-01', 'Others', 50],
  ['2026-11-01', 'web', 30],
  ['2026-11-01', 'lab', 20],
  ['2026-11-01', 'shop', 1],
  ['2026-11-01', null, 2],
  ['2026-11-01', 'No-project', 3],
  // Over the month: Others 60, lab 22, web 31, shop 100, without a name 2, No-project 3.
  ['2026-11-20', 'Others', 10],
  ['2026-11-20', 'lab', 2],
  ['2026-11-20', 'web', 1],
  ['2026-11-21', 'shop', 99],
];

beforeAll(async () => {
  database = await createTestDatabase();
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    await client.query('set local session_replication_role = replica');
    for (const [day, namespace, cost] of stored)
      await insertRow(client, 'reporting_ocp_cost_summary_by_project_p', {
        cluster_id: 'c-1',
        cluster_alias: 'alpha',
        source_uuid: '11111111-1111-1111-1111-111111111111',
        usage_start: day,
        usage_end: day,
        namespace,
        infrastructure_raw_cost: cost,
      });
  });
});

interface Project {
  project: string;
  values?: { default_project?: string | null; cost: { total: { value: number } } }[];
  clusters?: { cluster: string; values: Project['values'] }[];
}

async function ask(query: string): Promise<Project[]> {
  const answer = await inTenantTransaction(database.pool, database.schema, (client) =>
    answerOn(client, `${path}?${query}`, { today: '2026-11-28' }),
  );
  return (answer as { data: { projects: Project[] }[] }).data[0]?.projects ?? [];
}

const firstDay = 'start_date=2026-11-01&end_date=2026-11-01&group_by[project]=*';
const month = 'filter[time_scope_value]=-1&group_by[project]=*';
const shown = (projects: readonly Project[]) =>
  projects.map(({ project, values, clusters }) => [
    project,
    ...(values ?? clusters?.flatMap((cluster) => cluster.values ?? []) ?? []).map(
      ({ cost }) => cost.total.value,
    ),
  ]);

test('a project named Others is beside the sum of the others, which is last', async () => {
  // Kept: Others 50, web 30; the rest is 20 + 1 + 2 + 3 = 26.
  const projects = await ask(`${firstDay}&filter[limit]=2`);
  expect(shown(projects)).toEqual([
    ['Others', 50],
    ['web', 30],
    ['Others', 26],
  ]);
  expect(projects.map(({ values }) => values?.[0]?.default_project)).toEqual([null, null, 'False']);
});

test('the same with two groups', async () => {
  const projects = await ask(`${firstDay}&group_by[cluster]=*&filter[limit]=2`);
  expect(shown(projects)).toEqual([
    ['Others', 50],
    ['web', 30],
    ['Others', 26],
  ]);
  expect(projects.map(({ clusters }) => clusters?.map(({ cluster }) => cluster))).toEqual([
    ['c-1'],
    ['c-1'],
    ['Others'],
  ]);
});

test('a project named No-project is beside what has no project', async () => {
  expect(shown(await ask(`${firstDay}&filter[limit]=6`))).toEqual([
    ['Others', 50],
    ['web', 30],
    ['lab', 20],
    ['No-project', 3],
    ['No-project', 2],
    ['shop', 1],
  ]);
});

test('by the values of one day, in an answer by month', async () => {
  // On the 20th: Others 10, lab 2, web 1. Those absent follow by their values of the month.
  expect(shown(await ask(`${month}&order_by[date]=2026-11-20`))).toEqual([
    ['Others', 60],
    ['lab', 22],
    ['web', 31],
    ['shop', 100],
    ['No-project', 3],
    ['No-project', 2],
  ]);
  // Ranked by the month: shop, Others, web, of which the 20th has two; the rest is 22 + 3 + 2 = 27.
  expect(shown(await ask(`${month}&order_by[date]=2026-11-20&filter[limit]=3`))).toEqual([
    ['Others', 60],
    ['web', 31],
    ['shop', 100],
    ['Others', 27],
  ]);
  // Without data on the day, the usual order.
  expect(shown(await ask(`${month}&order_by[date]=2026-11-22`)).slice(0, 2)).toEqual([
    ['shop', 100],
    ['Others', 60],
  ]);
});
