import { Transform } from 'node:stream';
import type { Readable, TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import type { Options } from 'csv-parse';

/** One CSV record and the number of its last line in the file, from 1. */
export interface CsvRecord {
  fields: string[];
  line: number;
}

/** Longest record that is believed; a missing quote would otherwise swallow the rest of a file into memory. */
const longestRecordBytes = 8 * 1024 * 1024;

/** A CSV that cannot be read any further: what follows the line is lost. */
export class CsvUnreadable extends Error {
  override name = 'CsvUnreadable';
  readonly line: number;

  constructor(line: number) {
    super(`the record at line ${line} is longer than ${longestRecordBytes} bytes; a quote may be missing`);
    this.line = line;
  }
}

/** The end of a file that a quote which never closes has swallowed. */
export interface UnclosedQuote {
  /** last line of the file, from 1 */
  line: number;
  /** lines from the record with the quote to the end of the file; as many rows are lost */
  lineCount: number;
}

/** PostgreSQL cannot store NUL in text, and no honest value holds one. Nothing passes once `isOver` says so:
 * the parser would go on in the middle of a record. */
function withoutNul(isOver: () => boolean): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      if (isOver()) done();
      else done(null, chunk.includes(0) ? chunk.filter((byte) => byte !== 0) : chunk);
    },
  });
}

/**
 * Read a CSV as spreadsheets and operators write it: quoting, line breaks within quotes, CRLF, a byte order mark, any
 * number of fields. Invalid UTF-8 becomes U+FFFD, NUL bytes are dropped, blank lines are passed over.
 *
 * @param onUnclosedQuote called at the end of a file whose last record has a quote that never closes
 * @throws CsvUnreadable at a record of more than 8 MiB
 */
export async function* csvRecords(
  source: Readable,
  options: { signal?: AbortSignal; onUnclosedQuote?: (end: UnclosedQuote) => void },
): AsyncGenerator<CsvRecord> {
  let lastLine = 0;
  let unclosedAt: number | undefined;
  let unreadable: CsvUnreadable | undefined;
  const parserOptions: Options = {
    bom: true,
    // Not left to detection: a header from one tool and rows from another can end their lines differently.
    record_delimiter: ['\r\n', '\n'],
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: longestRecordBytes,
    on_skip: (error) => {
      const line = (error as { lines?: number } | undefined)?.lines ?? 0;
      if (error?.code === 'CSV_MAX_RECORD_SIZE') unreadable ??= new CsvUnreadable(line);
      else unclosedAt = line;
      return undefined;
    },
  };
  const parser = parse(parserOptions);
  const fed = pipeline(
    source,
    withoutNul(() => unreadable !== undefined),
    parser,
    options.signal === undefined ? {} : { signal: options.signal },
  );
  const failure = fed.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      lastLine = info.lines;
      yield { fields: record, line: info.lines };
    }
    if (unreadable !== undefined) throw unreadable;
    if (unclosedAt !== undefined)
      options.onUnclosedQuote?.({ line: unclosedAt, lineCount: Math.max(1, unclosedAt - lastLine) });
  } catch (error) {
    throw (await failure)?.error ?? error;
  } finally {
    parser.destroy();
    await failure;
  }
}

const needsQuotes = /[",\r\n]/;

/** One line of CSV, quoted where needed, with its line end. */
export function csvLine(fields: readonly string[]): string {
  let line = '';
  for (let i = 0; i < fields.length; i += 1) {
    const field = fields[i] ?? '';
    if (i > 0) line += ',';
    line += needsQuotes.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  }
  // A record of one blank field must not look like a blank line.
  return fields.length === 1 && line === '' ? '""\n' : `${line}\n`;
}
