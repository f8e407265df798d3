import { csvLine } from './csv-records.ts';
import type { ObjectStore } from '../platform/object-store/index.ts';
import { ObjectWriter } from '../platform/object-store/object-writer.ts';

/** A value that was left out of an accepted row. */
export interface LeftOutValue {
  /** line of the file on which the row starts, from 1 */
  line: number;
  column: string;
  /** as sent; only the beginning if it is long */
  value: string;
}

/** Something suspicious about accepted rows. */
export interface SuspiciousRows {
  rowCount: number;
  /** line of the first of them */
  firstLine: number;
}

/** What can be suspicious about a row, besides a negative number, which is reported by its column. */
export const oddIntervals = {
  endsBeforeStart: 'interval_end is before interval_start',
  longerThanDay: 'the interval is longer than a day',
} as const;

/** Maximum number of values listed per file; all are counted. */
const maxListedValues = 1_000;
const maxListedValueLength = 200;

/** Remarks about the accepted rows of one file: values left out, and implausible values. */
export class FileRemarks {
  /** values left out by column */
  readonly leftOutCounts: Record<string, number> = {};
  /** the first {@link maxListedValues} of them */
  readonly leftOut: LeftOutValue[] = [];
  /** by what is suspicious about them */
  readonly suspicious: Record<string, SuspiciousRows> = {};

  /** A value of a row was left out. */
  leaveOut(column: string, line: number, value: string): void {
    this.leftOutCounts[column] = (this.leftOutCounts[column] ?? 0) + 1;
    if (this.leftOut.length < maxListedValues)
      this.leftOut.push({ line, column, value: value.slice(0, maxListedValueLength) });
  }

  /** Rows from a line on are suspicious. */
  suspect(oddity: string, line: number, rowCount = 1): void {
    const known = this.suspicious[oddity];
    if (known === undefined) this.suspicious[oddity] = { rowCount, firstLine: line };
    else known.rowCount += rowCount;
  }

  /** One sentence for each kind of suspicious row. */
  sentences(fileName: string): string[] {
    return Object.entries(this.suspicious).map(
      ([oddity, { rowCount, firstLine }]) =>
        `${fileName}: suspicious, but kept: ${oddity} in ${rowCount} ${rowCount === 1 ? 'row' : 'rows'}, first in line ${firstLine}`,
    );
  }
}

/** List the first values left out in a separate object; none if there are none. */
export async function storeLeftOut(
  leftOut: readonly LeftOutValue[],
  list: {
    fileName: string;
    store: Pick<ObjectStore, 'put'>;
    leftOutKey: string;
    metadata: Record<string, string>;
    signal: AbortSignal;
  },
): Promise<void> {
  if (leftOut.length === 0) return;
  const writer = new ObjectWriter(list.store, list.leftOutKey, list);
  await writer.write(Buffer.from(csvLine(['file', 'line', 'column', 'value'])));
  for (const { line, column, value } of leftOut)
    await writer.write(Buffer.from(csvLine([list.fileName, String(line), column, value])));
  await writer.close();
}

/** Number of values left out, over all columns. */
export function leftOutCountOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Describe how many values were left out, and where; undefined if none were. */
export function leftOutSentence(
  fileName: string,
  counts: Readonly<Record<string, number>>,
): string | undefined {
  const columns = Object.entries(counts).map(([column, count]) => `${column} ${count}`);
  if (columns.length === 0) return undefined;
  const count = leftOutCountOf(counts);
  const values = count === 1 ? '1 value left out, its row' : `${count} values left out, their rows`;
  return `${fileName}: ${values} kept: ${columns.join(', ')}`;
}
