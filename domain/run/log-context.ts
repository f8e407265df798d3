import type { UsageDay } from '../time/usage-day.ts';

/** The subject of a log line, as far as it is known when the line is written. */
export interface LogContext {
  /** id of the manifest in the ledger and in Koku's tables */
  manifest_id?: number;
  provider_uuid?: string;
  cluster_id?: string;
  start_date?: UsageDay;
  /** last day, included */
  end_date?: UsageDay;
}
