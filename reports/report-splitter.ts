import type { Readable } from 'node:stream';
import { tooManyBadRows } from '../domain/payload/file-limits.ts';
import type { FileLimits } from '../domain/payload/file-limits.ts';
import { detectReportKind, repeatedColumns } from '../domain/reports/report-kind.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import type { FileFailure } from '../domain/run/run.ts';
import type { RowWindow } from '../domain/time/retention.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { CsvUnreadable, csvLine, csvLineWithBytes, csvRecords, plainStart } from './csv-records.ts';
import type { CsvRecord, PlainRecords, UnclosedQuote } from './csv-records.ts';
import { FileRemarks, storeLeftOut } from './file-remarks.ts';
import type { ObjectStore } from '../platform/object-store/index.ts';
import { ObjectWriter } from '../platform/object-store/object-writer.ts';
import { withPlainKernel } from './fast-path/plain-kernel.ts';
import type { PlainKernel } from './fast-path/plain-kernel.ts';
import { rowCheck } from './report-rows.ts';
import type { CheckedRow, RowCheck, RowPlace, RowProblem } from './report-rows.ts';

/** One daily CSV produced from a file. */
export interface SplitPiece {
  usageDay: UsageDay;
  objectKey: string;
  byteCount: number;
  rowCount: number;
  /** rejected rows whose `interval_start` is in the day; the others are counted for the file only */
  rejectedRowCount: number;
  /** bit h is set when a row starts in UTC hour h */
  hourMask: number;
  /** SHA-256 of the daily CSV, hexadecimal; `none` for a failed file, whose CSVs are not kept */
  checksum: string;
}

/** The kind of a report file, and its pieces. */
export interface SplitFileResult {
  fileName: string;
  state: 'split' | 'empty' | 'unknown_kind' | 'failed';
  kind: ReportKind | null;
  /** for a file of unknown kind: what it resembles and what is missing */
  nearest?: { kind: ReportKind; missingColumns: string[] };
  /** rows accepted */
  rowCount: number;
  /** rows rejected, and lines swallowed by a quote that is never closed */
  rejectedRowCount: number;
  /** rows of months that are no longer kept: left out, and not the file's fault */
  expiredRowCount: number;
  /** object that lists the rejected rows */
  rejectsKey?: string;
  /** values left out of accepted rows, by column */
  leftOutCounts: Readonly<Record<string, number>>;
  /** object that lists the first of these values */
  leftOutKey?: string;
  /** one sentence for an unknown kind or a failed file */
  message?: string;
  /** of a failed file */
  failure?: FileFailure;
  /** sentences about what is suspicious in a file that is otherwise accepted */
  warnings: string[];
  /** in the order of their days */
  pieces: SplitPiece[];
}

/** A rejected row. */
export interface RejectedRow extends RowProblem {
  /** line of the file on which the row starts, from 1 */
  line: number;
}

export interface SplitFileOptions {
  fileName: string;
  store: Pick<ObjectStore, 'put'>;
  keyFor: (kind: ReportKind, day: UsageDay) => string;
  rejectsKey: string;
  leftOutKey: string;
  metadata: Record<string, string>;
  /** window in which rows may start */
  window: RowWindow;
  limits: FileLimits;
  /** called with the first rejected rows */
  onReject: (reject: RejectedRow) => void;
  loggedRejects: number;
  onProgress: (progress: { rowCount: number; byteCount: number }) => void;
  signal: AbortSignal;
}

interface OpenPiece {
  writer: ObjectWriter;
  rowCount: number;
  hourMask: number;
}

const progressEveryRows = 10_000;

/**
 * Split one report file into a CSV per UTC day of `interval_start`, in one streaming pass; the kind is determined by
 * the columns alone. Values stay as they were sent, in the file's own columns and order, except for numbers:
 * surrounding blanks are removed, and a word for "absent" becomes blank, so that every engine reads the same. Memory
 * does not grow with the file: it holds a write buffer per day and the first values left out.
 *
 * Rejected rows and values left out are listed in separate objects, written only if there are any; rows of months that
 * are no longer kept are only counted. A file that cannot be read to its end is `failed`, and so is one with a
 * duplicate column that we read. If reading or storing fails, nothing that was being written appears; a day's object
 * that was stored before another one failed stays, and the next attempt replaces it.
 */
export async function splitReportFile(
  content: Readable,
  options: SplitFileOptions,
): Promise<SplitFileResult> {
  const split = new FileSplit(options);
  try {
    await withPlainKernel((kernel) => readInto(split, content, { kernel, signal: options.signal }));
    return await split.finish();
  } catch (error) {
    await split.abandon(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function readInto(
  split: FileSplit,
  content: Readable,
  options: { kernel: PlainKernel; signal: AbortSignal },
): Promise<void> {
  let unclosed: UnclosedQuote | undefined;
  try {
    const records = csvRecords(content, {
      ...options,
      onUnclosedQuote: (end) => {
        unclosed = end;
      },
    });
    for await (const some of records) {
      if (some.form === 'plain') await split.takeRun(some);
      else for (const record of some.records) await split.take(record);
      if (split.isOver) return;
    }
  } catch (error) {
    if (!(error instanceof CsvUnreadable)) throw error;
    await split.giveUp(error);
  }
  if (unclosed !== undefined) await split.loseEnd(unclosed);
}

class FileSplit {
  readonly #options: SplitFileOptions;
  readonly #pieces = new Map<UsageDay, OpenPiece>();
  #header: string[] | undefined;
  #kind: ReportKind | undefined;
  #nearest: SplitFileResult['nearest'];
  #check: RowCheck | undefined;
  readonly #remarks = new FileRemarks();
  /** known columns that occur twice in the header */
  #repeated: string[] = [];
  /** other columns that occur twice */
  #repeatedUnknown: string[] = [];
  #rejects: ObjectWriter | undefined;
  #unreadable: CsvUnreadable | undefined;
  readonly #rejectedByDay = new Map<UsageDay, number>();
  #rowCount = 0;
  #rejectedRowCount = 0;
  #expiredRowCount = 0;
  #byteCount = 0;

  constructor(options: SplitFileOptions) {
    this.#options = options;
  }

  /** the header decides the outcome of the file: the rest need not be read */
  get isOver(): boolean {
    return this.#nearest !== undefined || this.#repeated.length > 0;
  }

  /** Rows that need no parsing: as long as they belong to one piece, their bytes are written together. */
  async takeRun(run: PlainRecords): Promise<void> {
    const check = this.#check;
    if (check === undefined) return;
    let piece: OpenPiece | undefined;
    let from = 0;
    for (let record = 0; record < run.recordCount;) {
      const { checked, recordCount, tidied } = check.plain(run, record);
      const place = isTaken(checked) ? checked.place : undefined;
      const next = place && (this.#pieces.get(place.usageDay) ?? (await this.#openPiece(place.usageDay)));
      if (next !== piece || tidied !== undefined) {
        const start = plainStart(run, record, 0);
        if (piece !== undefined) await this.#write(piece, run.bytes.subarray(from, start));
        from = start;
        piece = next;
      }
      const end = run.ends[(record + recordCount) * run.fieldCount - 1] ?? 0;
      if (next !== undefined && place !== undefined) {
        this.#count(next, place.hour, recordCount);
        if (tidied !== undefined) {
          await this.#write(next, tidied);
          from = end + 1;
        }
      } else {
        if ('expired' in checked) this.#expiredRowCount += recordCount;
        else await this.#refuse(checked, run.line + record, run.bytes.subarray(from, end));
        from = end + 1;
      }
      record += recordCount;
    }
    if (piece !== undefined) await this.#write(piece, run.bytes.subarray(from));
  }

  async take({ fields, line, raw }: CsvRecord): Promise<void> {
    if (this.#header === undefined) {
      this.#readHeader(fields);
      return;
    }
    const row = this.#check?.fields(fields, line);
    if (row === undefined) return;
    const { checked, tidied = fields } = row;
    if (!isTaken(checked)) {
      if ('expired' in checked) this.#expiredRowCount += 1;
      else await this.#refuse(checked, line, raw);
      return;
    }
    const { usageDay, hour } = checked.place;
    const piece = this.#pieces.get(usageDay) ?? (await this.#openPiece(usageDay));
    this.#count(piece, hour);
    await this.#write(piece, Buffer.from(csvLine(tidied)));
  }

  /** The last record has a quote that is never closed: it and all lines after it are lost. */
  async loseEnd({ line, lineCount, raw }: UnclosedQuote): Promise<void> {
    const reason = `a quote is never closed: ${lineCount} lines are lost`;
    await this.#reject({ line, column: '', reason }, raw, lineCount);
  }

  /** The rest cannot be read. */
  async giveUp(problem: CsvUnreadable): Promise<void> {
    this.#unreadable = problem;
    await this.#reject({ line: problem.line, column: '', reason: problem.message }, Buffer.alloc(0));
  }

  async finish(): Promise<SplitFileResult> {
    // There is some content, but no header could be read from it.
    if (this.#header === undefined && this.#rejectedRowCount > 0) this.#readHeader([]);
    const { fileName, rejectsKey, leftOutKey } = this.#options;
    const state = this.#state();
    // Remarks about accepted rows do not apply to a file that is rejected.
    const { leftOutCounts, leftOut } = state === 'failed' ? new FileRemarks() : this.#remarks;
    // The lists first: if they cannot be stored, no day's object has been replaced yet.
    await this.#rejects?.close();
    await storeLeftOut(leftOut, this.#options);
    const pieces: SplitPiece[] = [];
    for (const [usageDay, { writer, rowCount, hourMask }] of [...this.#pieces].sort(([a], [b]) =>
      a < b ? -1 : 1,
    ))
      pieces.push({
        usageDay,
        objectKey: writer.key,
        rowCount,
        rejectedRowCount: this.#rejectedByDay.get(usageDay) ?? 0,
        hourMask,
        ...(state === 'failed' ? await discard(writer) : await writer.close()),
      });
    this.#options.onProgress({ rowCount: this.#rowCount, byteCount: this.#byteCount });
    const message = this.#message(state);
    return {
      fileName,
      state,
      kind: this.#kind ?? null,
      rowCount: this.#rowCount,
      rejectedRowCount: this.#rejectedRowCount,
      expiredRowCount: this.#expiredRowCount,
      pieces,
      leftOutCounts,
      warnings: state === 'split' ? this.#warnings() : [],
      ...(leftOut.length === 0 ? {} : { leftOutKey }),
      ...(this.#nearest === undefined ? {} : { nearest: this.#nearest }),
      ...(this.#rejects === undefined ? {} : { rejectsKey }),
      ...(message === undefined ? {} : { message }),
      ...(state === 'failed' && {
        failure: this.#repeated.length > 0 ? 'ReportHeaderInvalid' : 'TooManyRejectedRows',
      }),
    };
  }

  /** Nothing that was being written appears. */
  async abandon(reason: Error): Promise<void> {
    const writers = [...this.#pieces.values()].map((piece) => piece.writer);
    if (this.#rejects !== undefined) writers.push(this.#rejects);
    await Promise.all(writers.map((writer) => writer.abandon(reason)));
  }

  #readHeader(fields: string[]): void {
    this.#header = fields;
    const detected = detectReportKind(fields);
    if ('kind' in detected) {
      this.#kind = detected.kind;
      ({ known: this.#repeated, unknown: this.#repeatedUnknown } = repeatedColumns(detected.kind, fields));
      if (!this.isOver) this.#check = rowCheck(detected.kind, fields, this.#options.window, this.#remarks);
    } else this.#nearest = { kind: detected.nearest, missingColumns: detected.missingColumns };
  }

  async #openPiece(usageDay: UsageDay): Promise<OpenPiece> {
    const { store, keyFor, metadata, signal } = this.#options;
    if (this.#kind === undefined || this.#header === undefined) throw new Error('a row precedes the header');
    const writer = new ObjectWriter(store, keyFor(this.#kind, usageDay), { metadata, signal });
    const piece = { writer, rowCount: 0, hourMask: 0 };
    this.#pieces.set(usageDay, piece);
    await writer.write(Buffer.from(csvLine(this.#header)));
    return piece;
  }

  #count(piece: OpenPiece, hour: number, rowCount = 1): void {
    piece.rowCount += rowCount;
    piece.hourMask |= 1 << hour;
    const rowsBefore = this.#rowCount;
    this.#rowCount += rowCount;
    if (Math.floor(this.#rowCount / progressEveryRows) > Math.floor(rowsBefore / progressEveryRows))
      this.#options.onProgress({ rowCount: this.#rowCount, byteCount: this.#byteCount });
  }

  #write(piece: OpenPiece, rows: Buffer): Promise<void> | undefined {
    this.#byteCount += rows.length;
    return piece.writer.write(rows);
  }

  async #refuse(checked: CheckedRow, line: number, raw: Buffer): Promise<void> {
    if (!('problem' in checked)) return;
    const day = checked.place?.usageDay;
    if (day !== undefined) this.#rejectedByDay.set(day, (this.#rejectedByDay.get(day) ?? 0) + 1);
    await this.#reject({ line, ...checked.problem }, raw);
  }

  /** @param raw the row as it was sent */
  async #reject(reject: RejectedRow, raw: Buffer, rowCount = 1): Promise<void> {
    const { store, rejectsKey, metadata, signal, fileName, loggedRejects, onReject } = this.#options;
    if (this.#rejectedRowCount < loggedRejects) onReject(reject);
    this.#rejectedRowCount += rowCount;
    if (this.#rejects === undefined) {
      this.#rejects = new ObjectWriter(store, rejectsKey, { metadata, signal });
      await this.#rejects.write(Buffer.from(csvLine(['file', 'line', 'column', 'reason', 'row'])));
    }
    const problem = [fileName, String(reject.line), reject.column, reject.reason];
    await this.#rejects.write(csvLineWithBytes(problem, raw));
  }

  #tooManyBadRows(): string | undefined {
    const rows = { good: this.#rowCount, rejected: this.#rejectedRowCount, expired: this.#expiredRowCount };
    return tooManyBadRows(rows, this.#options.limits);
  }

  #state(): SplitFileResult['state'] {
    if (this.#nearest !== undefined) return 'unknown_kind';
    if (this.#unreadable !== undefined || this.#repeated.length > 0) return 'failed';
    if (this.#tooManyBadRows() !== undefined) return 'failed';
    return this.#rowCount === 0 && this.#rejectedRowCount === 0 ? 'empty' : 'split';
  }

  #warnings(): string[] {
    const { fileName } = this.#options;
    const repeated = this.#repeatedUnknown.map(
      (name) => `${fileName}: the header contains the unknown column ${name} twice; it is ignored`,
    );
    return [...repeated, ...this.#remarks.sentences(fileName)];
  }

  #message(state: SplitFileResult['state']): string | undefined {
    const { fileName } = this.#options;
    if (this.#nearest !== undefined) {
      const { kind, missingColumns } = this.#nearest;
      const named = missingColumns.slice(0, 5).join(', ');
      const more = missingColumns.length > 5 ? ` and ${missingColumns.length - 5} more` : '';
      return `${fileName}: unknown report kind; the closest is ${kind}, which lacks ${named}${more}; the file is not summarised`;
    }
    if (this.#unreadable !== undefined)
      return `${fileName}: ${this.#unreadable.message}; its days keep their previous data`;
    if (this.#repeated.length > 0)
      return `${fileName}: the header contains ${this.#repeated.slice(0, 5).join(', ')} twice; its days keep their previous data`;
    if (state === 'failed')
      return (
        `${fileName}: ${this.#rejectedRowCount} of ${this.#rowCount + this.#rejectedRowCount} rows are invalid, ` +
        `${this.#tooManyBadRows() ?? 'too many'}; its days keep their previous data`
      );
    return undefined;
  }
}

function isTaken(checked: CheckedRow): checked is { place: RowPlace } {
  return 'place' in checked && !('problem' in checked);
}

/** A failed file must not replace the data of an earlier one of the same name. */
async function discard(writer: ObjectWriter): Promise<{ byteCount: number; checksum: string }> {
  await writer.abandon(new Error('the file has too many invalid rows'));
  return { byteCount: 0, checksum: 'none' };
}
