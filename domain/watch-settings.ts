import type { RunOptions } from './run.ts';

/** Input of `watchSettings`. */
export interface WatchSettingsInput {
  /** how long settings must be left alone before a month is rebuilt, milliseconds */
  delayMs: number;
  options?: Partial<RunOptions>;
}

/** Result of `watchSettings`. */
export interface WatchSettingsResult {
  /** sources whose rebuild was asked for, or is waiting already */
  sourceCount: number;
  /** tenants that could not be looked at; the others were */
  failedTenants: string[];
}

/** Id of the schedule that runs `watchSettings`. */
export const watchSettingsScheduleId = 'watch-settings';
