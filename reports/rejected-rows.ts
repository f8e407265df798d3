import { parse } from 'csv-parse';
import type { ObjectStore } from '../platform/object-store/index.ts';

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

/** One value that a row was taken without, as the split listed it. */
export interface ListedLeftOut {
  fileName: string;
  /** line that the row starts on, from 1 */
  line: number;
  column: string;
  /** as it was sent, its beginning when it is long */
  value: string;
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
  return (await readList(store, key, most)).map(
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
 * The first of a list of values left out, like {@link readRejects}.
 * @throws ObjectNotFound when the list is gone
 */
export async function readLeftOut(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  most: number,
): Promise<ListedLeftOut[]> {
  return (await readList(store, key, most)).map(([fileName = '', line = '', column = '', value = '']) => ({
    fileName,
    line: Number(line),
    column,
    value,
  }));
}

/** The first records behind the header. */
async function readList(store: Pick<ObjectStore, 'get'>, key: string, most: number): Promise<string[][]> {
  const records: string[][] = [];
  if (most < 1) return records;
  const object = await store.get(key);
  const parser = parse({ relax_column_count: true, relax_quotes: true, from_line: 2 });
  // Reading stops in the middle of the object, which is no error.
  object.on('error', (error) => parser.destroy(error));
  try {
    for await (const record of object.pipe(parser) as AsyncIterable<string[]>) {
      records.push(record);
      if (records.length === most) break;
    }
  } finally {
    object.destroy();
  }
  return records;
}
