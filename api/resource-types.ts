import type { ClientBase } from 'pg';
import { z } from 'zod';
import type { SummaryTable } from '../domain/reports/summary-tables.ts';
import { restrictedKinds } from './access.ts';
import type { Restrictable } from './access.ts';
import type { Answer, Call } from './report-answer.ts';
import { linksOf, pageNames } from './links.ts';
import { dailySummary } from './reports.ts';
import { parseQuery, queryTree } from './request/query-string.ts';
import { count, flag, validated } from './request/schema.ts';
import { Parameters } from './sql/parameters.ts';
import { accessConditions, cloudCondition, pattern } from './sql/scope.ts';

interface ResourceType {
  /** last part of the path */
  path: string;
  table: SummaryTable;
  column: string;
  /** what the table has of that which access lists restrict */
  has: readonly Restrictable[];
  /** may be restricted to clusters on a cloud */
  clouds: boolean;
}

const every: readonly Restrictable[] = ['cluster', 'node', 'project'];

/** The pick lists (API §7). */
export const resourceTypes: readonly ResourceType[] = [
  {
    path: 'openshift-clusters',
    table: 'reporting_ocp_cost_summary_p',
    column: 't.cluster_id',
    has: ['cluster'],
    clouds: true,
  },
  {
    path: 'openshift-projects',
    table: 'reporting_ocp_cost_summary_by_project_p',
    column: 't.namespace',
    has: ['cluster', 'project'],
    clouds: true,
  },
  {
    path: 'openshift-nodes',
    table: 'reporting_ocp_cost_summary_by_node_p',
    column: 't.node',
    has: ['cluster', 'node'],
    clouds: true,
  },
  {
    path: 'openshift-virtual-machines',
    table: 'reporting_ocp_vm_summary_p',
    column: 't.vm_name',
    has: every,
    clouds: false,
  },
  {
    path: 'openshift-gpu-vendors',
    table: 'reporting_ocp_gpu_summary_p',
    column: 't.vendor_name',
    has: every,
    clouds: false,
  },
  {
    path: 'openshift-gpu-models',
    table: 'reporting_ocp_gpu_summary_p',
    column: 't.model_name',
    has: every,
    clouds: false,
  },
];

const defaultPickLimit = 10;
const maxPickLimit = 20_000;
const clouds = ['aws', 'azure', 'gcp'] as const;

/** What an element of a pick list has. */
export function columnsOf({ path }: ResourceType): string[] {
  return path === 'openshift-clusters' ? ['value', 'cluster_alias'] : ['value'];
}

/** What a pick list accepts. */
export function resourceTypeSchema(type: Pick<ResourceType, 'clouds'>) {
  const cloud = Object.fromEntries([...clouds, 'all_cloud'].map((name) => [name, flag.optional()]));
  return z.strictObject({
    search: z.string().optional().meta({ description: 'contained in the value, case ignored' }),
    limit: count(maxPickLimit).optional(),
    offset: count(100_000_000).optional(),
    ...(type.clouds ? cloud : {}),
  });
}

/** One pick list. @throws ApiError 400 */
export async function resourceTypeAnswer(
  client: ClientBase,
  type: ResourceType,
  call: Call,
): Promise<Answer> {
  const parameters = parseQuery(call.query);
  const asked = validated(resourceTypeSchema(type), queryTree(parameters)) as Record<string, unknown>;
  const limit = (asked['limit'] as number | undefined) ?? defaultPickLimit;
  const offset = (asked['offset'] as number | undefined) ?? 0;
  const onClouds = asked['all_cloud'] === true ? clouds : clouds.filter((cloud) => asked[cloud] === true);
  const found = await pick(client, type, call, {
    search: asked['search'] as string | undefined,
    clouds: onClouds,
    limit: limit === 0 ? maxPickLimit : limit,
    offset,
  });
  const isCluster = type.path === 'openshift-clusters';
  return {
    meta: { count: found.count, limit, offset },
    links: linksOf(call.path, parameters, { limit, offset, count: found.count, names: pageNames }),
    data: found.values.map(({ value, alias }) => (isCluster ? { value, cluster_alias: alias } : { value })),
  };
}

/** All pick lists, with how many values each has. */
export async function resourceTypesAnswer(client: ClientBase, call: Call): Promise<Answer> {
  validated(z.strictObject({}), queryTree(parseQuery(call.query)));
  const data: unknown[] = [];
  for (const type of resourceTypes) {
    const { count: values } = await pick(client, type, call, {
      search: undefined,
      clouds: [],
      limit: 0,
      offset: 0,
    });
    data.push({ value: type.path, path: `${call.path}${type.path}/`, count: values });
  }
  const page = { limit: data.length, offset: 0, count: data.length, names: pageNames };
  return { meta: { count: data.length }, links: linksOf(call.path, [], page), data };
}

async function pick(
  client: ClientBase,
  type: ResourceType,
  call: Call,
  options: { search: string | undefined; clouds: readonly string[]; limit: number; offset: number },
) {
  const parameters = new Parameters();
  const table = restrictedKinds(call.access).every((kind) => type.has.includes(kind))
    ? type.table
    : dailySummary;
  const alias = type.path === 'openshift-clusters' ? 'max(coalesce(t.cluster_alias, t.cluster_id))' : 'null';
  const conditions = [
    `${type.column} is not null`,
    ...accessConditions(parameters, call.access),
    ...(options.clouds.length === 0 ? [] : [cloudCondition(parameters, options.clouds)]),
    ...(options.search === undefined
      ? []
      : [`${type.column} ilike ${parameters.add(pattern(options.search), 'text')}`]),
  ];
  const text = [
    'with found as (',
    `    select (${type.column})::text collate "C" as value, ${alias} as alias from ${table} as t`,
    `    where ${conditions.map((condition) => `(${condition})`).join(' and ')} group by 1`,
    `), page as (select * from found order by value limit ${parameters.add(options.limit, 'integer')}`,
    `    offset ${parameters.add(options.offset, 'integer')})`,
    `select (select count(*) from found) as count,`,
    `    coalesce((select jsonb_agg(page order by value) from page), '[]') as values`,
  ].join('\n');
  const { rows } = await client.query<{ count: number; values: { value: string; alias: string }[] }>(
    text,
    parameters.values,
  );
  return { count: rows[0]?.count ?? 0, values: rows[0]?.values ?? [] };
}
