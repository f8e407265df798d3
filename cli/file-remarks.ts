import { leftOutCountOf } from '../reports/file-remarks.ts';
import type { ManifestDetail } from '../payload/manifest-status.ts';
import { ObjectNotFound } from '../platform/object-store/index.ts';
import { readLeftOut } from '../reports/rejected-rows.ts';
import type { ListedLeftOut } from '../reports/rejected-rows.ts';
import { formatNumber, table } from './output.ts';
import type { Services } from './services.ts';

/** Values left out of the accepted rows of one file. */
export interface FileLeftOut {
  fileName: string;
  /** by column */
  counts: Record<string, number>;
  /** address of the object that lists the first 1,000 of them */
  listedIn: string;
  /** the first ones */
  values: ListedLeftOut[];
}

/** What was left out of each file of a manifest, with a limited number of values per file. */
export async function leftOutOfFiles(
  { objectStore, objectStoreUrl }: Services,
  { files }: ManifestDetail,
  maxCount: number,
): Promise<FileLeftOut[]> {
  const leftOut: FileLeftOut[] = [];
  for (const { fileName, leftOutCounts, leftOutKey } of files)
    if (leftOutKey !== null)
      leftOut.push({
        fileName,
        counts: leftOutCounts,
        listedIn: `${objectStoreUrl.replace(/\/$/, '')}/${leftOutKey}`,
        values: await readLeftOut(objectStore, leftOutKey, maxCount).catch((error: unknown) => {
          // An old month's list is removed with its data; the ledger is still shown.
          if (error instanceof ObjectNotFound) return [];
          throw error;
        }),
      });
  return leftOut;
}

/** Lines that say what was left out of each file, and what is suspicious in it. */
export function remarkLines(leftOut: readonly FileLeftOut[], { files }: ManifestDetail): string[] {
  return [
    ...leftOut.flatMap(({ fileName, counts, listedIn, values }) => [
      `Values left out of ${fileName}, whose rows are kept: ${formatNumber(leftOutCountOf(counts))} (${Object.entries(
        counts,
      )
        .map(([column, count]) => `${column} ${formatNumber(count)}`)
        .join(', ')}), the first in ${listedIn}`,
      table(
        ['line', 'column', 'value'],
        values.map(({ line, column, value }) => [String(line), column, value]),
        '(not shown)',
      ),
    ]),
    ...files.flatMap(({ warnings }) => warnings.map((warning) => `Warning: ${warning}`)),
  ];
}
