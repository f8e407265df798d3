/** Rows of a file by what became of them. */
export interface RowCounts {
  /** accepted */
  good: number;
  /** refused, and lines that a quote which never closes has swallowed */
  rejected: number;
  /** of months that are not kept any more: neither good nor bad */
  expired: number;
}

/** Settings that decide how many bad rows a file may have. */
export interface FileLimits {
  /** `MAX_REJECTED_ROWS` */
  maxRejectedRows: number;
  /** `MAX_REJECTED_ROWS_PERCENT` */
  maxRejectedRowsPercent: number;
}

/** A file so bad fails although it has few rows: a small file must not replace good days with what little is readable. */
const smallFile = { maxRejectedPercent: 20, minRejectedRows: 10 };

/**
 * Why a file has too many bad rows (DESIGN §6): more than the number and than the share of the settings, or, with at least 10
 * bad rows, more than a fifth, or nothing that could be read. Whoever allows more than a fifth means it for small files too.
 *
 * @returns the second half of a sentence that begins with the rows; undefined when the file is good enough
 */
export function tooManyBadRows(
  { good, rejected, expired }: RowCounts,
  { maxRejectedRows, maxRejectedRowsPercent }: FileLimits,
): string | undefined {
  if (rejected === 0) return undefined;
  if (good === 0 && expired === 0) return 'no row is good';
  const percent = (100 * rejected) / (good + rejected + expired);
  if (rejected > maxRejectedRows && percent > maxRejectedRowsPercent)
    return `more than ${maxRejectedRows} rows and ${maxRejectedRowsPercent} %`;
  const smallPercent = Math.max(smallFile.maxRejectedPercent, maxRejectedRowsPercent);
  if (rejected >= smallFile.minRejectedRows && percent > smallPercent)
    return `at least ${smallFile.minRejectedRows} rows and more than ${smallPercent} %`;
  return undefined;
}
