import { beforeAll, describe, expect, test } from 'vitest';
import type { IngestManifestResult } from '../../domain/run/run.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
});

async function query<R extends object>(text: string, values: unknown[]): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

async function send(
  cluster: string,
  payload: Payload,
): Promise<{ source: string; result: IngestManifestResult }> {
  const source = await pipeline.addSource(cluster);
  const result = await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: cluster })));
  return { source, result };
}

describe('the sample of the operator (one hour, rules: design)', () => {
  let source: string;
  let result: IngestManifestResult;

  beforeAll(async () => {
    ({ source, result } = await send('operator-sample', await readPayload('operator-sample')));
  });

  async function numbersOf(columns: readonly string[], where: string): Promise<number[][]> {
    const list = columns.map((column) => `${column}::double precision as ${column}`).join(', ');
    const rows = await query<Record<string, number>>(
      `select ${list} from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and ${where}`,
      [source],
    );
    return rows.map((row) => columns.map((column) => row[column] ?? Number.NaN));
  }

  test('goes through with all its rows', () => {
    // 5 pods, 2 volumes, 5 nodes, 1 namespace, 1 virtual machine, 6 GPUs.
    expect(result).toMatchObject({
      outcome: 'completed',
      fileCount: 6,
      rowCount: 20,
      rowsLoaded: 20,
      rejectedRowCount: 0,
    });
    // 4 pods on nodes (the fifth is not scheduled), 2 volumes, 3 nodes with unallocated capacity.
    expect(result.summaryRowCount).toBe(9);
  });

  test('a pod is charged for the lesser of usage and request', async () => {
    // CPU: usage 51.626897 core-s / 3600 = 0.014340804…, request 36 / 3600 = 0.01: effective 0.01 core-hours.
    // Memory: usage 354,808,627,200 byte-s / 3600 / 2^30 = 0.0917892…, request 188,743,680,000 / 3600 / 2^30
    // = 52,428,800 / 2^30 = 0.048828125 (50 MiB for an hour): effective 0.048828125 GiB-hours.
    const columns = [
      'pod_usage_cpu_core_hours',
      'pod_request_cpu_core_hours',
      'pod_effective_usage_cpu_core_hours',
      'pod_usage_memory_gigabyte_hours',
      'pod_effective_usage_memory_gigabyte_hours',
      'node_capacity_cpu_core_hours',
      'cluster_capacity_cpu_core_hours',
    ];
    expect(await numbersOf(columns, `namespace = 'openshift-etcd-operator'`)).toEqual([
      [
        expect.closeTo(51.626897 / 3600, 12),
        expect.closeTo(0.01, 12),
        expect.closeTo(0.01, 12),
        expect.closeTo(98_557_952 / 2 ** 30, 12),
        expect.closeTo(0.048828125, 12),
        // The node's 14,400 core-s repeat on both of its pods and count once; the cluster has 4 + 4 + 8 cores.
        expect.closeTo(4, 12),
        expect.closeTo(16, 12),
      ],
    ]);
  });

  test('what no pod took of a node is unallocated, platform or worker by its role', async () => {
    // Worker ip-10-0-184-152: 4 core-hours - (51.626897 + 9.683527) / 3600 = 3.98296932…; requests 2 × 36 / 3600 =
    // 0.02; effective: etcd 0.01 (request) + controller manager 9.683527 / 3600 (usage, below its request).
    const columns = [
      'pod_usage_cpu_core_hours',
      'pod_request_cpu_core_hours',
      'pod_effective_usage_cpu_core_hours',
    ];
    expect(await numbersOf(columns, `namespace = 'Worker unallocated'`)).toEqual([
      [
        expect.closeTo(4 - 61.310424 / 3600, 12),
        expect.closeTo(3.98, 12),
        expect.closeTo(4 - 0.01 - 9.683527 / 3600, 12),
      ],
    ]);
    // Infra ip-10-0-150-20 (4 cores) and master ip-10-0-189-61 (8 cores) each run a pod that asks for 0.5 core-hours.
    const platform = await numbersOf(columns, `namespace = 'Platform unallocated' order by node`);
    expect(platform.map(([, request]) => request)).toEqual([
      expect.closeTo(3.5, 12),
      expect.closeTo(7.5, 12),
    ]);
  });

  test('a volume counts for its share of the month', async () => {
    // October has 31 × 86,400 = 2,678,400 s. Request 19,327,352,832,000 byte-s / 2^30 = 18,000 GiB-s (5 GiB for an
    // hour): 18,000 / 2,678,400 GiB-months. Capacity 5,217,320,960 bytes = 4.859 GiB; usage 94,858,444,800 byte-s.
    const columns = [
      'volume_request_storage_gigabyte_months',
      'persistentvolumeclaim_capacity_gigabyte',
      'persistentvolumeclaim_usage_gigabyte_months',
    ];
    expect(await numbersOf(columns, `persistentvolumeclaim = 'hive-metastore-db-data'`)).toEqual([
      [
        expect.closeTo(18_000 / 2_678_400, 12),
        expect.closeTo(5_217_320_960 / 2 ** 30, 12),
        expect.closeTo(94_858_444_800 / 2_678_400 / 2 ** 30, 12),
      ],
    ]);
  });
});

describe('payloads with bad rows', () => {
  /** 2: two fields too many, 2a: cut short, 3: text for a number, 5: 1e19 byte-seconds; and a time that is none. */
  const badPodRow = /,(pod_name2|pod_name2a|pod_name3|pod_name5),|garbage-date/;

  /** The payload without the rows of its pod file that are to be rejected. */
  function withoutBadRows(payload: Payload): Payload {
    const [podFile = ''] = payload.manifest['files'] as string[];
    const rows = payload.files.get(podFile)?.split('\n') ?? [];
    const good = rows.filter((row) => !badPodRow.test(row)).join('\n');
    return { ...payload, files: new Map([...payload.files, [podFile, good]]) };
  }

  test.for([
    ['nise-malformed', 4],
    ['nise-bad_interval_start', 5],
  ] as const)(
    '%s goes through; what is rejected is counted and the rest summarised',
    async ([fixture, rejected]) => {
      const payload = await readPayload(fixture);
      const { source, result } = await send(fixture, payload);
      expect(result).toMatchObject({
        outcome: 'completed',
        failedFileCount: 0,
        rejectedRowCount: rejected,
        daysSummarised: 1,
      });
      const [podFile = ''] = payload.manifest['files'] as string[];
      expect(result.warnings).toEqual([
        `${podFile}: ${rejected} rows rejected`,
        // Pod 9 has a NaN, which counts as blank, and -5; a label of another pod has two colons.
        `${podFile}: 2 values left out, their rows kept: pod_labels 1, pod_request_cpu_core_seconds 1`,
        `${podFile}: suspicious, but kept: pod_usage_cpu_core_seconds is negative in 1 row, first in line 11`,
      ]);
      const files = await query<{ file_name: string; rejected: number }>(
        `select file_name, rejected_row_count as rejected from ocp_file join ocp_manifest using (manifest_id)
       where source_uuid = $1 and rejected_row_count > 0`,
        [source],
      );
      expect(files).toEqual([{ file_name: podFile, rejected }]);

      const good = withoutBadRows(payload);
      const alone = await send(`${fixture}-good-rows`, good);
      expect(alone.result).toMatchObject({ rejectedRowCount: 0, rowCount: result.rowCount });
      expectSameTables(
        await snapshotTables(pipeline.database, source),
        await snapshotTables(pipeline.database, alone.source),
      );
    },
  );
});

describe('a payload without node labels', () => {
  test('still gives every node a role and every unallocated row a namespace', async () => {
    const { source, result } = await send('no-node-labels', await readPayload('nise-no_node_labels'));
    expect(result).toMatchObject({ outcome: 'completed', fileCount: 3, daysSummarised: 3 });
    const nodes = await query<{ node: string; node_role: string | null }>(
      `select node, node_role from reporting_ocp_nodes
       where cluster_id in (select uuid from reporting_ocp_clusters where provider_id = $1)
       order by node`,
      [source],
    );
    expect(nodes.length).toBeGreaterThan(0);
    for (const { node, node_role } of nodes) expect(node_role, node).toMatch(/^(worker|master|infra)$/);

    const unallocated = await query<{ namespace: string | null; rows: number }>(
      `select namespace, count(*) as rows from reporting_ocpusagelineitem_daily_summary
       where source_uuid = $1 and data_source = 'Pod' and (namespace is null or namespace like '% unallocated')
       group by namespace`,
      [source],
    );
    expect(unallocated.map((row) => row.namespace)).not.toContain(null);
    // One row per node and day.
    expect(unallocated.reduce((sum, row) => sum + row.rows, 0)).toBe(3 * nodes.length);
  });
});
