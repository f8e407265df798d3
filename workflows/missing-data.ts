import type { CompleteManifestResult } from '../activities/complete-manifest.ts';
import type { SplitSummary } from '../domain/run/run.ts';

/**
 * What the result at the end of the wait says about files that are still missing. Activities of older workers do not
 * report it, and their runs end as they did then.
 *
 * @returns a warning that names some of them; a reason if none of the files listed in the manifest ever arrived
 */
export function whatNeverCame({
  arrivedCount,
  neverCame,
}: Pick<CompleteManifestResult, 'arrivedCount' | 'neverCame'>): { warnings: string[]; reason?: string } {
  if (neverCame === undefined || neverCame.fileCount === 0) return { warnings: [] };
  const { fileCount, names } = neverCame;
  const more = fileCount > names.length ? ` and ${fileCount - names.length} more` : '';
  const named = `${names.join(', ')}${more}`;
  if (arrivedCount === 0) {
    const reason = `no file of the manifest ever arrived, expected ${named}; send them, or ingest the payload again once they exist`;
    return { warnings: [], reason };
  }
  const files = fileCount === 1 ? '1 file' : `${fileCount} files`;
  return { warnings: [`${files} of the manifest never arrived: ${named}; the rest was summarised`] };
}

/** Why a payload with readable files contributed nothing: every row is of a month that is no longer kept. */
export function allExpired({
  expired,
  rowCount,
  rejectedRowCount,
  failedFileCount,
}: SplitSummary): string | undefined {
  if (expired === undefined || rowCount + rejectedRowCount + failedFileCount > 0) return undefined;
  return `all ${expired.rowCount} rows are from before ${expired.firstKept}, the first day that is kept`;
}
