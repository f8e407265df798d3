import type { FailedTenant } from './cleanup.ts';
import type { RunOptions } from './run.ts';

/** Input of `watchSettings`. */
export interface WatchSettingsInput {
  /** how long settings must stay unchanged before a month is rebuilt, milliseconds */
  delayMs: number;
  options?: Partial<RunOptions>;
}

/** Result of `watchSettings`, and details of its failure if a tenant could not be checked. */
export interface WatchSettingsResult {
  /** tenants that were checked, successfully or not */
  tenantCount: number;
  /** sources whose rebuild was requested, or is already waiting */
  sourceCount: number;
  /** tenants that could not be checked; the others were */
  failedTenants: FailedTenant[];
}

/** Tenants that one activity checks, as a range of customer ids: short in history, however many they are. */
export interface TenantBatch {
  firstId: number;
  lastId: number;
}

/** Result of checking a batch of tenants, so far or in total. */
export interface WatchedTenants {
  tenantCount: number;
  sourceCount: number;
  failedTenants: FailedTenant[];
}

/** Id of the schedule that runs `watchSettings`. */
export const watchSettingsScheduleId = 'watch-settings';
