import { beforeAll, describe, expect, test } from 'vitest';
import { MAX_BELIEVED_VALUE, reportKindDefinition, reportKinds } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { ReportRow, ReportRows } from '../support/payload-builder.ts';
import { createDirectPipeline } from './direct-pipeline.ts';
import type { DirectPipeline, StagedCluster } from './direct-pipeline.ts';

let pipeline: DirectPipeline;
const vmLabel = 'vm_kubevirt_io_name';

beforeAll(async () => {
  pipeline = await createDirectPipeline();
  await setTagKeys(pipeline.database.pool, pipeline.database.schema, [vmLabel], true);
});

const daily = 'reporting_ocpusagelineitem_daily_summary';
const gib = 2 ** 30;
const most = MAX_BELIEVED_VALUE;
/** 10^18 core-seconds in core-hours: 277,777,777,777,777.8 of less than 10^18. */
const maxHours = 1e18 / 3600;
const monthSeconds = 31 * 86_400;

/**
 * Where the greatest value of a column arrives, and as what; columns that are not here are stored nowhere but in
 * staging.
 */
const arrivals: Readonly<Record<string, readonly [table: string, column: string, value: number]>> = {
  pod_usage_cpu_core_seconds: [daily, 'pod_usage_cpu_core_hours', maxHours],
  pod_request_cpu_core_seconds: [daily, 'pod_request_cpu_core_hours', maxHours],
  pod_limit_cpu_core_seconds: [daily, 'pod_limit_cpu_core_hours', maxHours],
  // 10^18 / 3600 / 2^30 = 258,700.7
  pod_usage_memory_byte_seconds: [daily, 'pod_usage_memory_gigabyte_hours', maxHours / gib],
  pod_request_memory_byte_seconds: [daily, 'pod_request_memory_gigabyte_hours', maxHours / gib],
  pod_limit_memory_byte_seconds: [daily, 'pod_limit_memory_gigabyte_hours', maxHours / gib],
  // numeric(18,2) holds 16 digits before the point: the greatest double below 10^16
  node_capacity_cpu_cores: ['reporting_ocp_nodes', 'node_capacity_cpu_cores', 9_999_999_999_999_998],
  node_capacity_cpu_core_seconds: [daily, 'node_capacity_cpu_core_hours', maxHours],
  // 10^18 / 2^30 = 931,322,574.6
  node_capacity_memory_bytes: [daily, 'node_capacity_memory_gigabytes', most / gib],
  node_capacity_memory_byte_seconds: [daily, 'node_capacity_memory_gigabyte_hours', maxHours / gib],
  persistentvolumeclaim_capacity_bytes: [daily, 'persistentvolumeclaim_capacity_gigabyte', most / gib],
  // 10^18 / (31 · 86,400) / 2^30 = 347.7
  persistentvolumeclaim_capacity_byte_seconds: [
    daily,
    'persistentvolumeclaim_capacity_gigabyte_months',
    most / monthSeconds / gib,
  ],
  volume_request_storage_byte_seconds: [
    daily,
    'volume_request_storage_gigabyte_months',
    most / monthSeconds / gib,
  ],
  persistentvolumeclaim_usage_byte_seconds: [
    daily,
    'persistentvolumeclaim_usage_gigabyte_months',
    most / monthSeconds / gib,
  ],
  // The greatest double below 4·10^16 is 8 less: 24 · 39,999,999,999,999,992 = 959,999,999,999,999,808, of less than
  // 10^18.
  vm_cpu_request_cores: ['reporting_ocp_vm_summary_p', 'pod_request_cpu_core_hours', 959_999_999_999_999_808],
  // 24 · 10^18 / 2^30 = 22,351,741,790.8
  vm_memory_request_bytes: [
    'reporting_ocp_vm_summary_p',
    'pod_request_memory_gigabyte_hours',
    (24 * most) / gib,
  ],
  // 10^18 MiB · 2^20 / 10^9 = 1,048,576,000,000,000 GB
  gpu_memory_capacity_mib: ['reporting_ocp_gpu_summary_p', 'memory_capacity_gb', 1_048_576_000_000_000],
  // An integer column: what is no count of slices is not believed, and the model's 7 count.
  gpu_max_slices: ['reporting_ocp_gpu_summary_p', 'gpu_max_slices', 7],
};

/** A row of a kind without numbers, of something of its own. */
function blankRow(kind: ReportKind, name: string, hour: number): ReportRow {
  const row = { hour: `2026-10-01 0${hour}:00`, namespace: name, node: `node-${name}`, resource_id: 'i-1' };
  if (kind === 'storage_usage')
    return {
      ...row,
      pod: name,
      persistentvolumeclaim: name,
      persistentvolume: name,
      storageclass: 'fast',
    };
  if (kind === 'vm_usage') return { ...row, vm_name: name };
  if (kind === 'gpu_usage')
    return {
      ...row,
      pod: name,
      gpu_uuid: name,
      gpu_model_name: 'A100',
      gpu_vendor_name: 'nvidia',
      mig_instance_id: 'm',
      mig_profile: '1g.5gb',
      mig_strategy: 'mixed',
    };
  return { ...row, pod: name, pod_labels: `label_${vmLabel}:${name}` };
}

/** The double next to a number, away from zero or towards it. */
function nextTo(value: number, direction: 1 | -1): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigUint64(0, view.getBigUint64(0) + BigInt(direction));
  return view.getFloat64(0);
}

/** The greatest value of a column that is taken in, and the least that is not. */
function limitsOf(below: number | undefined): { greatest: number; tooGreat: number } {
  return below === undefined
    ? { greatest: most, tooGreat: nextTo(most, 1) }
    : { greatest: nextTo(below, -1), tooGreat: below };
}

/** Daily summary, tags and all report tables. Machines are only reported when they cost something. */
async function summarise(cluster: StagedCluster): Promise<void> {
  await pipeline.aggregate(cluster, 'design');
  await pipeline.query(
    `update ${daily} set cost_model_cpu_cost = 1
     where source_uuid = $1 and pod_labels ? '${vmLabel}' returning uuid`,
    [cluster.sourceUuid],
  );
  await pipeline.refresh(cluster);
}

const columns = reportKinds.flatMap((kind) =>
  reportKindDefinition(kind)
    .columns.filter(({ type }) => type === 'number')
    .map(({ name, below }) => ({ kind, name, ...limitsOf(below) })),
);

test('the table of arrivals names columns that there are', () => {
  expect(columns).toHaveLength(10 + 4 + 16 + 3);
  expect(columns.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(arrivals)));
});

test.for(columns)(
  '$kind: $name is summarised up to $greatest, and $tooGreat is a rejected row',
  async ({ kind, name, greatest, tooGreat }) => {
    const values = { most: greatest, least: -greatest, more: tooGreat, less: -tooGreat };
    const rows: ReportRow[] = Object.entries(values).map(([of, value], hour) => ({
      ...blankRow(kind, of, hour),
      [name]: value,
    }));
    const pods = kind === 'pod_usage' ? [] : [0, 1].map((hour) => blankRow('pod_usage', 'most', hour));
    const payload: ReportRows = { pod_usage: pods, [kind]: rows };
    const cluster = await pipeline.stage(buildPayload(payload));
    const { sourceUuid } = cluster;
    const [file] = await pipeline.query(
      `select file.row_count::integer, file.rejected_row_count::integer
       from ocp_file as file join ocp_manifest as manifest using (manifest_id)
       where manifest.source_uuid = $1 and file.report_kind = $2`,
      [sourceUuid, kind],
    );
    expect(file).toEqual({ row_count: 2, rejected_row_count: 2 });
    await summarise(cluster);
    if (arrivals[name] === undefined) return;
    const [table, column, value] = arrivals[name];
    const isOfSource =
      table === 'reporting_ocp_nodes'
        ? 'cluster_id = (select uuid from reporting_ocp_clusters where provider_id = $1)'
        : 'source_uuid = $1';
    const [found] = await pipeline.query<{ value: number }>(
      `select max(${column})::float8 as value from ${table} where ${isOfSource}`,
      [sourceUuid],
    );
    // numeric(33,15) was made of a double with 15 digits
    expect(Math.abs((found?.value ?? 0) / value - 1)).toBeLessThan(1e-14);
  },
);

describe('sums that no column holds', () => {
  /** Pods of one hour, each with the greatest core-seconds of an hour that are believed. */
  const podsWith = (column: string, count: number): ReportRow[] =>
    Array.from({ length: count }, (_, pod) => ({
      ...blankRow('pod_usage', 'shop', 0),
      pod: `pod-${pod}`,
      // Capacity is counted once a node.
      node: column.startsWith('node_') ? `node-${pod}` : 'node',
      [column]: most,
    }));

  test.for([
    'pod_usage_cpu_core_seconds',
    'pod_request_cpu_core_seconds',
    'pod_limit_cpu_core_seconds',
    'node_capacity_cpu_core_seconds',
  ])('%s: 3,599 times 10^18 fit, 3,601 times fail and name the file', async (column) => {
    // 3,599 · 10^18 / 3,600 = 999,722,222,222,222,222 core-hours
    await summarise(await pipeline.stage(buildPayload({ pod_usage: podsWith(column, 3_599) })));
    // 3,601 · 10^18 / 3,600 = 1,000,277,777,777,777,777 core-hours; numeric(33,15) holds less than 10^18
    const payload = buildPayload({ pod_usage: podsWith(column, 3_601) });
    const tooGreat = await pipeline.stage(payload);
    const [fileName] = payload.files.keys();
    await expect(pipeline.aggregate(tooGreat, 'design')).rejects.toMatchObject({
      type: 'DataDoesNotFit',
      nonRetryable: true,
      message: expect.stringMatching(
        new RegExp(
          `^The numbers of 2026-10 of source ${tooGreat.sourceUuid} do not fit the summary tables .*: ${column} of ` +
            `2026-10-01 in file ${fileName} of manifest \\d+ comes to 1\\.00e\\+18 core-hours; a column must stay below 1`,
        ),
      ) as string,
    });
    // Nothing of the month is half written.
    expect(
      await pipeline.query(`select from ${daily} where source_uuid = $1`, [tooGreat.sourceUuid]),
    ).toEqual([]);
  });

  test('a machine of before the limit was lowered is named too', async () => {
    const rows: ReportRows = {
      pod_usage: [blankRow('pod_usage', 'most', 0)],
      vm_usage: [{ ...blankRow('vm_usage', 'most', 0), vm_cpu_request_cores: 4 }],
    };
    const cluster = await pipeline.stage(buildPayload(rows));
    // The greatest double below 10^18 / 24, times 24, is 10^18 in 15 digits.
    await pipeline.query(
      'update reporting_ocpusagelineitem_vm_staging set vm_cpu_request_cores = 41666666666666664 where source_uuid = $1',
      [cluster.sourceUuid],
    );
    await expect(summarise(cluster)).rejects.toMatchObject({
      type: 'DataDoesNotFit',
      message: expect.stringContaining('vm_cpu_request_cores of 2026-10-01 in file') as string,
    });
  });
});
