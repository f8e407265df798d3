import { MockActivityEnvironment } from '@temporalio/testing';
import { applyTagMapping } from '../../activities/apply-tag-mapping.ts';
import type { ApplyTagMappingResult } from '../../activities/apply-tag-mapping.ts';
import type { ActivityDependencies } from '../../platform/runtime/dependencies.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { loadConfig } from '../../platform/config/config.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import type { TestDatabase } from '../support/database.ts';
import type { Labels, StagedSource } from '../support/staging-fixture.ts';

/** One usage row of the daily summary, reduced to what labels depend on. */
export interface LabelledRow {
  source?: 'Pod' | 'Storage';
  namespace: string;
  node: string | null;
  labels: Labels;
}

/** The month all these tests work in. */
export const month = billingMonth('2026-10');

/** Put a day's usage rows in place and raise the day's version, as a rebuild does. */
export async function rebuildDay(
  source: StagedSource,
  day: string,
  rows: readonly LabelledRow[],
): Promise<void> {
  await source.query(
    `with removed as (
         delete from reporting_ocpusagelineitem_daily_summary
         where source_uuid = $1 and usage_start = $2 and cost_model_rate_type is null
     )
     insert into ocp_day as known (source_uuid, usage_day, version, pieces_hash, settings_hash, rules)
     values ($1, $2, 1, '', '', 'koku')
     on conflict (source_uuid, usage_day) do update set version = known.version + 1`,
    [source.sourceUuid, day],
  );
  for (const row of rows) await addSummaryRow(source, day, row);
}

/** Add one row to the daily summary of a day; with a rate type it is a cost row. */
export async function addSummaryRow(
  source: StagedSource,
  day: string,
  row: LabelledRow,
  rateType: string | null = null,
): Promise<void> {
  await source.query(
    `insert into reporting_ocpusagelineitem_daily_summary (
         uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end, namespace, node,
         pod_labels, volume_labels, all_labels, cost_model_rate_type, source_uuid
     )
     values (
         gen_random_uuid(), $1, $2, 'alias', $3::text, $4, $4, $5, $6,
         case $3::text when 'Pod' then $7::jsonb end, case $3::text when 'Storage' then $7::jsonb end, $7::jsonb, $8, $9
     )`,
    [
      source.reportPeriodId,
      source.clusterId,
      row.source ?? 'Pod',
      day,
      row.namespace,
      row.node,
      JSON.stringify(row.labels),
      rateType,
      source.sourceUuid,
    ],
  );
}

/** What activities need, without a worker. */
export function dependenciesOf(
  database: TestDatabase,
  environment: Record<string, string> = {},
): ActivityDependencies {
  const objectStoreUrl = 'file:///nonexistent';
  return {
    pool: database.pool,
    databaseUrl: database.url,
    objectStore: openObjectStore({ url: objectStoreUrl, s3: { endpoint: undefined } }),
    config: loadConfig({ DATABASE_URL: database.url, OBJECT_STORE: objectStoreUrl, ...environment }),
    now: () => new Date('2026-11-05T12:00:00Z'),
  };
}

/** Run the activity for the month of the tests. */
export async function applyTags(database: TestDatabase, sourceUuid: string): Promise<ApplyTagMappingResult> {
  const input = { schema: database.schema, sourceUuid, month };
  return new MockActivityEnvironment().run(() => applyTagMapping(dependenciesOf(database), input));
}

/** Rows of a label summary as `key namespace node: values`, sorted; `-` is no node. */
export async function labelSummary(source: StagedSource, table: 'pod' | 'volume'): Promise<string[]> {
  const name =
    table === 'pod' ? 'reporting_ocpusagepodlabel_summary' : 'reporting_ocpstoragevolumelabel_summary';
  const rows = await source.query<{ line: string }>(
    `select concat_ws(' ', key, namespace, coalesce(node, '-')) || ': ' || array_to_string("values", ',') as line
     from ${name} where report_period_id = $1 order by 1`,
    [source.reportPeriodId],
  );
  return rows.map((row) => row.line);
}

/** Label maps of a source's usage rows of one data source, in the order of their days and namespaces. */
export async function usageLabels(source: StagedSource, dataSource: 'Pod' | 'Storage'): Promise<Labels[]> {
  const column = dataSource === 'Pod' ? 'pod_labels' : 'volume_labels';
  const rows = await source.query<{ labels: Labels }>(
    `select ${column} as labels from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and data_source = $2 and cost_model_rate_type is null
     order by usage_start, namespace, node`,
    [source.sourceUuid, dataSource],
  );
  return rows.map((row) => row.labels);
}
