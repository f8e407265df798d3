import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { fullAccess } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { differences, loadGoldenTables } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const today = '2026-11-23';
const runs = 40;
let database: TestDatabase;

/** Tables of which a second cluster gets half the rows' money and nodes of its own. */
const copied = [
  'reporting_ocpusagelineitem_daily_summary',
  'reporting_ocp_cost_summary_p',
  'reporting_ocp_cost_summary_by_node_p',
  'reporting_ocp_cost_summary_by_project_p',
  'reporting_ocp_pod_summary_p',
  'reporting_ocp_pod_summary_by_node_p',
  'reporting_ocp_pod_summary_by_project_p',
  'reporting_ocp_volume_summary_p',
  'reporting_ocp_volume_summary_by_project_p',
];

beforeAll(async () => {
  database = await createTestDatabase();
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    await loadGoldenTables(client, 'small_cm');
    for (const table of copied)
      await client.query(
        `insert into ${table}
         select (jsonb_populate_record(null::${table}, to_jsonb(t) || jsonb_build_object(
             'id', gen_random_uuid(), 'uuid', gen_random_uuid(), 'cluster_id', 'second', 'cluster_alias', null,
             'node', to_jsonb(t) ->> 'node' || '-b', 'source_uuid', '22222222-2222-2222-2222-222222222222'
         ))).*
         from ${table} as t`,
      );
  });
});

interface Row {
  date: string;
  names: Record<string, string>;
  cost: Record<string, { value: number }>;
  infrastructure: Record<string, { value: number }>;
  supplementary: Record<string, { value: number }>;
  usage?: { value: number };
  clusters: string[];
  [field: string]: unknown;
}

interface Answer {
  meta: { total: Row; others?: number; count: number };
  data: Record<string, unknown>[];
}

/** The rows of an answer, out of their nests. */
function rowsOf(answer: Answer): Row[] {
  const inside = (level: Record<string, unknown>): Row[] => {
    if (Array.isArray(level['values'])) return level['values'] as Row[];
    const list = Object.entries(level).find(([name, value]) => name.endsWith('s') && Array.isArray(value));
    return ((list?.[1] ?? []) as Record<string, unknown>[]).flatMap(inside);
  };
  return answer.data.flatMap(inside);
}

function sumOf(rows: readonly Row[], value: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + value(row), 0);
}

const projects = ['Paris', 'London', 'llm-serving', 'Worker unallocated', 'kube-system'];
const nodes = ['compute_1', 'compute_3', 'compute_mig', 'compute_1-b', 'master_1'];
const clusters = ['small-onprem', 'second'];
const names = { project: projects, node: nodes, cluster: clusters };

/** A request of a report: groups, filters, exclusions, an order and days, as parameters. */
const request = fc.record({
  report: fc.constantFrom('costs', 'compute', 'memory', 'volumes'),
  groups: fc.uniqueArray(fc.constantFrom('project', 'node', 'cluster', 'storageclass', 'tag:application'), {
    maxLength: 2,
  }),
  filters: fc.array(
    fc.oneof(
      fc.tuple(
        fc.constantFrom('filter[project]', 'exclude[project]'),
        fc.constantFrom('on', 'llm', 'a', 'Paris'),
      ),
      fc.tuple(fc.constantFrom('filter[exact:node]', 'exclude[exact:node]'), fc.constantFrom(...nodes)),
      fc.tuple(fc.constantFrom('filter[cluster]', 'exclude[cluster]'), fc.constantFrom(...clusters)),
      fc.tuple(fc.constantFrom('filter[or:project]', 'filter[and:project]'), fc.constant('o,n')),
      fc.tuple(fc.constantFrom('filter[tag:app]', 'exclude[tag:app]'), fc.constantFrom('*', 'a', 'OpenCart')),
    ),
    { maxLength: 2 },
  ),
  days: fc.constantFrom(['01', '01'], ['01', '03'], ['02', '03']),
  monthly: fc.boolean(),
  order: fc.constantFrom(undefined, 'order_by[cost]=asc', 'order_by[infrastructure]=desc'),
});

type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

function urlOf(asked: Request, more: readonly string[] = []): string {
  const [first, last] = asked.days;
  const parameters = [
    ...asked.groups.map((group) => `group_by[${group}]=*`),
    ...asked.filters.map(([name, value]) => `${name}=${value}`),
    `start_date=2026-10-${first}`,
    `end_date=2026-10-${last}`,
    ...(asked.monthly ? ['filter[resolution]=monthly'] : []),
    ...(asked.order === undefined ? [] : [asked.order]),
    ...more,
  ];
  return `/api/cost-management/v1/reports/openshift/${asked.report}/?${parameters.join('&')}`;
}

async function holds(property: (client: PoolClient, asked: Request) => Promise<void>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(request, (asked) =>
      inTenantTransaction(database.pool, database.schema, (client) => property(client, asked)),
    ),
    { numRuns: runs, seed: 20261128 },
  );
}

async function asking(client: PoolClient, url: string, access: AccessLists = fullAccess): Promise<Answer> {
  return (await answerOn(client, url, { today, access })) as Answer;
}

const sums: readonly (readonly [string, (row: Row) => number])[] = [
  ['cost.total', (row) => row.cost['total']?.value ?? 0],
  ['infrastructure.total', (row) => row.infrastructure['total']?.value ?? 0],
  ['supplementary.usage', (row) => row.supplementary['usage']?.value ?? 0],
  ['usage', (row) => row.usage?.value ?? 0],
];

function expectSum(rows: readonly Row[], total: Row, what: string): void {
  for (const [name, value] of sums)
    expect(differences(sumOf(rows, value), value(total)), `${what}: ${name}`).toEqual([]);
}

test('the sum of the rows is the total', async () => {
  await holds(async (client, asked) => {
    const url = urlOf(asked);
    const answer = await asking(client, url);
    expectSum(rowsOf(answer), answer.meta.total, url);
  });
});

test('what a ranking shows and the others together are everything, on every day', async () => {
  await holds(async (client, asked) => {
    if (asked.groups.length === 0) return;
    const all = await asking(client, urlOf(asked));
    const url = urlOf(asked, ['filter[limit]=2']);
    const ranked = await asking(client, url);
    expectSum(rowsOf(ranked), all.meta.total, url);
    for (const { date } of all.data) {
      const ofDay = (answer: Answer) => rowsOf(answer).filter((row) => row.date === date);
      for (const [name, value] of sums)
        expect(
          differences(sumOf(ofDay(ranked), value), sumOf(ofDay(all), value)),
          `${url} ${String(date)} ${name}`,
        ).toEqual([]);
    }
  });
});

test('the tables of the user interface and the daily summary give the same', async () => {
  await holds(async (client, asked) => {
    // No restriction, but a key that only the daily summary has.
    const small = await asking(client, urlOf(asked));
    const daily = await asking(client, urlOf(asked, ['filter[storageclass]=*']));
    const without = ({ data, meta }: Answer) => ({ data, total: meta.total });
    expect(differences(without(small), without(daily)), urlOf(asked)).toEqual([]);
  });
});

test('no answer holds anything outside the access lists, and it equals the answer to exact filters', async () => {
  await fc.assert(
    fc.asyncProperty(
      request,
      fc.constantFrom('project', 'node', 'cluster'),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (asked, kind, count, ranked) =>
        inTenantTransaction(database.pool, database.schema, async (client) => {
          const list = names[kind].slice(0, count);
          // A filter that names something outside is refused, which another test shows.
          const plain = asked.filters.filter(([name]) => name.startsWith('exclude') || name.includes('tag:'));
          const more = ranked && asked.groups.length > 0 ? ['filter[limit]=1'] : [];
          const url = urlOf({ ...asked, filters: plain }, more);
          const answer = await asking(client, url, { ...fullAccess, [kind]: list });
          for (const row of rowsOf(answer)) {
            const shown = row[kind] as string | undefined;
            const id = shown === 'my-ocp-cluster-small' ? 'small-onprem' : shown;
            if (id !== undefined && !id.startsWith('Other')) expect(list, url).toContain(id);
            if (kind === 'cluster') for (const cluster of row.clusters) expect(list, url).toContain(cluster);
          }
          expectSum(rowsOf(answer), answer.meta.total, url);
          const exact = `filter[exact:${kind}]=${list.map(encodeURIComponent).join(',')}`;
          const filtered = await asking(client, urlOf({ ...asked, filters: plain }, [...more, exact]));
          expect(differences(answer.data, filtered.data), url).toEqual([]);
          expect(differences(answer.meta.total, filtered.meta.total), url).toEqual([]);
        }),
    ),
    { numRuns: runs, seed: 20261128 },
  );
});

test('CSV and JSON agree', async () => {
  await holds(async (client, asked) => {
    const url = urlOf(asked, ['limit=0']);
    const rows = rowsOf(await asking(client, url));
    const text = (await answerOn(client, url, { today, accept: 'text/csv' })) as string;
    const csv = parse<Record<string, string>>(text, { columns: true });
    expect(csv).toHaveLength(rows.length);
    const key = (row: Record<string, unknown>) =>
      [
        row['date'],
        ...asked.groups.map((group) => String(row[group.replace('tag:', '')]).replace(/^No-.*/, '')),
      ].join('|');
    const flat = (row: Row) => ({
      cost_total: row.cost['total']?.value,
      cost_raw: row.cost['raw']?.value,
      infra_total: row.infrastructure['total']?.value,
      ...(row.usage === undefined ? {} : { usage: row.usage.value }),
      clusters: row.clusters,
    });
    const found = new Map(
      csv.map((row) => [
        key(row),
        {
          cost_total: Number(row['cost_total']),
          cost_raw: Number(row['cost_raw']),
          infra_total: Number(row['infra_total']),
          ...(row['usage'] === undefined ? {} : { usage: Number(row['usage']) }),
          clusters: Object.keys(row)
            .filter((name) => name.startsWith('clusters.') && row[name] !== '')
            .map((name) => row[name]),
        },
      ]),
    );
    for (const row of rows)
      expect(differences(found.get(key(row)), flat(row)), `${url} ${key(row)}`).toEqual([]);
  });
});
