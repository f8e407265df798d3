import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { fullAccess } from '../../api/access.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { differences } from '../support/api-fixtures.ts';
import type { TestDatabase } from '../support/database.ts';
import { asking, names, request, seed, today, twoClusters, urlOf } from './random-requests.ts';
import type { Answer, Request, Row } from './random-requests.ts';

const runs = 40;
let database: TestDatabase;

beforeAll(async () => {
  database = await twoClusters();
});

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

async function holds(property: (client: PoolClient, asked: Request) => Promise<void>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(request, (asked) =>
      inTenantTransaction(database.pool, database.schema, (client) => property(client, asked)),
    ),
    { numRuns: runs, seed },
  );
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

test.for([1, 2, 4])('the first %i and the others together are everything, on every day', async (limit) => {
  await holds(async (client, asked) => {
    if (asked.groups.length === 0) return;
    const all = await asking(client, urlOf(asked));
    const url = urlOf(asked, [`filter[limit]=${limit}`]);
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
            if (kind === 'cluster')
              for (const cluster of row.clusters ?? []) expect(list, url).toContain(cluster);
          }
          expectSum(rowsOf(answer), answer.meta.total, url);
          const exact = `filter[exact:${kind}]=${list.map(encodeURIComponent).join(',')}`;
          const filtered = await asking(client, urlOf({ ...asked, filters: plain }, [...more, exact]));
          expect(differences(answer.data, filtered.data), url).toEqual([]);
          expect(differences(answer.meta.total, filtered.meta.total), url).toEqual([]);
        }),
    ),
    { numRuns: runs, seed },
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
        // A machine, a GPU of several.
        ...['vm_name', 'node', 'gpu_model', 'gpu_vendor', 'gpu_mode'].map((name) => row[name] ?? ''),
      ].join('|');
    const found = new Map(csv.map((row) => [key(row), row]));
    for (const row of rows) {
      const flat = flatNumbers(row);
      const inCsv = found.get(key(row)) ?? {};
      const same = Object.fromEntries(Object.keys(flat).map((name) => [name, Number(inCsv[name])]));
      expect(differences(same, flat), `${url} ${key(row)}`).toEqual([]);
      const listed = Object.entries(inCsv).filter(
        ([name, value]) => name.startsWith('clusters.') && value !== '',
      );
      if (asked.report !== 'vms')
        expect(
          listed.map(([, value]) => value),
          url,
        ).toEqual(row.clusters);
    }
  });
});

/** The numbers of a row in JSON, under the names that they have in CSV (API §5.4). */
function flatNumbers(row: Row): Record<string, number> {
  const found: Record<string, number> = {};
  const add = (name: string, value: unknown) => {
    if (typeof value === 'number') found[name] = value;
  };
  for (const [name, { value }] of Object.entries(row.cost))
    add(name === 'distributed' ? 'cost_total_distributed' : `cost_${name}`, value);
  for (const name of ['usage', 'total']) {
    add(`infra_${name}`, row.infrastructure[name]?.value);
    add(`sup_${name}`, row.supplementary[name]?.value);
  }
  for (const name of ['usage', 'request', 'capacity', 'limit', 'gpu_count', 'gpu_memory']) {
    const measure = row[name] as Record<string, unknown> | undefined;
    add(name, measure?.['value']);
    add(`${name}_unused`, measure?.['unused']);
    add(`${name}_unused_percent`, measure?.['unused_percent']);
  }
  const score = row['score'] as
    { usage_efficiency_percent?: number; wasted_cost?: { value: number } } | undefined;
  add('score.usage_efficiency_percent', score?.usage_efficiency_percent);
  add('score.wasted_cost.value', score?.wasted_cost?.value);
  const vm = asVm(row);
  add('request_cpu', vm?.cpu?.value);
  add('request_memory', vm?.memory?.value);
  return found;
}

function asVm(row: Row) {
  return row['request'] as { cpu?: { value: number }; memory?: { value: number } } | undefined;
}
