import type { PoolClient } from 'pg';
import { firstDay } from '../domain/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/usage-day.ts';
import { inTenantTransaction } from '../platform/database.ts';
import { tryLockSource } from '../platform/source-lock.ts';
import { loadSql } from '../platform/sql-files.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { withHeartbeat } from './heartbeat.ts';

export interface ApplyTagMappingInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
}

export type ApplyTagMappingResult = { outcome: 'busy' } | { outcome: 'done'; dayCount: number };

interface LabelPeriod {
  report_period_id: number;
  has_foreign_days: boolean;
}

const sql = {
  daysBehind: loadSql('tags/days_behind.sql'),
  labelPeriod: loadSql('tags/label_period.sql'),
  labelDays: loadSql('tags/label_days.sql'),
  podLabelSummary: loadSql('tags/pod_label_summary.sql'),
  volumeLabelSummary: loadSql('tags/volume_label_summary.sql'),
  tagValuesStale: loadSql('tags/tag_values_stale.sql'),
  tagValues: loadSql('tags/tag_values.sql'),
  mapPodLabels: loadSql('tags/map_pod_labels.sql'),
  mapVolumeLabels: loadSql('tags/map_volume_labels.sql'),
  recordDays: loadSql('tags/record_days.sql'),
};

/**
 * Bring labels up to date for the days of a source and month whose daily summary is newer: label summaries and tag
 * values with the keys as sent, then the tenant's tag mapping in the days' usage rows. One transaction.
 * Label tables are computed from the whole month each time, so the order of arrival leaves no trace in them.
 * Rerun: a second call finds no day behind.
 */
export async function applyTagMapping(
  deps: ActivityDependencies,
  input: ApplyTagMappingInput,
): Promise<ApplyTagMappingResult> {
  return withHeartbeat(async (_report, signal) =>
    inTenantTransaction(deps.pool, input.schema, (client) => followSummary(client, input), signal),
  );
}

async function followSummary(
  client: PoolClient,
  { sourceUuid, month }: ApplyTagMappingInput,
): Promise<ApplyTagMappingResult> {
  const monthStart = firstDay(month);
  if (!(await tryLockSource(client, sourceUuid))) return { outcome: 'busy' };
  const behind = await client.query<{ usage_day: UsageDay }>(sql.daysBehind, [sourceUuid, monthStart]);
  const days = behind.rows.map((row) => row.usage_day);
  if (days.length === 0) return { outcome: 'done', dayCount: 0 };
  const periods = await client.query<LabelPeriod>(sql.labelPeriod, [sourceUuid, monthStart]);
  const period = periods.rows[0];
  if (period === undefined) return { outcome: 'done', dayCount: 0 };

  // Before the mapping: it takes the child keys away, which the label tables keep.
  await client.query(sql.labelDays, [sourceUuid, monthStart, days]);
  const changedRowCount = await refreshLabelSummaries(client, sourceUuid, monthStart, period);
  await client.query(sql.mapPodLabels, [sourceUuid, days]);
  await client.query(sql.mapVolumeLabels, [sourceUuid, days]);
  await client.query(sql.recordDays, [sourceUuid, days]);
  await refreshTagValues(client, sourceUuid, period, changedRowCount);
  return { outcome: 'done', dayCount: days.length };
}

/** Make the month's label summaries what its days hold. @returns rows written or removed */
async function refreshLabelSummaries(
  client: PoolClient,
  sourceUuid: string,
  monthStart: UsageDay,
  period: LabelPeriod,
): Promise<number> {
  let changedRowCount = 0;
  for (const text of [sql.podLabelSummary, sql.volumeLabelSummary]) {
    const { rows } = await client.query<{ changed_row_count: number }>(text, [
      sourceUuid,
      monthStart,
      period.report_period_id,
      period.has_foreign_days,
    ]);
    changedRowCount += rows[0]?.changed_row_count ?? 0;
  }
  return changedRowCount;
}

/**
 * Make the tenant's tag values what the label summaries of all sources hold. They do not depend on the mapping, so they
 * come last: the lock that other sources wait for is held for this one statement.
 */
async function refreshTagValues(
  client: PoolClient,
  sourceUuid: string,
  period: LabelPeriod,
  changedRowCount: number,
): Promise<void> {
  const { rows } = await client.query<{ stale: boolean }>(sql.tagValuesStale, [
    sourceUuid,
    period.report_period_id,
  ]);
  if (changedRowCount === 0 && rows[0]?.stale !== true) return;
  // Without the lock, two sources at once would each miss the other's new labels. Its holder waits for no other lock, so
  // nobody waits in a circle.
  await client.query(
    `select pg_advisory_xact_lock(hashtextextended('ocp-tag-values:' || current_schema(), 0))`,
  );
  await client.query(sql.tagValues);
}
