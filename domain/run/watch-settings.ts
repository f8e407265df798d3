import type { FailedTenant } from './cleanup.ts';
import type { RunOptions } from './run.ts';

/** Input of `watchSettings`. */
export interface WatchSettingsInput {
  /** how long settings must be left alone before a month is rebuilt, milliseconds */
  delayMs: number;
  options?: Partial<RunOptions>;
}

/** Result of `watchSettings`, and details of its failure when a tenant could not be looked at. */
export interface WatchSettingsResult {
  /** tenants that were looked at, or tried */
  tenantCount: number;
  /** sources whose rebuild was asked for, or is waiting already */
  sourceCount: number;
  /** tenants that could not be looked at; the others were */
  failedTenants: FailedTenant[];
}

/** Tenants that one activity looks at, by the ids of their customers: short in history, however many they are. */
export interface TenantBatch {
  firstId: number;
  lastId: number;
}

/** What looking at a batch of tenants came to, or has come to so far. */
export interface WatchedTenants {
  tenantCount: number;
  sourceCount: number;
  failedTenants: FailedTenant[];
}

/** Id of the schedule that runs `watchSettings`. */
export const watchSettingsScheduleId = 'watch-settings';
