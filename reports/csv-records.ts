import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse/sync';
import type { Options } from 'csv-parse/sync';
import { PlainKernel } from './fast-path/plain-kernel.ts';

/**
 * A run of plain records, as the original bytes. Plain is what operators write: printable ASCII without quotes, one
 * line each, as many fields as the header. Such a record needs no parsing, only the positions of its fields: field `f`
 * of record `r` ends before byte `ends[r * fieldCount + f]` and starts one byte after the end of the previous field.
 * `bytes` are the records one after the other, each with its `\n`.
 *
 * The kernel holds the run, and `ends`, until the next one is requested; `bytes` remain valid.
 */
export interface PlainRecords {
  readonly form: 'plain';
  readonly kernel: PlainKernel;
  readonly bytes: Buffer;
  readonly recordCount: number;
  readonly fieldCount: number;
  readonly ends: Int32Array;
  /** line of the first record, from 1 */
  readonly line: number;
}

/** One record that is not plain. */
export interface CsvRecord {
  fields: string[];
  /** line on which the record starts, from 1 */
  line: number;
  /** the record as it is in the file, without its line end */
  raw: Buffer;
}

/** Records that csv-parse has read. They always include the first record of a file, its header. */
export interface ParsedRecords {
  readonly form: 'parsed';
  readonly records: CsvRecord[];
}

/** Maximum length of a record; a missing quote would otherwise swallow the rest of a file into memory. */
const maxRecordBytes = 8 * 1024 * 1024;

/** A CSV that cannot be read any further: everything after the line is lost. */
export class CsvUnreadable extends Error {
  override name = 'CsvUnreadable';
  readonly line: number;

  constructor(line: number) {
    super(
      `the record at line ${line} is longer than ${maxRecordBytes} bytes; a closing quote may be missing`,
    );
    this.line = line;
  }
}

/** The end of a file, swallowed by a quote that is never closed. */
export interface UnclosedQuote {
  /** line of the record with the quote, from 1 */
  line: number;
  /** lines from there to the end of the file; the same number of rows is lost */
  lineCount: number;
  /** the first of those lines */
  raw: Buffer;
}

/**
 * Read a CSV as spreadsheets and operators write it: quoting, line breaks within quotes, CRLF, a byte order mark, any
 * number of fields. Invalid UTF-8 becomes U+FFFD, NUL bytes are dropped, blank lines are skipped.
 *
 * csv-parse decides what the records are. Runs of lines that it can only read in one way bypass it, because it takes a
 * hundred times as long as finding the commas. test/reports/csv-records.test.ts compares both.
 *
 * @param kernel finds the plain records; reserved for the reader until it has finished the last run
 * @param onUnclosedQuote called at the end of a file whose last record has a quote that is never closed
 * @throws CsvUnreadable at a record of more than 8 MiB
 */
export async function* csvRecords(
  source: Readable,
  options: {
    kernel?: PlainKernel;
    signal?: AbortSignal;
    onUnclosedQuote?: (end: UnclosedQuote) => void;
  } = {},
): AsyncGenerator<PlainRecords | ParsedRecords> {
  const scanner = new CsvScanner(options.kernel ?? new PlainKernel());
  for await (const chunk of abortable(source, options.signal)) yield* scanner.add(chunk);
  const unclosed = yield* scanner.end();
  if (unclosed !== undefined) options.onUnclosedQuote?.(unclosed);
}

/** The chunks of a stream; reading ends at once if the signal aborts, even while the stream is stalled. */
async function* abortable(source: Readable, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const chunks = new PassThrough();
  const failure = pipeline(source, chunks, signal === undefined ? {} : { signal }).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  // A source that has stalled may never close, and since Node 22 a pipeline waits for that, even if it is aborted.
  const ended = () => (signal?.aborted === true ? undefined : failure);
  try {
    yield* chunks as AsyncIterable<Buffer>;
  } catch (error) {
    throw (await ended())?.error ?? error;
  } finally {
    chunks.destroy();
    await ended();
  }
}

const newline = 0x0a;

/**
 * Bytes given to csv-parse at a time: a call costs 50 µs, and plain lines after the odd one should not go through it.
 */
const maxPatchBytes = 16 * 1024;

const parserOptions: Options = {
  // No detection: a header from one tool and rows from another can have different line ends.
  record_delimiter: ['\r\n', '\n'],
  info: true,
  relax_column_count: true,
  relax_quotes: true,
  skip_empty_lines: true,
  skip_records_with_error: true,
  max_record_size: maxRecordBytes,
};

interface Patch {
  records: CsvRecord[];
  /** bytes that the records take */
  byteCount: number;
  /** the last record has a quote that is not closed yet */
  isOpen: boolean;
}

class CsvScanner {
  readonly #kernel: PlainKernel;
  /** Bytes of an unfinished record, from its start. */
  #rest: Buffer = Buffer.alloc(0);
  /** Line that `#rest` starts on. */
  #line = 1;
  /** 0 until the header is known */
  #fieldCount = 0;
  #isStart = true;
  /** Length of `#rest` below which it is not worth checking again: it contains an open quote. */
  #openUntil = 0;
  #patchBytes = 0;

  constructor(kernel: PlainKernel) {
    this.#kernel = kernel;
  }

  *add(chunk: Buffer): Generator<PlainRecords | ParsedRecords> {
    // The record that the last chunk cut off is completed on its own: joining whole chunks would copy the file once
    // more.
    const firstEnd =
      this.#rest.length > 0 && !this.#isStart && this.#openUntil === 0 ? chunk.indexOf(newline) + 1 : 0;
    this.#rest = joined(this.#rest, firstEnd > 0 ? chunk.subarray(0, firstEnd) : chunk);
    yield* this.#scanRest();
    if (firstEnd === 0) return;
    this.#rest = joined(this.#rest, chunk.subarray(firstEnd));
    yield* this.#scanRest();
  }

  *#scanRest(): Generator<PlainRecords | ParsedRecords> {
    const bytes = this.#skipByteOrderMark(false);
    if (bytes === undefined || bytes.length < this.#openUntil) return;
    this.#openUntil = 0;
    const position = yield* this.#scan(bytes, bytes.lastIndexOf(newline) + 1);
    this.#rest = bytes.subarray(position);
    if (this.#rest.length > maxRecordBytes) throw new CsvUnreadable(this.#line);
  }

  *end(): Generator<PlainRecords | ParsedRecords, UnclosedQuote | undefined> {
    const bytes = this.#skipByteOrderMark(true) ?? this.#rest;
    const position = yield* this.#scan(bytes, bytes.lastIndexOf(newline) + 1);
    const rest = bytes.subarray(position);
    if (rest.length === 0) return undefined;
    const { records, byteCount, isOpen } = this.#parse(rest);
    if (records.length > 0) yield { form: 'parsed', records };
    if (!isOpen) return undefined;
    const lost = rest.subarray(byteCount);
    const firstEnd = lost.indexOf(newline);
    return {
      line: this.#line,
      lineCount: countNewlines(lost) + (lost.at(-1) === newline ? 0 : 1),
      raw: firstEnd === -1 ? lost : withoutLineEnd(lost.subarray(0, firstEnd + 1)),
    };
  }

  /** @returns the bytes to check; undefined while there are too few to decide */
  #skipByteOrderMark(isEnd: boolean): Buffer | undefined {
    if (!this.#isStart) return this.#rest;
    // NUL bytes before the header are not worth keeping.
    if (this.#rest[0] === 0 || this.#rest[1] === 0 || this.#rest[2] === 0)
      this.#rest = Buffer.from(this.#rest.filter((byte) => byte !== 0));
    if (this.#rest.length < 3 && !isEnd) return undefined;
    this.#isStart = false;
    if (this.#rest[0] === 0xef && this.#rest[1] === 0xbb && this.#rest[2] === 0xbf)
      this.#rest = this.#rest.subarray(3);
    return this.#rest;
  }

  /** Read the records of `bytes` up to `limit`, which follows a newline. @returns where the first unread one starts */
  *#scan(bytes: Buffer, limit: number): Generator<PlainRecords | ParsedRecords, number> {
    let position = 0;
    while (position < limit) {
      const run = this.#plainRun(bytes, position, limit);
      if (run.recordCount > 0) {
        yield run;
        position += run.bytes.length;
        this.#line += run.recordCount;
        this.#patchBytes = 0;
        continue;
      }
      const next = yield* this.#patch(bytes, position, limit);
      if (next === position) break;
      position = next;
    }
    return position;
  }

  /** The plain records from `position` on, up to the first that is not. */
  #plainRun(bytes: Buffer, position: number, limit: number): PlainRecords {
    const kernel = this.#kernel;
    const fieldCount = this.#fieldCount;
    const recordCount = fieldCount === 0 ? 0 : kernel.scan(bytes, position, limit, fieldCount);
    const { ends } = kernel;
    const byteCount = recordCount === 0 ? 0 : (ends[recordCount * fieldCount - 1] ?? 0) + 1;
    return {
      form: 'plain',
      kernel,
      bytes: bytes.subarray(position, position + byteCount),
      recordCount,
      fieldCount,
      ends,
      line: this.#line,
    };
  }

  /** Let csv-parse read a few lines from `position` on. @returns where it got to: `position` if a quote stays open */
  *#patch(bytes: Buffer, position: number, limit: number): Generator<ParsedRecords, number> {
    for (;;) {
      const from = Math.min(position + this.#patchBytes, limit - 1);
      const until = bytes.indexOf(newline, from) + 1;
      const { records, byteCount, isOpen } = this.#parse(bytes.subarray(position, until));
      if (this.#fieldCount === 0 && records[0] !== undefined) this.#fieldCount = records[0].fields.length;
      else this.#patchBytes = Math.min(Math.max(2 * this.#patchBytes, 1_024), maxPatchBytes);
      if (records.length > 0) {
        yield { form: 'parsed', records };
        return position + byteCount;
      }
      if (!isOpen) return until;
      const openBytes = limit - position;
      if (openBytes > maxRecordBytes) throw new CsvUnreadable(this.#line);
      if (until === limit) {
        this.#openUntil = Math.min(2 * (bytes.length - position), maxRecordBytes + 1);
        return position;
      }
      this.#patchBytes = 2 * (until - position);
    }
  }

  #parse(bytes: Buffer): Patch {
    const quote = { isOpen: false };
    // PostgreSQL cannot store NUL in text, and no genuine value contains one.
    const hasNul = bytes.includes(0);
    const parsed = parse(hasNul ? Buffer.from(bytes.filter((byte) => byte !== 0)) : bytes, {
      ...parserOptions,
      on_skip: (error) => {
        if (error?.code === 'CSV_MAX_RECORD_SIZE') throw new CsvUnreadable(this.#line);
        quote.isOpen = true;
        return undefined;
      },
    }) as unknown as { record: string[]; info: { bytes: number } }[];
    let byteCount = 0;
    const records = parsed.map(({ record, info }) => {
      const from = this.#passBlankLines(bytes, byteCount);
      byteCount = hasNul ? positionBehind(bytes, info.bytes) : info.bytes;
      const raw = bytes.subarray(from, byteCount);
      const line = this.#line;
      this.#line += countNewlines(raw);
      return { fields: record, line, raw: withoutLineEnd(raw) };
    });
    if (quote.isOpen) byteCount = this.#passBlankLines(bytes, byteCount);
    else {
      this.#line += countNewlines(bytes.subarray(byteCount));
      byteCount = bytes.length;
    }
    return { records, byteCount, isOpen: quote.isOpen };
  }

  #passBlankLines(bytes: Buffer, from: number): number {
    for (let at = from; ;) {
      let lineEnd = at;
      while (bytes[lineEnd] === 0) lineEnd += 1;
      if (bytes[lineEnd] === 0x0d) lineEnd += 1;
      if (bytes[lineEnd] !== newline) return at;
      this.#line += 1;
      at = lineEnd + 1;
    }
  }
}

/** The position after this many bytes other than NUL. */
function positionBehind(bytes: Buffer, count: number): number {
  let at = 0;
  for (let left = count; left > 0; at += 1) if (bytes[at] !== 0) left -= 1;
  return at;
}

function joined(first: Buffer, second: Buffer): Buffer {
  return first.length === 0 ? second : Buffer.concat([first, second]);
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
}

function withoutLineEnd(raw: Buffer): Buffer {
  if (raw.at(-1) !== newline) return raw;
  return raw.subarray(0, raw.at(-2) === 0x0d ? -2 : -1);
}

/** Where field `field` of record `record` starts in the bytes of its run. */
export function plainStart(run: PlainRecords, record: number, field: number): number {
  const at = record * run.fieldCount + field;
  return at === 0 ? 0 : (run.ends[at - 1] ?? 0) + 1;
}

/** Text of field `field` of record `record`. */
export function plainField(run: PlainRecords, record: number, field: number): string {
  return run.bytes.toString(
    'latin1',
    plainStart(run, record, field),
    run.ends[record * run.fieldCount + field],
  );
}

/** All fields of record `record`. */
export function plainFields(run: PlainRecords, record: number): string[] {
  return Array.from({ length: run.fieldCount }, (_, field) => plainField(run, record, field));
}

/** The fields of each record. */
export function fieldsOf(records: PlainRecords | ParsedRecords): string[][] {
  if (records.form === 'parsed') return records.records.map(({ fields }) => fields);
  return Array.from({ length: records.recordCount }, (_, record) => plainFields(records, record));
}

const needsQuotes = /[",\r\n]/;

/** One line of CSV whose last field is bytes in any encoding, which are kept unchanged. */
export function csvLineWithBytes(fields: readonly string[], last: Buffer): Buffer {
  // One character per byte, so that quoting works on bytes.
  const text = last.toString('latin1');
  const quoted = needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const start = csvLine(fields).replace(/\n$/, ',');
  return Buffer.concat([Buffer.from(start), Buffer.from(`${quoted}\n`, 'latin1')]);
}

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
