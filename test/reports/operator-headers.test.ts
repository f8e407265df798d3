import { beforeAll, expect, test } from 'vitest';
import { detectReportKind, reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createArchiveFolder } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

const times = 'report_period_start report_period_end interval_start interval_end';

/** Headers of each kind as operator 4.4.2 writes them, in its order. */
const operatorHeaders: Readonly<Record<ReportKind, string>> = {
  pod_usage: `${times} node namespace pod pod_usage_cpu_core_seconds pod_request_cpu_core_seconds
    pod_limit_cpu_core_seconds pod_usage_memory_byte_seconds pod_request_memory_byte_seconds
    pod_limit_memory_byte_seconds node_capacity_cpu_cores node_capacity_cpu_core_seconds node_capacity_memory_bytes
    node_capacity_memory_byte_seconds node_role resource_id pod_labels`,
  storage_usage: `${times} namespace pod node persistentvolumeclaim persistentvolume storageclass csi_driver
    csi_volume_handle persistentvolumeclaim_capacity_bytes persistentvolumeclaim_capacity_byte_seconds
    volume_request_storage_byte_seconds persistentvolumeclaim_usage_byte_seconds persistentvolume_labels
    persistentvolumeclaim_labels`,
  node_labels: `${times} node node_labels`,
  namespace_labels: `${times} namespace namespace_labels`,
  vm_usage: `${times} node resource_id namespace vm_name vm_instance_type vm_os vm_guest_os_arch vm_guest_os_name
    vm_guest_os_version vm_uptime_total_seconds vm_cpu_limit_cores vm_cpu_limit_core_seconds vm_cpu_request_cores
    vm_cpu_request_core_seconds vm_cpu_request_sockets vm_cpu_request_socket_seconds vm_cpu_request_threads
    vm_cpu_request_thread_seconds vm_cpu_usage_total_seconds vm_memory_limit_bytes vm_memory_limit_byte_seconds
    vm_memory_request_bytes vm_memory_request_byte_seconds vm_memory_usage_byte_seconds vm_device vm_volume_mode
    vm_persistentvolumeclaim_name vm_disk_allocated_size_byte_seconds vm_labels`,
  gpu_usage: `${times} node namespace pod gpu_uuid gpu_model_name gpu_vendor_name gpu_memory_capacity_mib
    gpu_pod_uptime gpu_pod_utilization gpu_max_slices mig_instance_id mig_profile mig_strategy`,
};

/** Columns that an operator to come may add; two look like ones that we derive. */
const futureColumns = [
  'pod_weather',
  'Node',
  'mig_slice_count',
  'piece_id',
  'another column',
  'label_set_id',
];

const columnsOf = (kind: ReportKind) => operatorHeaders[kind].split(/\s+/);

/** A value of each column, the same in whichever place it stands; what nobody knows is no number. */
function valueOf(column: string): string {
  if (futureColumns.includes(column)) return 'what, "ever"';
  const fixed: Record<string, string> = {
    interval_start: '2026-10-06 18:00:00 +0000 UTC',
    interval_end: '2026-10-06 18:59:59 +0000 UTC',
    report_period_start: '2026-10-01 00:00:00 +0000 UTC',
    report_period_end: '2026-11-01 00:00:00 +0000 UTC',
    gpu_model_name: 'Tesla T4',
    gpu_vendor_name: 'nvidia0',
    gpu_max_slices: '7.000000',
    // Not used, so whatever stands there is no bad number.
    gpu_pod_utilization: 'unknown',
    mig_profile: '1g.5gb',
    vm_name: 'a-vm',
  };
  const known = fixed[column];
  if (known !== undefined) return known;
  if (column.endsWith('_labels')) return 'label_app:web';
  return /_(seconds|bytes|cores|mib|sockets|threads|uptime)$/.test(column) ? '3600.000000' : `a-${column}`;
}

let pipeline: TestPipeline;
beforeAll(async () => {
  pipeline = await createTestPipeline();
});

/** Ingest one row of each kind; returns the staged rows without the columns that differ by payload. */
async function stagedRows(
  clusterId: string,
  headerOf: (kind: ReportKind) => string[],
): Promise<Record<string, unknown>> {
  const source = await pipeline.addSource(clusterId);
  const cell = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const files = new Map(
    reportKinds.map((kind) => {
      const header = headerOf(kind);
      return [`${kind}.csv`, `${header.join(',')}\n${header.map((name) => cell(valueOf(name))).join(',')}\n`];
    }),
  );
  const manifest = {
    uuid: '8f6b2c1e-3d57-4b1f-9a44-0f2f9c1d7e20',
    cluster_id: clusterId,
    date: '2026-10-06T19:05:12Z',
    version: '4.4.2',
    files: [...files.keys()],
    start: '2026-10-06T18:00:00Z',
    end: '2026-10-06T18:59:59Z',
    daily_reports: true,
    cr_status: {},
  };
  const folder = await createArchiveFolder();
  expect(await pipeline.ingest(await folder.pack({ manifest, files }))).toMatchObject({
    outcome: 'completed',
    fileCount: 6,
    rowCount: 6,
    rejectedRowCount: 0,
    warnings: [],
    daysSummarised: 1,
  });
  const staged: Record<string, unknown> = {};
  for (const kind of reportKinds) {
    const { rows } = await inTenantTransaction(pipeline.database.pool, pipeline.database.schema, (client) =>
      client.query<{ row: object }>(
        `select to_jsonb(line) - '{piece_id,source_uuid,report_period_id}'::text[] as row
         from ${stagingTableOf(kind)} as line where source_uuid = $1`,
        [source],
      ),
    );
    staged[kind] = rows.map(({ row }) => row);
  }
  return staged;
}

test('the present columns of the operator are taken in every kind, also among others in another order', async () => {
  for (const kind of reportKinds) expect(detectReportKind(columnsOf(kind))).toEqual({ kind });
  const sent = await stagedRows('present', columnsOf);
  expect(sent['gpu_usage']).toEqual([
    expect.objectContaining({
      gpu_vendor_name: 'nvidia',
      gpu_model_name: 'Tesla T4',
      gpu_max_slices: 7,
      mig_profile: '1g.5gb',
      mig_slice_count: 1,
      mig_memory_capacity_mib: 5120,
    }),
  ]);
  expect(sent['pod_usage']).toEqual([expect.objectContaining({ node_role: 'a-node_role', node: 'a-node' })]);
  // Every other column of the future stands between two of the present ones, which are turned round.
  const shuffled = (kind: ReportKind) =>
    columnsOf(kind)
      .reverse()
      .flatMap((column, index) => [column, ...futureColumns.slice(index, index + 1)])
      .concat(futureColumns.slice(columnsOf(kind).length));
  expect(await stagedRows('future', shuffled)).toEqual(sent);
});
