/** Rows of a file by outcome. */
export interface RowCounts {
  /** accepted */
  good: number;
  /** rejected, and lines swallowed by a quote that is never closed */
  rejected: number;
  /** of months that are no longer kept: neither valid nor invalid */
  expired: number;
}

/** Settings that decide how many invalid rows a file may have. */
export interface FileLimits {
  /** `MAX_REJECTED_ROWS` */
  maxRejectedRows: number;
  /** `MAX_REJECTED_ROWS_PERCENT` */
  maxRejectedRowsPercent: number;
}

/**
 * A file this bad fails even if it has few rows: a small file must not replace good days with the few rows that are
 * readable.
 */
const smallFile = { maxRejectedPercent: 20, minRejectedRows: 10 };

/**
 * Why a file has too many invalid rows (DESIGN §6): more than both the number and the percentage of the settings, or,
 * with at least 10 invalid rows, more than a fifth, or no valid row at all. A setting above a fifth applies to small
 * files too.
 *
 * @returns the second half of a sentence that begins with the rows; undefined if the file is acceptable
 */
export function tooManyBadRows(
  { good, rejected, expired }: RowCounts,
  { maxRejectedRows, maxRejectedRowsPercent }: FileLimits,
): string | undefined {
  if (rejected === 0) return undefined;
  if (good === 0 && expired === 0) return 'no row is valid';
  const percent = (100 * rejected) / (good + rejected + expired);
  if (rejected > maxRejectedRows && percent > maxRejectedRowsPercent)
    return `more than ${maxRejectedRows} rows and ${maxRejectedRowsPercent} %`;
  const smallPercent = Math.max(smallFile.maxRejectedPercent, maxRejectedRowsPercent);
  if (rejected >= smallFile.minRejectedRows && percent > smallPercent)
    return `at least ${smallFile.minRejectedRows} rows and more than ${smallPercent} %`;
  return undefined;
}
