import type { RunOptions } from './run.ts';
import type { BillingMonth, UsageDay } from '../time/usage-day.ts';

/** Input of `resummarize`: rebuild days of one source and month although no payload came. */
export interface ResummarizeInput {
  orgId: string;
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  /** first and last day; the whole month when absent, which then also takes on the present rules profile */
  from?: UsageDay;
  until?: UsageDay;
  /** wait this long first; a later change of settings starts the wait anew, milliseconds */
  delayMs?: number;
  /** settings that are waited for; a signal with another hash is a later change */
  settingsHash?: string;
  options?: Partial<RunOptions>;
}

/** Result of `resummarize`. */
export interface ResummarizeResult {
  month: BillingMonth;
  daysSummarised: number;
  summaryRowCount: number;
}

/** Argument of the signal `settingsChanged`. */
export interface SettingsChange {
  settingsHash: string;
}

/** One resummarize that waits for settings to settle, per source and month. */
export function settingsWorkflowId(input: Pick<ResummarizeInput, 'orgId' | 'sourceUuid' | 'month'>): string {
  return `settings:${input.orgId}:${input.sourceUuid}:${input.month}`;
}
