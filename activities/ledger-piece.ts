import type { ReportKind } from '../domain/reports/report-kind.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { LabelSets } from '../reports/label-sets.ts';

/** A piece as the ledger has it: its daily CSV, and the rows and the content that this must have. */
export interface LedgerPiece {
  piece_id: number;
  manifest_id: number;
  source_uuid: string;
  report_period_id: number;
  report_kind: ReportKind;
  usage_day: UsageDay;
  object_key: string;
  row_count: number;
  checksum: string;
}

/** The label sets of a piece that is about to be loaded or converted, within the limits of its payload. */
export function labelSetsOf(
  { pool, config }: ActivityDependencies,
  schema: string,
  { report_kind: kind, manifest_id: manifestId }: LedgerPiece,
): LabelSets {
  const { OCP_MAX_NEW_LABEL_KEYS: maxNewKeys, OCP_MAX_NEW_LABEL_SETS: maxNewSets } = config;
  // The labels of virtual machines are those of their pods.
  return new LabelSets(pool, schema, kind !== 'vm_usage', { manifestId, maxNewKeys, maxNewSets });
}
