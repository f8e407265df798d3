import type { RunOptions } from './run.ts';
import { steps } from './steps.ts';
import type { StepName } from './steps.ts';
import type { BillingMonth, UsageDay } from '../time/usage-day.ts';

/** Input of `resummarize`: rebuild days of one source and month without a new payload. */
export interface ResummarizeInput {
  orgId: string;
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  /** first and last day; if absent the whole month, which then also gets the current rules profile */
  from?: UsageDay;
  until?: UsageDay;
  /** delay before the rebuild; a later change of settings restarts it, milliseconds */
  delayMs?: number;
  /** settings that the rebuild waits for; a signal with a different hash is a later change */
  settingsHash?: string;
  /** first step that the settings concern, as in {@link SettingsChange} */
  step?: StepName | 'reports';
  options?: Partial<RunOptions>;
}

/** Input of `recalculateCosts`: costs and report tables of one source and month anew, where they are behind. */
export type RecalculateCostsInput = Pick<
  ResummarizeInput,
  'orgId' | 'schema' | 'sourceUuid' | 'month' | 'delayMs' | 'settingsHash' | 'options'
>;

/** Result of `recalculateCosts`. */
export interface RecalculateCostsResult {
  month: BillingMonth;
  /** days whose costs were written, because their cost model differed */
  daysPriced: number;
  costRowCount: number;
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
  /**
   * first step of the chain that the change concerns: later than the aggregation, only the steps that are behind are
   * done; absent (earlier versions): all of them, for every day; reports: the name of costs in earlier versions
   */
  step?: StepName | 'reports';
}

/** Whether a rebuild summarises every day again; otherwise only the steps that are behind are done. */
export function summarisesAnew({ step }: Pick<SettingsChange, 'step'>): boolean {
  return step === undefined || step === steps[0].name;
}

/** One recalculation of costs that waits for settings to settle, per source and month. */
export function costsWorkflowId(
  input: Pick<RecalculateCostsInput, 'orgId' | 'sourceUuid' | 'month'>,
): string {
  return `costs:${input.orgId}:${input.sourceUuid}:${input.month}`;
}

/** One resummarize that waits for settings to settle, per source and month. */
export function settingsWorkflowId(input: Pick<ResummarizeInput, 'orgId' | 'sourceUuid' | 'month'>): string {
  return `settings:${input.orgId}:${input.sourceUuid}:${input.month}`;
}
