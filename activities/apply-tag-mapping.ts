import type { PoolClient } from 'pg';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { awaitLock } from '../platform/database/locks.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { daysBehind, recordStep } from '../summary/day-ledger.ts';
import { runStep } from '../summary/month-step.ts';
import type { MonthInput, StepAnswer, StepMonth } from '../summary/month-step.ts';

export type ApplyTagMappingResult = StepAnswer<{ dayCount: number }>;

interface LabelPeriod {
  report_period_id: number;
  has_foreign_days: boolean;
  has_mapping: boolean;
}

const sql = {
  labelPeriod: loadSql('summary/tags/label_period.sql'),
  recordAlias: loadSql('summary/tags/record_alias.sql'),
  tagValuesStale: loadSql('summary/tags/tag_values_stale.sql'),
  tagValues: loadSql('summary/tags/tag_values.sql'),
  mapLabels: loadSql('summary/tags/map_labels.sql'),
};

/**
 * Bring labels up to date for the days of a source and month whose daily summary is newer: label summaries and tag
 * values with the keys as sent, then the tenant's tag mapping in the days' usage rows. One transaction.
 * Label tables are always computed from the whole month, so they do not depend on the order of arrival.
 * Rerun: a second call finds no day behind.
 *
 * @throws PipelineError `SourceVanished` (not retried) if the source is no longer registered
 */
export async function applyTagMapping(
  deps: ActivityDependencies,
  input: MonthInput,
): Promise<ApplyTagMappingResult> {
  return runStep(deps, 'tags', input, (month) => followSummary(input.schema, month));
}

async function followSummary(schema: string, month: StepMonth): Promise<{ dayCount: number }> {
  const { client, sourceUuid, monthStart } = month;
  const days = await daysBehind(month, 'tags');
  if (days.length === 0) return { dayCount: 0 };
  const periods = await client.query<LabelPeriod>(sql.labelPeriod, [sourceUuid, monthStart]);
  const period = periods.rows[0];
  if (period === undefined) return { dayCount: 0 };

  // Before the mapping, which removes the child keys; the label tables keep them.
  await client.query('select ocp_record_label_days($1, $2, $3)', [sourceUuid, monthStart, days]);
  const hasChanged = await refreshLabelSummaries(client, sourceUuid, monthStart, period);
  if (period.has_mapping) await client.query(sql.mapLabels, [sourceUuid, days]);
  await recordStep(month, 'tags', days);
  await refreshTagValues(client, { schema, sourceUuid }, period, hasChanged);
  return { dayCount: days.length };
}

/** Update the month's label summaries from its days. @returns whether a row changed */
async function refreshLabelSummaries(
  client: PoolClient,
  sourceUuid: string,
  monthStart: UsageDay,
  period: LabelPeriod,
): Promise<boolean> {
  const { report_period_id: periodId, has_foreign_days: keepStored } = period;
  await client.query('select ocp_compare_labels($1, $2, $3, $4)', [
    sourceUuid,
    monthStart,
    periodId,
    keepStored,
  ]);
  await client.query('select ocp_write_pod_labels($1), ocp_write_volume_labels($1)', [periodId]);
  const { rows } = await client.query<{ has_changed: boolean }>(
    'select exists (select 1 from ocp_label_changes) as has_changed',
  );
  return rows[0]?.has_changed === true;
}

/**
 * Update the tenant's tag values from the label summaries of all sources: values that this month gained are added, and
 * only if values disappeared are all of them recomputed. They do not depend on the mapping, so they come last: other
 * sources wait for this lock only during one statement.
 */
async function refreshTagValues(
  client: PoolClient,
  { schema, sourceUuid }: { schema: string; sourceUuid: string },
  period: LabelPeriod,
  hasChanged: boolean,
): Promise<void> {
  const { rows } = await client.query<{ stale: boolean }>(sql.tagValuesStale, [
    sourceUuid,
    period.report_period_id,
  ]);
  const stale = rows[0]?.stale === true;
  if (hasChanged || stale) {
    // Without the lock, two concurrent sources would each miss the other's new labels.
    await awaitLock(client, 'tagValues', schema);
    if (stale) await client.query(sql.tagValues);
    else await client.query('select ocp_add_tag_values($1)', [period.report_period_id]);
  }
  await client.query(sql.recordAlias, [sourceUuid]);
}
