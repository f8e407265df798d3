import type { DayProgress } from './day-progress.ts';
import type { FailureType } from '../failures/failures.ts';
import type { BillingMonth, UsageDay } from '../time/usage-day.ts';
import type { WorkByPhase } from './work.ts';

/** Limits and intervals of one run, fixed when it is started, so that a replay in the UI runs with the same ones. */
export interface RunOptions {
  /** how long the run waits for the other archives of its manifest, milliseconds */
  manifestWaitMs: number;
  /** longest interval between two checks while it waits, milliseconds; it doubles from 1 s */
  manifestPollMaxMs: number;
  /** pieces loaded concurrently */
  loadConcurrency: number;
  /** time limit for all attempts to download or split, milliseconds */
  transferTimeoutMs: number;
  /** time limit for all attempts to load a piece or to run a summary step, milliseconds */
  sqlTimeoutMs: number;
  /** how long a run whose retries are exhausted waits for an operator, milliseconds */
  blockedWaitMs: number;
  /** initial and maximum retry interval of an activity, milliseconds */
  retryInitialMs: number;
  retryMaxMs: number;
}

/** The defaults of a run that is started by hand without options. */
export const defaultRunOptions: RunOptions = {
  manifestWaitMs: 15 * 60_000,
  manifestPollMaxMs: 30_000,
  loadConcurrency: 8,
  transferTimeoutMs: 6 * 3_600_000,
  sqlTimeoutMs: 12 * 3_600_000,
  blockedWaitMs: 24 * 3_600_000,
  retryInitialMs: 2_000,
  retryMaxMs: 120_000,
};

/**
 * Input of `ingestManifest`: self-contained and without secrets, so that "Start Workflow Like This One" works at any
 * time. The download address, if there was one, is in the inbox row until the payload is archived.
 */
export interface IngestManifestInput {
  orgId: string;
  /** ingress request id, or SHA-256 of the payload */
  requestId: string;
  /** row of `payload_inbox` */
  inboxId: string;
  options?: Partial<RunOptions>;
  /** set if the run continues as new after many pieces: its state so far */
  carried?: CarriedRun;
}

/** State that survives continue-as-new. */
export interface CarriedRun {
  payload: AcceptedPayload;
  split: SplitSummary;
  /** counted by the runs that it continues */
  progress?: CarriedProgress;
}

/** What a run has counted when it continues as new. */
export interface CarriedProgress extends Pick<
  RunProgress,
  'piecesLoaded' | 'rowsLoaded' | 'daysSummarised' | 'phaseMs'
> {
  work: WorkByPhase;
}

/** A payload whose archive and manifest are valid and whose cluster is known. */
export interface AcceptedPayload {
  schema: string;
  sourceUuid: string;
  clusterId: string;
  clusterAlias: string;
  manifestUuid: string;
  /** ISO 8601, UTC */
  manifestDate: string;
  billingMonth: BillingMonth;
  fileCount: number;
  operatorVersion: string;
  /** set if the manifest lists resource-optimisation files and there is a bucket for them */
  hasRosFiles?: true;
}

/** Why a report file failed. */
export type FileFailure = Extract<FailureType, 'TooManyRejectedRows' | 'ReportHeaderInvalid'>;

/** Result of splitting the archive. Rows and files are those of this archive. */
export interface SplitSummary {
  manifestId: number;
  months: BillingMonth[];
  fileCount: number;
  failedFileCount: number;
  /** why the first of them failed; absent in histories of earlier versions */
  failure?: FileFailure;
  rowCount: number;
  rejectedRowCount: number;
  /** rows of months that are no longer kept, and the first day that is; absent if there are none */
  expired?: { rowCount: number; firstKept: UsageDay };
  /** values left out of accepted rows; absent in histories of earlier versions */
  leftOutCount?: number;
  pieceCount: number;
  warnings: string[];
}

/** State of a run, shown as `PipelineState` in the Temporal UI. */
export type PipelineState =
  | 'downloading'
  | 'splitting'
  | 'loading'
  | 'waiting'
  | 'aggregating'
  | 'summarising'
  | 'validating'
  | 'blocked'
  | 'completed'
  | 'incomplete'
  | 'ignored'
  | 'failed'
  | 'cancelled';

/** Answer of the query `progress`. */
export interface RunProgress {
  state: PipelineState;
  /** one short line for people */
  detail: string;
  manifestUuid?: string;
  clusterId?: string;
  rowCount: number;
  piecesLoaded: number;
  pieceCount: number;
  rowsLoaded: number;
  /** files that have not arrived yet; at most five names */
  waitingFor: string[];
  daysSummarised: number;
  /** days of the payload, in order; only the latest ones if there are very many */
  days: DayProgress[];
  /** steps that wait for an operator's decision */
  openFailureCount: number;
  /** milliseconds: the activities of each phase, concurrent work counted once; for `waiting` and `blocked`, the wait */
  phaseMs: Partial<Record<PipelineState, number>>;
}

/** Result of `ingestManifest`. Well below 10 KiB. */
export interface IngestManifestResult {
  /** incomplete: none of the files listed in the manifest ever arrived */
  outcome: 'completed' | 'incomplete' | 'ignored';
  /** why it was ignored or is incomplete */
  reason?: string;
  manifestUuid?: string;
  clusterId?: string;
  fileCount: number;
  failedFileCount: number;
  rowCount: number;
  rejectedRowCount: number;
  /** rows left out because their months are no longer kept; absent if there are none */
  expiredRowCount?: number;
  /** values left out of accepted rows; absent in histories of earlier versions */
  leftOutCount?: number;
  rowsLoaded: number;
  daysSummarised: number;
  summaryRowCount: number;
  /** cost rows of the days whose costs were written; absent in histories of earlier versions */
  costRowCount?: number;
  /** discrepancies between daily relations and summaries; `status` shows them */
  validationWarningCount: number;
  /** complete: every file of the manifest arrived; timeout: some never did */
  release?: 'complete' | 'timeout';
  warnings: string[];
  phaseMs: Partial<Record<PipelineState, number>>;
}

/** Longest list of names or sentences that passes through history. */
export const maxNamesInHistory = 20;

/** Workflow id of a payload: one run per archive, and the same message twice joins the same run. */
export function ingestWorkflowId(orgId: string, requestId: string): string {
  return `manifest:${orgId}:${requestId}`;
}

/** Task queues, split by the resource that is scarce. */
export const taskQueues = {
  /** workflows and short activities */
  pipeline: 'ocp-pipeline',
  /** object store and COPY */
  load: 'ocp-load',
  /** aggregation */
  sql: 'ocp-sql',
  /** sweep and purge */
  maintenance: 'ocp-maintenance',
} as const;

/** Task queues of engines that need servers of their own: only workers that know these servers poll them. */
export const engineQueues = {
  /** conversions and queries of months of Trino */
  trino: 'ocp-trino',
} as const;

/** What an activity on a common queue answers about work of such an engine: ask again on that engine's queue. */
export interface Elsewhere {
  outcome: 'elsewhere';
  engine: keyof typeof engineQueues;
}

/** Whether an activity has to be asked again on the queue of an engine. */
export function isElsewhere(answer: unknown): answer is Elsewhere {
  return (answer as Partial<Elsewhere> | null | undefined)?.outcome === 'elsewhere';
}
