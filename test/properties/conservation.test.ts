import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { generatedCluster, rowsOf } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { ReportRows } from '../support/payload-builder.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { claimUsage, placedUsage } from './claims.ts';
import { createDirectPipeline } from './direct-pipeline.ts';
import type { DirectPipeline, StagedCluster } from './direct-pipeline.ts';
import { nodeCapacity, podUsage } from './line-items.ts';
import {
  expectSameSums,
  sumsOf,
  summarisedClaims,
  summarisedPlaces,
  summarisedPods,
} from './summary-sums.ts';

/** A fixed seed per property, so that a failure comes back; fast-check prints the counterexample. */
const bounds = (seed: number) => ({ seed, numRuns: 10, endOnFailure: false });
const profiles = ['design', 'koku'] as const;

/** A failing property is made smaller before it is reported, which takes a while. */
let pipeline: DirectPipeline;

beforeAll(async () => {
  pipeline = await createDirectPipeline();
});

/** Check a property of generated clusters that are in staging. */
async function forClusters(
  seed: number,
  check: (cluster: StagedCluster, rows: ReportRows) => Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(generatedCluster, async (generated) => {
    const rows = rowsOf(generated);
    await check(await pipeline.stage(buildPayload(rows)), rows);
  });
  await fc.assert(property, bounds(seed));
}

describe('daily summary', () => {
  test('CPU and memory of every namespace and node are the sums of their line items, in both profiles', async () => {
    await forClusters(101, async (cluster, rows) => {
      for (const rules of profiles) {
        await pipeline.aggregate(cluster, rules);
        expectSameSums(await summarisedPods(pipeline, cluster.sourceUuid), podUsage(rows, rules));
      }
    });
  });

  test('effective usage is at most usage in design and at least usage in koku', async () => {
    await forClusters(102, async (cluster) => {
      await pipeline.aggregate(cluster, 'design');
      const design = await summarisedPods(pipeline, cluster.sourceUuid);
      await pipeline.aggregate(cluster, 'koku');
      const koku = await summarisedPods(pipeline, cluster.sourceUuid);
      expect(design.size).toBeGreaterThan(0);
      for (const [group, { usageCpu = Number.NaN, usageMemory = Number.NaN }] of design) {
        expect(design.get(group)?.['effectiveCpu']).toBeLessThanOrEqual(usageCpu + 1e-9);
        expect(koku.get(group)?.['effectiveCpu']).toBeGreaterThanOrEqual(usageCpu - 1e-9);
        expect(design.get(group)?.['effectiveMemory']).toBeLessThanOrEqual(usageMemory + 1e-9);
        expect(koku.get(group)?.['effectiveMemory']).toBeGreaterThanOrEqual(usageMemory - 1e-9);
      }
    });
  });

  test('effective usage and what is unallocated add up to the capacity of every node and day', async () => {
    await forClusters(103, async (cluster, rows) => {
      for (const rules of profiles) {
        await pipeline.aggregate(cluster, rules);
        const found = await sumsOf(
          pipeline,
          cluster.sourceUuid,
          `select
               concat_ws(' ', usage_start, node) as "group",
               sum(pod_effective_usage_cpu_core_hours)::float8 as cpu,
               sum(pod_effective_usage_memory_gigabyte_hours)::float8 as memory
           from reporting_ocpusagelineitem_daily_summary
           where source_uuid = $1 and data_source = 'Pod'
           group by 1`,
        );
        expectSameSums(found, nodeCapacity(rows));
      }
    });
  });

  test('the capacity of the cluster is the sum of its nodes, on every row of a day', async () => {
    await forClusters(104, async (cluster, rows) => {
      await pipeline.aggregate(cluster, 'design');
      const capacity = [...nodeCapacity(rows)];
      const found = await pipeline.query<{ day: string; node: string; capacities: number[] }>(
        `select distinct
             usage_start as day,
             node,
             array[
                 node_capacity_cpu_core_hours, node_capacity_memory_gigabyte_hours,
                 cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours
             ]::float8[] as capacities
         from reporting_ocpusagelineitem_daily_summary
         where source_uuid = $1 and data_source = 'Pod'`,
        [cluster.sourceUuid],
      );
      expect(found).toHaveLength(capacity.length);
      for (const { day, node, capacities } of found) {
        const total = (name: string, prefix: string) =>
          capacity
            .filter(([group]) => group.startsWith(prefix))
            .reduce((sum, [, numbers]) => sum + (numbers[name] ?? 0), 0);
        const expected = [`${day} ${node}`, day].flatMap((prefix) => [
          total('cpu', prefix),
          total('memory', prefix),
        ]);
        for (const [index, value] of expected.entries()) expect(capacities[index]).toBeCloseTo(value, 8);
      }
    });
  });

  test('every hour of a claim counts once, whoever mounts it, in both profiles', async () => {
    await forClusters(105, async (cluster, rows) => {
      for (const rules of profiles) {
        await pipeline.aggregate(cluster, rules);
        expectSameSums(await summarisedClaims(pipeline, cluster.sourceUuid), claimUsage(rows));
      }
    });
  });

  test('a claim is on the nodes that its pods are on, hour by hour', async () => {
    await forClusters(106, async (cluster, rows) => {
      await pipeline.aggregate(cluster, 'design');
      expectSameSums(await summarisedPlaces(pipeline, cluster.sourceUuid), placedUsage(rows));
    });
  });

  test('validation, which counts in another way, finds nothing to say', async () => {
    await forClusters(110, async (cluster) => {
      await pipeline.aggregate(cluster, 'koku');
      expect(await pipeline.validate(cluster)).toBe(0);
    });
  });
});

describe('report tables', () => {
  const measures = [
    'pod_usage_cpu_core_hours',
    'pod_request_cpu_core_hours',
    'pod_effective_usage_cpu_core_hours',
    'pod_usage_memory_gigabyte_hours',
    'pod_request_memory_gigabyte_hours',
    'pod_effective_usage_memory_gigabyte_hours',
  ];
  const volumeMeasures = [
    'persistentvolumeclaim_usage_gigabyte_months',
    'volume_request_storage_gigabyte_months',
    'persistentvolumeclaim_capacity_gigabyte_months',
  ];
  const daily = (table: string, columns: readonly string[]) =>
    `select usage_start::text as "group", ${columns.map((name) => `sum(${name})::float8 as ${name}`).join(', ')}
     from ${table}
     where source_uuid = $1
     group by usage_start`;

  test('pods by project, pods by node and pods of the cluster have the same totals every day', async () => {
    await forClusters(107, async (cluster) => {
      await pipeline.aggregate(cluster, 'koku');
      await pipeline.refresh(cluster);
      const totals = (table: string) => sumsOf(pipeline, cluster.sourceUuid, daily(table, measures));
      const plain = await totals('reporting_ocp_pod_summary_p');
      expect(plain.size).toBeGreaterThan(0);
      expectSameSums(await totals('reporting_ocp_pod_summary_by_project_p'), plain);
      expectSameSums(await totals('reporting_ocp_pod_summary_by_node_p'), plain);
    });
  });

  test('volumes by project have the totals of the volumes of the cluster every day', async () => {
    await forClusters(108, async (cluster, rows) => {
      await pipeline.aggregate(cluster, 'design');
      await pipeline.refresh(cluster);
      const totals = (table: string) => sumsOf(pipeline, cluster.sourceUuid, daily(table, volumeMeasures));
      const plain = await totals('reporting_ocp_volume_summary_p');
      expect(plain.size).toBe(new Set((rows.storage_usage ?? []).map((row) => row.hour.slice(0, 10))).size);
      expectSameSums(await totals('reporting_ocp_volume_summary_by_project_p'), plain);
    });
  });
});

test('summarising twice changes nothing', async () => {
  await forClusters(109, async (cluster) => {
    const summarise = async () => {
      await pipeline.aggregate(cluster, 'design');
      await pipeline.refresh(cluster);
      return snapshotTables(pipeline.database, cluster.sourceUuid);
    };
    const once = await summarise();
    expectSameTables(await summarise(), once);
  });
});
