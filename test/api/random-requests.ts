import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { fullAccess } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { reports } from '../../api/reports.ts';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { answerOn } from '../support/api-call.ts';
import { loadGoldenTables } from '../support/api-fixtures.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { goldenTables } from '../support/golden.ts';

export const today = '2026-11-23';
export const seed = 20261128;

/** Tables of which a second cluster gets the rows, with nodes of its own. */
const copied = goldenTables.filter((table) => (summaryTableNames as readonly string[]).includes(table));

/** A database with the golden tables of one cluster, and with a second one. */
export async function twoClusters(): Promise<TestDatabase> {
  const database = await createTestDatabase();
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
  return database;
}

export interface Row {
  date: string;
  names: Record<string, string>;
  cost: Record<string, { value: number }>;
  infrastructure: Record<string, { value: number }>;
  supplementary: Record<string, { value: number }>;
  usage?: { value: number };
  /** machines have one `cluster` instead */
  clusters?: string[];
  [field: string]: unknown;
}

export interface Answer {
  meta: { total: Row; others?: number; count: number };
  data: Record<string, unknown>[];
}

export async function asking(
  client: PoolClient,
  url: string,
  access: AccessLists = fullAccess,
): Promise<Answer> {
  return (await answerOn(client, url, { today, access })) as Answer;
}

const projects = ['Paris', 'London', 'llm-serving', 'Worker unallocated', 'kube-system'];
const nodes = ['compute_1', 'compute_3', 'compute_mig', 'compute_1-b', 'master_1'];
const clusters = ['small-onprem', 'second'];
export const names = { project: projects, node: nodes, cluster: clusters };

const groupsOf = {
  costs: ['project', 'node', 'cluster', 'storageclass', 'tag:application'],
  compute: ['project', 'node', 'cluster', 'storageclass', 'tag:application'],
  memory: ['project', 'node', 'cluster', 'storageclass', 'tag:application'],
  volumes: ['project', 'node', 'cluster', 'storageclass', 'persistentvolumeclaim', 'tag:application'],
  gpu: ['project', 'node', 'cluster', 'gpu_model'],
  vms: [],
} as const;

export const projectFilter = fc.tuple(
  fc.constantFrom('filter[project]', 'exclude[project]'),
  fc.constantFrom('on', 'llm', 'a', 'Paris'),
);
export const nodeFilter = fc.tuple(
  fc.constantFrom('filter[exact:node]', 'exclude[exact:node]'),
  fc.constantFrom(...nodes),
);
export const clusterFilter = fc.tuple(
  fc.constantFrom('filter[cluster]', 'exclude[cluster]'),
  fc.constantFrom(...clusters),
);
export const claimFilter = fc.tuple(
  fc.constantFrom('filter[persistentvolumeclaim]', 'exclude[persistentvolumeclaim]'),
  fc.constantFrom('a', 'data'),
);
export const someProjects = fc.tuple(
  fc.constantFrom('filter[or:project]', 'filter[and:project]'),
  fc.constant('o,n'),
);
const labelFilter = fc.tuple(
  fc.constantFrom('filter[tag:app]', 'exclude[tag:app]'),
  fc.constantFrom('*', 'a', 'OpenCart'),
);

/** The golden days of October, as dates or counted back from {@link today}; with days, a month is no resolution. */
export const rangeAndResolution = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      'start_date=2026-10-01&end_date=2026-10-01',
      'start_date=2026-10-01&end_date=2026-10-03',
      'start_date=2026-10-02&end_date=2026-10-03',
      'filter[time_scope_units]=month&filter[time_scope_value]=-2',
    ),
    fc.boolean(),
  ),
  fc.constant(['filter[time_scope_units]=day&filter[time_scope_value]=-90', false] as const),
);
export const order = fc.constantFrom(undefined, 'order_by[cost]=asc', 'order_by[cost]=desc');

type ReportName = keyof typeof groupsOf;

/** Machines are reported by month. */
const ofMachines: [string, boolean] = ['filter[time_scope_units]=month&filter[time_scope_value]=-2', false];

const groupsFrom = (fields: readonly string[]) =>
  fc.uniqueArray(fc.constantFrom(...fields), { maxLength: 2 });

/** A request of a report: groups, filters, exclusions, an order and days, as parameters. */
export const request = fc.constantFrom(...(Object.keys(groupsOf) as ReportName[])).chain((report) =>
  fc.record({
    report: fc.constant(report),
    groups: report === 'vms' ? fc.constant<string[]>([]) : groupsFrom(groupsOf[report]),
    filters: fc.array(
      fc.oneof(
        projectFilter,
        nodeFilter,
        clusterFilter,
        someProjects,
        // The report of GPUs leaves labels out of account.
        ...(report === 'gpu' ? [] : [labelFilter]),
      ),
      { maxLength: 2 },
    ),
    rangeAndResolution: report === 'vms' ? fc.constant(ofMachines) : rangeAndResolution,
    order,
  }),
);

export type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

export function urlOf(
  asked: Omit<Request, 'filters'> & { filters: readonly (readonly [string, string])[] },
  more: readonly string[] = [],
): string {
  const { report, groups, filters, order: by } = asked;
  const [range, isMonthly] = asked.rangeAndResolution;
  const parameters = [
    ...groups.map((group) => `group_by[${group}]=*`),
    ...filters.map(([name, value]) => `${name}=${value}`),
    range,
    ...(isMonthly ? ['filter[resolution]=monthly'] : []),
    ...(by === undefined ? [] : [by]),
    ...more,
  ];
  return `/api/cost-management/v1/${reports[report].path}?${parameters.join('&')}`;
}
