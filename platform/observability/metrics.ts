import { Context } from '@temporalio/activity';
import { Runtime } from '@temporalio/worker';
import type { MetricsExporterConfig } from '@temporalio/worker';
import { engineNames } from '../config/config.ts';
import { PipelineError } from '../../domain/failures/failures.ts';
import {
  countedFailureType,
  countedFailureTypes,
  countedWorkflows,
} from '../../domain/failures/failure-counts.ts';
import { intakeOutcomes, payloadWays } from '../../domain/payload/intake.ts';
import type { IntakeOutcome, PayloadWay } from '../../domain/payload/intake.ts';
import { reportKinds } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { dailySummaryTable, summaryTableNames } from '../../domain/reports/summary-tables.ts';

/**
 * Upper bounds of the histogram buckets, seconds: a piece takes milliseconds to minutes, a month up to the activity's
 * half hour.
 */
const bucketSeconds = {
  ocp_postgres_csv_load_duration_seconds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800],
  ocp_postgres_aggregation_duration_seconds: [
    0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900, 1_800,
  ],
  ocp_postgres_total_processing_duration_seconds: [
    1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400,
  ],
  // The SDK's own buckets leave a gap between 10 s and 100 s, where the alert about waiting activities decides.
  temporal_activity_schedule_to_start_latency: [
    0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600,
  ],
};

/** What became of a day of a tenant in shadow. */
const comparisonOutcomes = ['equal', 'different', 'failed'] as const;

/** Label value if a step failed before it was known what it worked on. */
const unknownLabel = 'unknown';

/**
 * Options of the Temporal SDK's Prometheus endpoint, which our metrics share. Options that add a suffix or a unit must
 * not be set: they would rename ours too.
 *
 * @param address `host:port`; the host is an IP address or `localhost`
 */
export function metricsEndpoint(address: string): MetricsExporterConfig {
  return {
    prometheus: {
      bindAddress: address.replace(/^localhost:/, '127.0.0.1:'),
      useSecondsForDurations: true,
      histogramBucketOverrides: bucketSeconds,
    },
  };
}

/** The SDK's message when it cannot serve metrics, with the variable that contains the address. */
export function metricsFailure(address: string, cause: unknown): PipelineError {
  return new PipelineError(
    'ConfigInvalid',
    `OCP_METRICS_ADDRESS: metrics cannot be served at "${address}": ` +
      `${cause instanceof Error ? cause.message : String(cause)}; expected an IP address of this machine with a free port`,
    { cause },
  );
}

type Instruments = ReturnType<typeof createInstruments>;
let instruments: Instruments | undefined;

/**
 * Our metrics, on the meter of the process's Temporal runtime; without an endpoint they are dropped. Created on first
 * use, or by a worker when it starts, so that every counter is 0 before its first increment: `increase()` misses a
 * series that begins at 1.
 */
export function pipelineMetrics(): Instruments {
  instruments ??= createInstruments();
  return instruments;
}

function createInstruments() {
  const meter = Runtime.instance().metricMeter;
  const seconds = (name: keyof typeof bucketSeconds, meaning: string) =>
    meter.createHistogram(name, 'float', 's', meaning);
  const created = {
    loadDuration: seconds('ocp_postgres_csv_load_duration_seconds', 'time to copy one piece into staging'),
    aggregationDuration: seconds(
      'ocp_postgres_aggregation_duration_seconds',
      'time to rebuild the changed days of one month in one table',
    ),
    processingDuration: seconds(
      'ocp_postgres_total_processing_duration_seconds',
      'working time of the run of one payload, excluding the time spent waiting',
    ),
    rowsLoaded: meter.createCounter('ocp_postgres_staging_rows_loaded', 'rows', 'rows copied into staging'),
    summaryRows: meter.createCounter(
      'ocp_postgres_summary_rows_created',
      'rows',
      'rows written to summary tables',
    ),
    loadErrors: meter.createCounter(
      'ocp_postgres_csv_load_errors_total',
      undefined,
      'failed attempts to load a piece, and files refused because of their header or too many invalid rows',
    ),
    aggregationErrors: meter.createCounter(
      'ocp_postgres_aggregation_errors_total',
      undefined,
      'failed attempts to rebuild summary tables',
    ),
    validationWarnings: meter.createCounter(
      'ocp_postgres_validation_warnings_total',
      undefined,
      'rejected rows (report_kind) and validation checks that a day of a summary table failed (table)',
    ),
    valuesLeftOut: meter.createCounter(
      'ocp_postgres_values_left_out_total',
      undefined,
      'values left out of accepted rows: numbers printed as absent, labels that cannot be parsed',
    ),
    stagingBytes: meter.createGauge(
      'ocp_postgres_staging_table_size_bytes',
      'int',
      'bytes',
      'size of a staging table with its indexes, over all tenants',
    ),
    manifestsBlocked: meter.createGauge(
      'ocp_postgres_manifests_blocked',
      'int',
      undefined,
      'runs that wait for an operator because their retries are exhausted',
    ),
    payloadsReceived: meter.createCounter(
      'ocp_postgres_payloads_received_total',
      undefined,
      'payloads offered, by way and outcome',
    ),
    cacheClearings: meter.createCounter(
      'ocp_postgres_cache_clearings_total',
      undefined,
      "attempts to delete a tenant's answers from the cache of Koku's API",
    ),
    comparedDays: meter.createCounter(
      'ocp_postgres_shadow_days_total',
      undefined,
      'days of tenants in shadow, by the engine that only computed them and what the comparison found',
    ),
    ...createFailureInstruments(),
  };
  for (const kind of [...reportKinds, unknownLabel]) {
    created.loadErrors.add(0, { report_kind: kind });
    if (kind === unknownLabel) continue;
    created.rowsLoaded.add(0, { report_kind: kind });
    created.validationWarnings.add(0, { report_kind: kind });
    created.valuesLeftOut.add(0, { report_kind: kind });
  }
  for (const table of [...summaryTableNames, unknownLabel]) {
    created.aggregationErrors.add(0, { table });
    if (table !== unknownLabel) created.summaryRows.add(0, { table });
  }
  created.validationWarnings.add(0, { table: dailySummaryTable });
  for (const way of payloadWays)
    for (const outcome of intakeOutcomes) created.payloadsReceived.add(0, { way, outcome });
  for (const outcome of ['deleted', 'failed']) created.cacheClearings.add(0, { outcome });
  for (const engine of [...engineNames, unknownLabel])
    for (const outcome of comparisonOutcomes) created.comparedDays.add(0, { engine, outcome });
  for (const workflow of countedWorkflows)
    for (const type of countedFailureTypes) created.runsFailed.add(0, { workflow, type });
  return created;
}

/** Failures that do not wait for a decision, or have waited in vain. */
function createFailureInstruments() {
  const meter = Runtime.instance().metricMeter;
  return {
    stepErrors: meter.createCounter(
      'ocp_postgres_step_errors_total',
      undefined,
      'failed attempts of a step (activity)',
    ),
    runsFailed: meter.createCounter(
      'ocp_postgres_runs_failed_total',
      undefined,
      'runs of workflows that ended as failed',
    ),
    manifestsFailed: meter.createGauge(
      'ocp_postgres_manifests_failed',
      'int',
      undefined,
      'payloads whose last run failed and that have not been replayed since',
    ),
    cleanUpFailedTenants: meter.createGauge(
      'ocp_postgres_cleanup_failed_tenants',
      'int',
      undefined,
      'tenants for which the last run over all tenants failed',
    ),
  };
}

/** Initialise the counters of some steps to 0 before their first error. */
export function announceSteps(steps: readonly string[]): void {
  for (const step of steps)
    for (const type of countedFailureTypes) pipelineMetrics().stepErrors.add(0, { step, type });
}

/** Count a failed attempt of a step. */
export function recordStepError(step: string, type: string | null | undefined): void {
  pipelineMetrics().stepErrors.add(1, { step, type: countedFailureType(type) });
}

/** Count a run that ended as failed. */
export function recordFailedRun(workflow: string, type: string): void {
  pipelineMetrics().runsFailed.add(1, { workflow, type: countedFailureType(type) });
}

/**
 * Measure the loading of one piece: duration and rows if rows were copied, an error if the attempt failed. A piece that
 * was already in staging does not count as a load; a cancelled attempt is not an error.
 *
 * @param work reports the report kind as soon as it is known
 */
export async function measureLoad<T extends { rowsLoaded: number }>(
  work: (load: { kind?: ReportKind }) => Promise<T>,
): Promise<T> {
  const load: { kind?: ReportKind } = {};
  const startedAt = performance.now();
  const labels = () => ({ report_kind: load.kind ?? unknownLabel });
  try {
    const result = await work(load);
    if (result.rowsLoaded > 0) {
      pipelineMetrics().loadDuration.record(secondsSince(startedAt), labels());
      pipelineMetrics().rowsLoaded.add(result.rowsLoaded, labels());
    }
    return result;
  } catch (error) {
    if (!isCancelled()) pipelineMetrics().loadErrors.add(1, labels());
    throw error;
  }
}

/** The rebuild of one table. @returns the result of the statement */
export type RebuildTable = <R extends { rowCount: number | null }>(
  table: string,
  statement: () => Promise<R>,
) => Promise<R>;

/**
 * Measure the rebuild of summary tables: per table one duration and the rows written, once all of `work` has succeeded,
 * because rows of a rolled-back transaction do not exist; an error for the table at which it failed.
 */
export async function measureAggregation<T>(work: (rebuild: RebuildTable) => Promise<T>): Promise<T> {
  const tables = new Map<string, { seconds: number; rowCount: number }>();
  let running = unknownLabel;
  const rebuild: RebuildTable = async (table, statement) => {
    running = table;
    const startedAt = performance.now();
    const result = await statement();
    const before = tables.get(table) ?? { seconds: 0, rowCount: 0 };
    tables.set(table, {
      seconds: before.seconds + secondsSince(startedAt),
      rowCount: before.rowCount + (result.rowCount ?? 0),
    });
    running = unknownLabel;
    return result;
  };
  try {
    const result = await work(rebuild);
    for (const [table, { seconds, rowCount }] of tables) {
      pipelineMetrics().aggregationDuration.record(seconds, { table });
      pipelineMetrics().summaryRows.add(rowCount, { table });
    }
    return result;
  } catch (error) {
    if (!isCancelled()) pipelineMetrics().aggregationErrors.add(1, { table: running });
    throw error;
  }
}

/** Count one split report file: rows that were rejected, whether they were too many, and values left out. */
export function recordSplitFile(file: {
  kind: ReportKind | null;
  state: string;
  rejectedRowCount: number;
  leftOutCount: number;
}): void {
  if (file.kind === null) return;
  const labels = { report_kind: file.kind };
  if (file.rejectedRowCount > 0) pipelineMetrics().validationWarnings.add(file.rejectedRowCount, labels);
  if (file.leftOutCount > 0) pipelineMetrics().valuesLeftOut.add(file.leftOutCount, labels);
  if (file.state === 'failed') pipelineMetrics().loadErrors.add(1, labels);
}

/** Count a payload that was offered; `received` of an intake process. */
export function recordReceived(way: PayloadWay, outcome: IntakeOutcome): void {
  pipelineMetrics().payloadsReceived.add(1, { way, outcome });
}

/** Count an attempt to delete a tenant's answers from the cache of Koku's API. */
export function recordCacheClearing(outcome: 'deleted' | 'failed'): void {
  pipelineMetrics().cacheClearings.add(1, { outcome });
}

/** Count days of a tenant in shadow. @param engine that only computed them; `unknown` if no worker did */
export function recordComparedDays(
  engine: string,
  outcome: (typeof comparisonOutcomes)[number],
  dayCount: number,
): void {
  if (dayCount > 0) pipelineMetrics().comparedDays.add(dayCount, { engine, outcome });
}

/** Count checks that days of the daily summary failed. */
export function recordDiscrepancies(checkCount: number): void {
  if (checkCount > 0) pipelineMetrics().validationWarnings.add(checkCount, { table: dailySummaryTable });
}

/** Count a payload that succeeded. @param stepMs milliseconds of each step of its run */
export function recordProcessed(stepMs: Readonly<Record<string, number>>): void {
  const totalMs = Object.values(stepMs).reduce((sum, ms) => sum + ms, 0);
  pipelineMetrics().processingDuration.record(totalMs / 1_000);
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000;
}

/** A cancelled statement fails with an error of PostgreSQL, so the attempt is checked, not the error. */
function isCancelled(): boolean {
  return Context.current().cancellationSignal.aborted;
}
