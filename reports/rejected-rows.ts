import { parse } from 'csv-parse';
import type { ObjectStore } from '../platform/object-store/index.ts';

/** One rejected row, as listed by the split. */
export interface ListedReject {
  fileName: string;
  /** number of the row's last line in the file, from 1 */
  line: number;
  /** empty if the row as a whole is invalid */
  column: string;
  reason: string;
  /** the row as it was sent */
  row: string;
}

/** One value left out of an accepted row, as listed by the split. */
export interface ListedLeftOut {
  fileName: string;
  /** line on which the row starts, from 1 */
  line: number;
  column: string;
  /** as sent; only the beginning if it is long */
  value: string;
}

/**
 * The first rows of a list of rejected rows; only this part of the object is read.
 * @throws ObjectNotFound if the list is gone
 */
export async function readRejects(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  maxCount: number,
): Promise<ListedReject[]> {
  return (await readList(store, key, maxCount)).map(
    ([fileName = '', line = '', column = '', reason = '', row = '']) => ({
      fileName,
      line: Number(line),
      column,
      reason,
      row,
    }),
  );
}

/**
 * The first entries of a list of values left out, like {@link readRejects}.
 * @throws ObjectNotFound if the list is gone
 */
export async function readLeftOut(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  maxCount: number,
): Promise<ListedLeftOut[]> {
  return (await readList(store, key, maxCount)).map(
    ([fileName = '', line = '', column = '', value = '']) => ({
      fileName,
      line: Number(line),
      column,
      value,
    }),
  );
}

/** The first records after the header. */
async function readList(store: Pick<ObjectStore, 'get'>, key: string, maxCount: number): Promise<string[][]> {
  const records: string[][] = [];
  if (maxCount < 1) return records;
  const object = await store.get(key);
  const parser = parse({ relax_column_count: true, relax_quotes: true, from_line: 2 });
  // Reading stops in the middle of the object, which is not an error.
  object.on('error', (error) => parser.destroy(error));
  try {
    for await (const record of object.pipe(parser) as AsyncIterable<string[]>) {
      records.push(record);
      if (records.length === maxCount) break;
    }
  } finally {
    object.destroy();
  }
  return records;
}
