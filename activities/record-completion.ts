import { firstDay } from '../domain/time/usage-day.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import type { PhaseWork, StepName } from '../domain/run/work.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { recordProcessed } from '../platform/observability/metrics.ts';
import { resolveFailures } from '../payload/open-failures.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { removeTemporaryOfRun } from '../payload/run-objects.ts';
import { requireSource } from '../summary/require-source.ts';

export interface RecordCompletionInput {
  schema: string;
  manifestId: number;
  /** whose payload was processed; runs of earlier versions do not say */
  orgId?: string;
  requestId?: string;
  sourceUuid: string;
  /** months that were summarised by this run */
  months: readonly BillingMonth[];
  /** working time of the run's steps, for the manifest's `state` and the metric */
  steps?: Partial<Record<StepName, PhaseWork>>;
  /** the same from runs of older workers: milliseconds, without start and end */
  stepMs?: Partial<Record<StepName, number>>;
}

const completeManifestSql = loadSql('intake/complete_manifest.sql');
const completeReportPeriodSql = loadSql('intake/complete_report_period.sql');

/**
 * Record the end of a run on manifest, provider and report periods. Rerun: first completion times are kept.
 *
 * @throws PipelineError `SourceVanished` (not retried) if the source is no longer registered: there is nothing to
 *   complete
 */
export async function recordCompletion(
  deps: ActivityDependencies,
  input: RecordCompletionInput,
): Promise<void> {
  await removeTemporaryOfRun(deps.objectStore);
  const { orgId, requestId, steps = {}, stepMs = {} } = input;
  const state = {
    ...mapValues(stepMs, (ms) => ({ time_taken_seconds: ms / 1_000 })),
    ...mapValues(steps, ({ ms, from, until }) => ({
      start: new Date(from).toISOString(),
      end: new Date(until).toISOString(),
      time_taken_seconds: ms / 1_000,
    })),
  };
  await inTenantTransaction(deps.pool, input.schema, async (client) => {
    await requireSource(client, input);
    await client.query(completeManifestSql, [input.manifestId, input.sourceUuid, JSON.stringify(state)]);
    for (const month of input.months)
      await client.query(completeReportPeriodSql, [input.sourceUuid, firstDay(month)]);
    if (orgId !== undefined && requestId !== undefined)
      await resolveFailures(client, { orgId, requestId }, 'completed');
  });
  recordProcessed({ ...stepMs, ...mapValues(steps, ({ ms }) => ms) });
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
