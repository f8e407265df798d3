import { MockActivityEnvironment } from '@temporalio/testing';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { applyTagMapping } from '../../activities/apply-tag-mapping.ts';
import type { ActivityDependencies } from '../../platform/runtime/dependencies.ts';
import { applyCostModel } from '../../activities/apply-cost-model.ts';
import { validateDays } from '../../activities/validate-days.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { onServer } from '../support/template-database.ts';
import { dependenciesOf } from '../summary/labelled-days.ts';

/** Month whose days are added while the others are there. */
export const presentMonth = billingMonth('2026-10');
const earlierMonths = [billingMonth('2026-08'), billingMonth('2026-09')];

/** Pods of a cluster: each has a label set of its own and a volume; a row per hour. */
export const podCount = 80;
const nodeCount = 8;
const namespaceCount = 10;
const hours = 24;

/** Rows that one cluster and day has in the tables of staging. */
export const rowsOfDay = {
  pod: podCount * hours,
  storage: podCount * hours,
  node_labels: nodeCount * hours,
  namespace_labels: namespaceCount * hours,
};

/**
 * Fill a database: in each of three months other clusters with several days each, staged, summarised and analysed.
 * @returns one cluster of the present month; its days 1 to `dayCount` are summarised
 */
export async function createYearOfClusters(database: TestDatabase, dayCount: number): Promise<StagedSource> {
  const months = [...earlierMonths, presentMonth, presentMonth, presentMonth, presentMonth];
  let source: StagedSource | undefined;
  for (const [index, month] of months.entries()) {
    source = await createStagedSource(database, month);
    await source.enableKeys('app', 'environment', 'zone', 'team');
    for (let day = 1; day <= dayCount; day += 1) await stageDay(source, month, day, index);
    await runSummarySteps(dependenciesOf(database), source, month);
  }
  await source?.query(othersSql);
  await onServer(database.url, (client) => client.query('vacuum analyze'));
  if (source === undefined) throw new Error('no cluster was made');
  return source;
}

/** Put one more day into staging, with one piece per kind of report. */
export async function stageDay(
  source: StagedSource,
  month: BillingMonth,
  day: number,
  cluster: number,
): Promise<void> {
  const date = `${month}-${String(day).padStart(2, '0')}`;
  const fill = async (kind: string, columns: string, values: string, count: number) => {
    const pieces = await source.query<{ piece_id: number }>(registerPieceSql, [
      source.manifestId,
      `${kind}.${date}`,
      kind,
      source.sourceUuid,
      source.reportPeriodId,
      date,
    ]);
    await source.query(
      `insert into reporting_ocpusagelineitem_${kind.replace('_usage', '')}_staging (
           interval_start, piece_id, source_uuid, report_period_id, ${columns}
       )
       select ($1::date + make_interval(hours => hour)) at time zone 'UTC', $2, $3, $4, ${values}
       from generate_series(0, ${hours - 1}) as hour
       cross join generate_series(0, ${count - 1}) as item
       cross join (select ${cluster} as cluster) as this`,
      [date, pieces[0]?.piece_id, source.sourceUuid, source.reportPeriodId],
    );
    await source.query('update ocp_piece set row_count = $2 where piece_id = $1', [
      pieces[0]?.piece_id,
      hours * count,
    ]);
  };
  await source.query(labelSetsSql, [cluster]);
  await fill(
    'pod_usage',
    `label_set_id, pod_usage_cpu_core_seconds, pod_request_cpu_core_seconds, pod_usage_memory_byte_seconds,
     node_capacity_cpu_cores, node_capacity_cpu_core_seconds, node_capacity_memory_bytes,
     node_capacity_memory_byte_seconds, pod, namespace, node, resource_id`,
    `${labelSetSql(`'app-' || item`)}, 60 + item, 90, 1e12, 4, 14400, 16e9, 16e9 * 3600, 'pod-' || item,
     'ns-' || item % ${namespaceCount}, 'node-' || item % ${nodeCount}, 'i-' || item % ${nodeCount}`,
    podCount,
  );
  await fill(
    'storage_usage',
    `persistentvolume_label_set_id, persistentvolumeclaim_label_set_id, persistentvolumeclaim_capacity_bytes,
     persistentvolumeclaim_capacity_byte_seconds, namespace, pod, persistentvolumeclaim, persistentvolume, storageclass`,
    `${labelSetSql(`'app-' || item`)}, ${labelSetSql(`'app-' || item`)}, 1e9, 3600e9, 'ns-' || item % ${namespaceCount},
     'pod-' || item, 'claim-' || item, 'volume-' || item, 'fast'`,
    podCount,
  );
  await fill(
    'node_labels',
    'label_set_id, node',
    `${labelSetSql(`'zone-' || item`)}, 'node-' || item`,
    nodeCount,
  );
  await fill(
    'namespace_labels',
    'label_set_id, namespace',
    `${labelSetSql(`'team-' || item`)}, 'ns-' || item`,
    namespaceCount,
  );
}

/** What a run does after its pieces are loaded. */
async function runSummarySteps(
  deps: ActivityDependencies,
  { sourceUuid, database }: StagedSource,
  month: BillingMonth,
): Promise<void> {
  for (const step of Object.values(summarySteps))
    await step(deps, { schema: database.schema, sourceUuid, month });
}

interface StepInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
}

type Step = (deps: ActivityDependencies, input: StepInput) => Promise<{ outcome: string }>;

/** Nobody else works on these clusters and nothing is swept, so a step that is not done is a defect. */
function done(activity: Step): (deps: ActivityDependencies, input: StepInput) => Promise<void> {
  return async (deps, input) => {
    const { outcome } = await new MockActivityEnvironment().run<
      [],
      { outcome: string },
      () => ReturnType<Step>
    >(() => activity(deps, input));
    if (outcome !== 'done') throw new Error(`expected the step to be done, found ${outcome}`);
  };
}

/** The steps that read or write summaries, in their order. */
export const summarySteps = {
  aggregateDays: done(aggregateDays),
  applyTagMapping: done(applyTagMapping),
  applyCostModel: done(applyCostModel),
  validateDays: done(validateDays),
};

/** What a hundred other clusters have in tables of the tenant that are not partitioned. */
const othersSql = `
  with other as (
      select gen_random_uuid() as source_uuid, number, 100000 + number as period_id
      from generate_series(1, 100) as number
  ),
  provider as (
      insert into reporting_tenant_api_provider (uuid, name, type)
      select source_uuid, 'other-' || number, 'OCP' from other
  ),
  period as (
      insert into reporting_ocpusagereportperiod (
          id, cluster_id, report_period_start, report_period_end, provider_id
      )
      overriding system value
      select period_id, 'other-' || number, '2026-09-01', '2026-10-01', source_uuid from other
  ),
  manifest as (
      insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports, release)
      select period_id, source_uuid, gen_random_uuid(), now(), true, 'complete' from other
  ),
  file as (
      insert into ocp_file (file_id, manifest_id, file_index, file_name, report_kind, state)
      overriding system value
      select period_id, period_id, 0, 'pods', 'pod_usage', 'split' from other
  ),
  piece as (
      insert into ocp_piece (
          file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count,
          checksum, state, hour_mask, live_hours
      )
      select period_id, period_id, source_uuid, period_id, 'pod_usage', '2026-05-01'::date + day, 'k', 0, 0, 'c', 'swept', (1 << 24) - 1, (1 << 24) - 1
      from other, generate_series(0, 180) as day
  ),
  label_set as (
      insert into ocp_label_set (labels_hash, labels, enabled_labels, enabled_keys_hash)
      select sha256(convert_to(number || '.' || item, 'UTF8')), '{"app": "x"}', '{"app": "x"}', ''
      from other, generate_series(1, 500) as item
  ),
  label_days as (
      insert into ocp_label_days (source_uuid, billing_month, data_source, namespace, node, labels_hash, labels, day_mask)
      select source_uuid, '2026-09-01', 'Pod', 'ns', 'node', gen_random_uuid(), '{"app": "x"}', 1
      from other, generate_series(1, 200) as item
  ),
  pod_labels as (
      insert into reporting_ocpusagepodlabel_summary (uuid, key, "values", namespace, node, report_period_id)
      select gen_random_uuid(), key, '{x}', 'ns-' || item, 'node', period_id
      from other, generate_series(1, 100) as item, unnest(array['app', 'environment', 'zone', 'team']) as key
  ),
  volume_labels as (
      insert into reporting_ocpstoragevolumelabel_summary (uuid, key, "values", namespace, node, report_period_id)
      select gen_random_uuid(), key, '{x}', 'ns-' || item, 'node', period_id
      from other, generate_series(1, 100) as item, unnest(array['app', 'environment', 'zone', 'team']) as key
  )
  insert into reporting_ocptags_values (uuid, key, value, cluster_ids, cluster_aliases, namespaces, nodes)
  select gen_random_uuid(), 'app', 'x' || number || '.' || item, array['other'], array['other'], array['ns'], array['node']
  from other, generate_series(1, 200) as item`;

const registerPieceSql = `
  with file as (
      insert into ocp_file (manifest_id, file_index, file_name, report_kind, state)
      select $1, coalesce(max(file_index), -1) + 1, $2::text, $3, 'split' from ocp_file where manifest_id = $1
      returning file_id
  )
  insert into ocp_piece (
      file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count,
      checksum, state, staged_checksum, hour_mask
  )
  select file_id, $1, $4::uuid, $5, $3, $6, $2::text, 0, 0, $2::text || $4::uuid, 'staged', $2::text || $4::uuid, (1 << 24) - 1 from file
  returning piece_id`;

/** $1: the cluster, whose sets are its own; of the 200 only those of its pods, nodes and namespaces are used. */
const labelSetsSql = `
  insert into ocp_label_set (labels_hash, labels, enabled_labels, enabled_keys_hash)
  select
      sha256(convert_to(named.name || '/' || $1::integer, 'UTF8')),
      named.labels,
      named.labels,
      ocp_enabled_keys_hash()
  from (
      select
          kind.name || '-' || item as name,
          jsonb_build_object(kind.name, kind.name || '-' || $1::integer || '-' || item, 'environment', 'production') as labels
      from unnest(array['app', 'zone', 'team']) as kind (name)
      cross join generate_series(0, 199) as item
  ) as named
  on conflict (labels_hash) do nothing`;

function labelSetSql(name: string): string {
  return `(
      select label_set_id from ocp_label_set where labels_hash = sha256(convert_to(${name} || '/' || cluster, 'UTF8'))
  )`;
}
