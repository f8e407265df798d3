import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import { generatedCluster, rowsOf, withoutLabelChanges } from '../support/generated-cluster.ts';
import type { GeneratedCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { PayloadOptions } from '../support/payload-builder.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';
import { createDirectPipeline } from './direct-pipeline.ts';
import type { DirectPipeline } from './direct-pipeline.ts';
import { expectSameSums, sumsOf } from './summary-sums.ts';

/** A failing property is made smaller before it is reported, which takes a while. */
let pipeline: DirectPipeline;

beforeAll(async () => {
  pipeline = await createDirectPipeline();
});

async function summarised(cluster: GeneratedCluster, options: PayloadOptions = {}): Promise<string> {
  const staged = await pipeline.stage(buildPayload(rowsOf(cluster), options));
  await pipeline.aggregate(staged, 'koku');
  await pipeline.refresh(staged);
  return staged.sourceUuid;
}

async function tablesOf(cluster: GeneratedCluster, options: PayloadOptions = {}): Promise<Tables> {
  return snapshotTables(pipeline.database, await summarised(cluster, options));
}

describe('labels', () => {
  /** Everything that is added up, by day, source of data, namespace and node. */
  const totals = `select
       concat_ws(' ', usage_start, data_source, namespace, coalesce(node, 'no node'), persistentvolumeclaim) as "group",
       coalesce(sum(pod_usage_cpu_core_hours), 0)::float8 as usage_cpu,
       coalesce(sum(pod_request_cpu_core_hours), 0)::float8 as request_cpu,
       coalesce(sum(pod_effective_usage_cpu_core_hours), 0)::float8 as effective_cpu,
       coalesce(sum(pod_usage_memory_gigabyte_hours), 0)::float8 as usage_memory,
       coalesce(sum(pod_request_memory_gigabyte_hours), 0)::float8 as request_memory,
       coalesce(sum(pod_effective_usage_memory_gigabyte_hours), 0)::float8 as effective_memory,
       coalesce(max(node_capacity_cpu_core_hours), 0)::float8 as node_cpu,
       coalesce(max(cluster_capacity_memory_gigabyte_hours), 0)::float8 as cluster_memory,
       coalesce(sum(volume_request_storage_gigabyte_months), 0)::float8 as volume_request,
       coalesce(sum(persistentvolumeclaim_usage_gigabyte_months), 0)::float8 as volume_usage,
       coalesce(sum(persistentvolumeclaim_capacity_gigabyte_months), 0)::float8 as volume_capacity
   from reporting_ocpusagelineitem_daily_summary
   where source_uuid = $1
   group by 1`;

  test('labels of pods, nodes, namespaces and volumes that change within a day change no total', async () => {
    const property = fc.asyncProperty(generatedCluster, async (cluster) => {
      const changing = await sumsOf(pipeline, await summarised(cluster), totals);
      const still = await sumsOf(pipeline, await summarised(withoutLabelChanges(cluster)), totals);
      expectSameSums(changing, still);
    });
    await fc.assert(property, { seed: 201, numRuns: 8 });
  });
});

describe('form of the payload', () => {
  const shuffleSeed = fc.integer({ min: 1, max: 2 ** 31 - 1 });

  test('the order of rows and columns and columns that nobody knows do not matter', async () => {
    const property = fc.asyncProperty(generatedCluster, shuffleSeed, async (cluster, seed) => {
      expectSameTables(await tablesOf(cluster, { shuffleSeed: seed }), await tablesOf(cluster));
    });
    await fc.assert(property, { seed: 202, numRuns: 8 });
  });

  test('dealing the rows of a report out to several files does not matter', async () => {
    const property = fc.asyncProperty(
      generatedCluster,
      fc.integer({ min: 2, max: 3 }),
      shuffleSeed,
      async (cluster, filesPerKind, seed) => {
        const dealt = await tablesOf(cluster, { filesPerKind, shuffleSeed: seed });
        expectSameTables(dealt, await tablesOf(cluster));
      },
    );
    await fc.assert(property, { seed: 203, numRuns: 8 });
  });
});
