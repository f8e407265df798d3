import { test } from 'vitest';
import { loadSql } from '../../platform/sql-files.ts';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';

test('speed', { timeout: 100000 }, async () => {
  const source = await createStagedSource(await createTestDatabase(), '2026-10');
  const t = 'reporting_ocpusagelineitem_daily_summary';
  await source.stage('vm_usage', '2026-10-01', []);
  await source.query(`insert into ocp_piece (file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count, checksum, state, generation)
    select file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day + d, 'x', 0, 0, 'x', 'staged', 'live' from ocp_piece, generate_series(1,29) d where source_uuid = $1`, [source.sourceUuid]);
  await source.query(`insert into reporting_ocpusagelineitem_vm_staging (interval_start, piece_id, label_set_id, source_uuid, report_period_id, node, namespace, vm_name, vm_cpu_request_cores, vm_memory_request_bytes, vm_persistentvolumeclaim_name)
    select piece.usage_day + make_interval(hours => h), piece_id, 1, source_uuid, report_period_id, 'n' || v % 50, 'ns' || v % 100, 'vm' || v, 2, 1e9, 'claim' || v
    from ocp_piece piece, generate_series(0,23) h, generate_series(1,1000) v where source_uuid = $1`, [source.sourceUuid]);
  await source.query(`insert into ${t} (uuid, cluster_id, cluster_alias, data_source, usage_start, usage_end, namespace, node, resource_id, pod_labels, all_labels, volume_labels, persistentvolumeclaim, pod_request_cpu_core_hours, pod_effective_usage_cpu_core_hours, cost_model_rate_type, cost_model_cpu_cost, distributed_cost, source_uuid)
    select gen_random_uuid(), 'c', 'a', ds, d, d, 'ns' || v % 100, 'n' || v % 50, 'i' || v % 50,
      case when ds = 'Pod' and rt is distinct from 'platform_distributed' then jsonb_build_object('app', v, 'vm_kubevirt_io_name', 'vm' || v) end, '{}',
      case when ds = 'Storage' and rt is distinct from 'platform_distributed' then '{"a": "b"}'::jsonb end,
      case when ds = 'Storage' and rt is distinct from 'platform_distributed' then 'claim' || v end,
      case when rt is null then 1 end, case when rt is null then 1 end, rt, case when rt = 'Infrastructure' then 1 end,
      case when rt = 'platform_distributed' then 1 end, $1
    from generate_series('2026-10-01'::date, '2026-10-30', '1 day') d, unnest(array['Pod','Storage']) ds, unnest(array[null,'Infrastructure','Supplementary','platform_distributed']) rt, generate_series(1,1000) v`, [source.sourceUuid]);
  for (const fn of ['compute', 'distributed', 'storage']) {
    const s = performance.now();
    const r = await source.query(`select ocp_insert_vm_${fn}_rows($1, '2026-10-01', '2026-10-31') as n`, [source.sourceUuid]);
    console.log(fn, r, Math.round(performance.now() - s));
  }
  await source.query(`analyze ${t}`);
  const s = performance.now();
  console.log(await source.query(loadSql('ui/vm_summary.sql'), [source.sourceUuid, '2026-10-01']), Math.round(performance.now() - s));
});
