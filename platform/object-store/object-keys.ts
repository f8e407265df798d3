import { createHash } from 'node:crypto';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { billingMonthOf } from '../../domain/time/usage-day.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';

/** Where the raw archive of a request is kept. */
export function payloadKey(orgId: string, requestId: string): string {
  const safe = requestId.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  // Two requests must not share an object: if the id cannot be part of a key, a hash replaces it.
  const hash = createHash('sha256').update(requestId).digest('hex');
  return `payloads/${orgId}/${safe === requestId ? safe : `${safe}-${hash.slice(0, 16)}`}.tar.gz`;
}

/** The components of the keys of one file's daily CSVs. */
export interface DailyCsvPlace {
  schema: string;
  sourceUuid: string;
  manifestId: number;
  /** position of the file in the manifest's list, from 0 */
  fileIndex: number;
}

/**
 * Key of a daily CSV; the layout is the one that Koku reads. The account is the schema name without a leading `acct`.
 */
export function dailyCsvKey(place: DailyCsvPlace, kind: ReportKind, day: UsageDay): string {
  return `${folder(place, day)}/${kind}.${day}.${place.manifestId}.${place.fileIndex}.csv`;
}

/** Key of the list of a file's rejected rows, next to its daily CSVs of the month. */
export function rejectsKey(place: DailyCsvPlace, month: string): string {
  return `${folder(place, `${month}-01` as UsageDay)}/rejects.${place.manifestId}.${place.fileIndex}.csv`;
}

/** Key of the list of the first values left out of a file's rows, next to its daily CSVs of the month. */
export function leftOutKey(place: DailyCsvPlace, month: string): string {
  return `${folder(place, `${month}-01` as UsageDay)}/left-out.${place.manifestId}.${place.fileIndex}.csv`;
}

function folder(place: DailyCsvPlace, day: UsageDay): string {
  const [year = '', month = ''] = billingMonthOf(day).split('-');
  const account = place.schema.replace(/^acct/, '');
  return `data/csv/${account}/OCP/source=${place.sourceUuid}/year=${year}/month=${month}`;
}
