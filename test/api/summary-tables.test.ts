import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { beforeAll, expect, test, vi } from 'vitest';
import { fullAccess } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { reports } from '../../api/reports.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { differences } from '../support/api-fixtures.ts';
import type { TestDatabase } from '../support/database.ts';
import {
  asking,
  claimFilter,
  clusterFilter,
  names,
  nodeFilter,
  order,
  projectFilter,
  rangeAndResolution,
  seed,
  someProjects,
  twoClusters,
  urlOf,
} from './random-requests.ts';
import type { Answer } from './random-requests.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await twoClusters();
});

/** Every table of the user interface with each set of keys that it answers. */
const ofTables = (['costs', 'compute', 'memory', 'volumes'] as const).flatMap((report) =>
  reports[report].tables.flatMap(({ name, keySets }) =>
    keySets.map((keys) => ({ report, table: name, keys: keys.split(',').filter((key) => key !== '') })),
  ),
);

const filterOn: Readonly<Record<string, fc.Arbitrary<[string, string]>>> = {
  project: fc.oneof(projectFilter, someProjects),
  node: nodeFilter,
  cluster: clusterFilter,
  persistentvolumeclaim: claimFilter,
};

test.for(ofTables)('$table gives what the daily summary gives: $report by $keys', async (of) => {
  const { report, table, keys } = of;
  // Each key is a group, a filter, an access list, or several of these; two groups at most. Costs by project are only
  // read from their table if the project is a group.
  const use = fc.record({
    isGroup: fc.boolean(),
    isList: fc.boolean(),
    isFilter: fc.boolean(),
    listed: fc.integer({ min: 1, max: 3 }),
  });
  const asked = fc.record({
    uses: fc.array(use, { minLength: keys.length, maxLength: keys.length }),
    filters: fc.tuple(...keys.map((key) => filterOn[key] ?? fc.constant<[string, string]>(['', '']))),
    rangeAndResolution,
    order,
    limit: fc.constantFrom(undefined, 1, 2),
  });
  await fc.assert(
    fc.asyncProperty(asked, (drawn) =>
      inTenantTransaction(database.pool, database.schema, async (client) => {
        const groups = keys
          .filter(
            (key, index) => drawn.uses[index]?.isGroup === true || (report === 'costs' && key === 'project'),
          )
          .slice(0, 2);
        const listed = keys.filter((key, index) => key in names && drawn.uses[index]?.isList === true);
        const access = {
          ...fullAccess,
          ...Object.fromEntries(
            listed.map((key) => [
              key,
              names[key as keyof typeof names].slice(0, drawn.uses[keys.indexOf(key)]?.listed ?? 1),
            ]),
          ),
        };
        // A filter that names something outside of a list is refused, which another test shows.
        const filters = drawn.filters.filter(
          ([name], index) =>
            (!listed.includes(keys[index] ?? '') || name.startsWith('exclude')) &&
            (drawn.uses[index]?.isFilter === true ||
              (!groups.includes(keys[index] ?? '') && !listed.includes(keys[index] ?? ''))),
        );
        const used = keys.every(
          (key, index) =>
            groups.includes(key) ||
            listed.includes(key) ||
            filters.includes(drawn.filters[index] ?? ['', '']),
        );
        expect(used).toBe(true);
        const limit =
          drawn.limit === undefined || groups.length === 0 ? [] : [`filter[limit]=${drawn.limit}`];
        const url = urlOf({ ...drawn, report, groups, filters }, limit);
        const small = await readFrom(client, url, access);
        // No restriction, but a key that only the daily summary has.
        const daily = await readFrom(client, `${url}&filter[storageclass]=*`, access);
        expect([small.reads(table), daily.reads(table)], url).toEqual([true, false]);
        const without = ({ data, meta }: Answer) => ({ data, total: meta.total, others: meta.others });
        expect(differences(without(small.answer), without(daily.answer)), url).toEqual([]);
      }),
    ),
    { numRuns: 8, seed },
  );
});

/** An answer, and which tables its statements read. */
async function readFrom(client: PoolClient, url: string, access: AccessLists) {
  const query = vi.spyOn(client, 'query');
  try {
    const answer = await asking(client, url, access);
    const sql = JSON.stringify(query.mock.calls);
    return { answer, reads: (table: string) => sql.includes(`from ${table} as t`) };
  } finally {
    query.mockRestore();
  }
}
