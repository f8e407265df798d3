import { parse } from 'csv-parse';
import type { ObjectStore } from './object-store/index.ts';

/** One row that was not taken in, as the split listed it. */
export interface ListedReject {
  fileName: string;
  /** number of the row's last line in the file, from 1 */
  line: number;
  /** empty when the row as a whole is wrong */
  column: string;
  reason: string;
  /** the row as it was sent */
  row: string;
}

/**
 * The first rows of a list of rejected rows; no more of the object than these is read.
 * @throws ObjectNotFound when the list is gone
 */
export async function readRejects(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  most: number,
): Promise<ListedReject[]> {
  const rejects: ListedReject[] = [];
  if (most < 1) return rejects;
  const object = await store.get(key);
  const parser = parse({ relax_column_count: true, relax_quotes: true, from_line: 2 });
  // Reading stops in the middle of the object, which is no error.
  object.on('error', (error) => parser.destroy(error));
  try {
    for await (const record of object.pipe(parser) as AsyncIterable<string[]>) {
      const [fileName = '', line = '', column = '', reason = '', row = ''] = record;
      rejects.push({ fileName, line: Number(line), column, reason, row });
      if (rejects.length === most) break;
    }
  } finally {
    object.destroy();
  }
  return rejects;
}
