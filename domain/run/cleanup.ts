import { msPerDay } from '../time/usage-day.ts';
import type { RunOptions } from './run.ts';

/** Ids of the cleanup schedules; the workflows that they start have the same ids. */
export const sweepStagingScheduleId = 'sweep-staging';
export const purgeExpiredScheduleId = 'purge-expired';

/** Input of `sweepStaging`. */
export interface SweepStagingInput {
  /** days that staging is kept after the end of a partition; if absent, the worker's configuration */
  retentionDays?: number;
  /** "now" of a run started by hand, ISO 8601; if absent, the scheduled time. `OCP_NOW` overrides both */
  nowIso?: string;
  options?: Partial<RunOptions>;
}

/** A tenant, by its organisation and its schema. */
export interface Tenant {
  orgId: string;
  schema: string;
}

/** A tenant that could not be cleaned up, and why. */
export interface FailedTenant {
  orgId: string;
  reason: string;
}

/** What the sweep did in one tenant. Lists are cut to {@link maxNamesInHistory} entries; counts are not. */
export interface SweptTenant {
  droppedCount: number;
  dropped: string[];
  /** partitions in use at the moment: the next sweep tries again */
  busyCount: number;
  busy: string[];
  /** old partitions with pieces that have not been summarised yet */
  pinnedCount: number;
  pinned: string[];
  /** partitions that do not begin and end at midnight UTC: not ours, left unchanged */
  unalignedCount: number;
  /** pieces whose rows were deleted inside a month that goes on; absent in results of earlier versions */
  sweptPieceCount?: number;
  labelSetCount: number;
}

/** Result of `sweepStaging`, and details of its failure if a tenant could not be swept. */
export interface SweepStagingResult {
  tenantCount: number;
  droppedCount: number;
  sweptPieceCount: number;
  labelSetCount: number;
  pinnedCount: number;
  busyCount: number;
  /** `schema.partition` */
  busy: string[];
  failedTenants: FailedTenant[];
}

/** Input of `purgeExpired`. */
export interface PurgeExpiredInput {
  /** as in {@link SweepStagingInput} */
  nowIso?: string;
  /** first pause before a tenant whose tables are in use is retried; it doubles, milliseconds */
  busyPauseMs?: number;
  /** number of attempts before a tenant counts as failed */
  busyAttempts?: number;
  options?: Partial<RunOptions>;
}

/** Rows and objects that a purge removed. */
export interface PurgedCounts {
  partitionCount: number;
  /** rows of summaries and daily relations in default partitions and in partitions that extend beyond the cutoff */
  summaryRowCount: number;
  reportPeriodCount: number;
  manifestCount: number;
  pieceCount: number;
  objectCount: number;
  payloadCount: number;
}

/** What the purge did in one tenant. */
export type PurgedTenant =
  /** the tenant's retention cannot be read */
  | { outcome: 'skipped'; reason: string }
  /** some tables or sources are in use: everything else was removed, ask again for the rest */
  | { outcome: 'busy'; busy: string[]; counts: PurgedCounts }
  | { outcome: 'done'; counts: PurgedCounts };

/** Result of `purgeExpired`, and details of its failure if a tenant could not be purged. */
export interface PurgeExpiredResult extends PurgedCounts {
  tenantCount: number;
  skippedTenants: FailedTenant[];
  failedTenants: FailedTenant[];
}

/** Nothing removed yet. */
export const nothingPurged: PurgedCounts = {
  partitionCount: 0,
  summaryRowCount: 0,
  reportPeriodCount: 0,
  manifestCount: 0,
  pieceCount: 0,
  objectCount: 0,
  payloadCount: 0,
};

/** What an unfinished attempt carries: in its heartbeats, and in the details of its failure. */
export interface PurgeSoFar {
  counts: PurgedCounts;
}

/** The counts among the details of a heartbeat or a failure; undefined if there are none. */
export function purgedSoFar(details: unknown): PurgedCounts {
  const counts = (details as Partial<PurgeSoFar> | null | undefined)?.counts;
  return addCounts(nothingPurged, { ...nothingPurged, ...counts });
}

/** Sum of two counts. */
export function addCounts(a: PurgedCounts, b: PurgedCounts): PurgedCounts {
  return {
    partitionCount: a.partitionCount + b.partitionCount,
    summaryRowCount: a.summaryRowCount + b.summaryRowCount,
    reportPeriodCount: a.reportPeriodCount + b.reportPeriodCount,
    manifestCount: a.manifestCount + b.manifestCount,
    pieceCount: a.pieceCount + b.pieceCount,
    objectCount: a.objectCount + b.objectCount,
    payloadCount: a.payloadCount + b.payloadCount,
  };
}

/** Staging that ends at this instant or earlier is old. */
export function stagingCutoff(now: Date, retentionDays: number): Date {
  return new Date(now.getTime() - retentionDays * msPerDay);
}
