import { firstDay } from '../domain/usage-day.ts';
import type { BillingMonth } from '../domain/usage-day.ts';
import { inTenantTransaction } from '../platform/database.ts';
import { recordProcessed } from '../platform/metrics.ts';
import { loadSql } from '../platform/sql-files.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface RecordCompletionInput {
  schema: string;
  manifestId: number;
  sourceUuid: string;
  /** months that were summarised now */
  months: readonly BillingMonth[];
  /** milliseconds per step, for the manifest's `state` */
  stepMs: { download: number; processing: number; summary: number };
}

const completeManifestSql = loadSql('intake/complete_manifest.sql');
const completeReportPeriodSql = loadSql('intake/complete_report_period.sql');

/** Note the end of a run on manifest, provider and report periods. Rerun: first completion times are kept. */
export async function recordCompletion(
  deps: ActivityDependencies,
  input: RecordCompletionInput,
): Promise<void> {
  const state = Object.fromEntries(
    Object.entries(input.stepMs).map(([step, ms]) => [step, { time_taken_seconds: ms / 1000 }]),
  );
  await inTenantTransaction(deps.pool, input.schema, async (client) => {
    await client.query(completeManifestSql, [input.manifestId, input.sourceUuid, JSON.stringify(state)]);
    for (const month of input.months)
      await client.query(completeReportPeriodSql, [input.sourceUuid, firstDay(month)]);
  });
  recordProcessed(input.stepMs);
}
