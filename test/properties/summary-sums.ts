import { expect } from 'vitest';
import type { DirectPipeline } from './direct-pipeline.ts';
import type { Sums } from './line-items.ts';

/** The namespaces that no pod is in. */
const reservedNamespaces = ['Platform unallocated', 'Worker unallocated'];

/**
 * Query rows with a column `group` and numbers, as sums by group.
 * @param text SQL with the source as $1
 */
export async function sumsOf(
  pipeline: DirectPipeline,
  sourceUuid: string,
  text: string,
  more: unknown[] = [],
): Promise<Sums> {
  const rows = await pipeline.query<{ group: string } & Record<string, number>>(text, [sourceUuid, ...more]);
  return new Map(rows.map(({ group, ...numbers }) => [group, numbers]));
}

/** Pod rows of real namespaces in the daily summary, by day, namespace and node. */
export async function summarisedPods(pipeline: DirectPipeline, sourceUuid: string): Promise<Sums> {
  return sumsOf(
    pipeline,
    sourceUuid,
    `select
         concat_ws(' ', usage_start, namespace, node) as "group",
         sum(pod_usage_cpu_core_hours)::float8 as "usageCpu",
         sum(pod_request_cpu_core_hours)::float8 as "requestCpu",
         sum(pod_effective_usage_cpu_core_hours)::float8 as "effectiveCpu",
         sum(pod_usage_memory_gigabyte_hours)::float8 as "usageMemory",
         sum(pod_request_memory_gigabyte_hours)::float8 as "requestMemory",
         sum(pod_effective_usage_memory_gigabyte_hours)::float8 as "effectiveMemory"
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and data_source = 'Pod' and namespace <> all($2)
     group by 1`,
    [reservedNamespaces],
  );
}

const byClaim = `usage_start, namespace, persistentvolumeclaim, persistentvolume`;

/** Storage rows of the daily summary in GiB-hours, by day, namespace, claim and volume; October has 744 hours. */
export async function summarisedClaims(pipeline: DirectPipeline, sourceUuid: string): Promise<Sums> {
  return summarisedVolumes(pipeline, sourceUuid, byClaim);
}

/** The same by node and resource id too; `-` where there is none. */
export async function summarisedPlaces(pipeline: DirectPipeline, sourceUuid: string): Promise<Sums> {
  return summarisedVolumes(
    pipeline,
    sourceUuid,
    `${byClaim}, coalesce(node, '-'), coalesce(resource_id, '-')`,
  );
}

async function summarisedVolumes(
  pipeline: DirectPipeline,
  sourceUuid: string,
  columns: string,
): Promise<Sums> {
  return sumsOf(
    pipeline,
    sourceUuid,
    `select
         concat_ws('|', ${columns}) as "group",
         sum(persistentvolumeclaim_capacity_gigabyte_months)::float8 * 744 as capacity,
         sum(volume_request_storage_gigabyte_months)::float8 * 744 as request,
         sum(persistentvolumeclaim_usage_gigabyte_months)::float8 * 744 as usage
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and data_source = 'Storage'
     group by 1`,
  );
}

/** Assert equal groups and equal numbers, to 1e-9 relative; rounding to 15 decimals leaves a little near 0. */
export function expectSameSums(found: Sums, expected: Sums): void {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  const differences: string[] = [];
  for (const [group, numbers] of expected)
    for (const [name, value] of Object.entries(numbers)) {
      const other = found.get(group)?.[name] ?? Number.NaN;
      if (!(Math.abs(other - value) <= Math.max(1e-9 * Math.abs(value), 1e-11)))
        differences.push(`${group} ${name}: expected ${value}, found ${other}`);
    }
  expect(differences).toEqual([]);
}
