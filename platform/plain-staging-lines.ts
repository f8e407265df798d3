import { formatTimestamp, parseTimestamp } from '../domain/timestamp.ts';
import { plainField, plainStart } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';
import { isPlainNumberOrBlank, isPlainNumberText } from './plain-number.ts';
import { RepeatedField } from './repeated-field.ts';

/** How the value of a staging column is made from one field of a plain record. */
export type PlainCell = { rule: 'interval' | 'number' | 'text' | 'labels'; field: number } | { rule: 'null' };

/** NULL in COPY's CSV format, when the column is not among those that are forced not to be NULL. */
export const nullCell = '';

/** A number as PostgreSQL reads it; blank is NULL. */
export function numberCell(value: string): string {
  // Others have an exponent or a very long fraction, which PostgreSQL may refuse as out of range.
  return value === '' || isPlainNumberText(value) ? value : String(Number(value));
}

/** An `interval_start` as PostgreSQL reads it. */
export function intervalText(text: string): string {
  const parsed = parseTimestamp(text);
  if (parsed === undefined)
    throw new Error(`interval_start "${text}" in a daily CSV: expected a time that the split accepted`);
  // Shorter to read, a million times; the zone stays, whatever that of the session is.
  return formatTimestamp(parsed).replace('T', ' ').replace('.000000Z', 'Z');
}

/** Id of a label text that must have one. */
export function labelSetIdOf(text: string, labelSetId: (text: string) => string | undefined): string {
  const id = labelSetId(text);
  if (id === undefined)
    throw new Error('a label set has no id: it was not stored before the row was written');
  return id;
}

const comma = 0x2c;
/** Ids, formatted times and converted numbers are never longer. */
const longestMadeBytes = 32;

/** Some rows on their way to become lines. */
export interface StagingLines {
  /** label texts among them that may have no id yet */
  newLabelTexts: string[];
  /**
   * The lines; every label text must have an id by then.
   * The bytes are written over when the lines of the {@link blocksInTurn}th rows from here are made.
   */
  lines(labelSetId: (text: string) => string | undefined): Buffer;
}

/**
 * Blocks that lines are written into, in turn: one on its way to the server, one waiting behind it, one being filled.
 * New ones for every few hundred rows are garbage by the gigabyte, and collecting it took as long as writing it.
 */
export const blocksInTurn = 3;

/** Consecutive columns that are consecutive fields as well. */
interface Span {
  first: number;
  last: number;
}

/**
 * The fast path of the load: lines for COPY in CSV format from plain records. A plain field needs no quotes, so columns in
 * the order of the file are copied as they stand, many at a time, as long as the numbers among them are plain or blank;
 * only the time and the label set are made anew.
 * test/load/plain-staging-lines.test.ts holds it beside the conversion of parsed rows: same bytes.
 *
 * @param cells in the order of the columns
 * @param constant end of each line, newline included
 */
export function plainLineWriter(
  cells: readonly PlainCell[],
  constant: string,
): (run: PlainRecords) => StagingLines {
  const steps = spansAndCells(cells);
  const numbers = Int32Array.from(fieldsWith('number', cells));
  const isNumber = new Set(numbers);
  const labels = fieldsWith('labels', cells);
  const interval = new RepeatedField(fieldsWith('interval', cells)[0] ?? -1, intervalText);
  const lineEnd = Buffer.from(constant);
  const lineBytes = steps.length * (longestMadeBytes + 1) + lineEnd.length;
  const seen = new Set<string>();
  const blocks: Buffer[] = [];
  let turn = 0;
  return (run) => {
    const texts = labelTexts(run, labels);
    const newLabelTexts = texts.filter((text) => !seen.has(text) && seen.add(text));
    return { newLabelTexts, lines: (labelSetId) => write(run, texts, labelSetId) };
  };

  function write(
    run: PlainRecords,
    texts: readonly string[],
    labelSetId: (text: string) => string | undefined,
  ): Buffer {
    const sentBytes = (run.ends[run.recordCount * run.fieldCount - 1] ?? 0) - run.start;
    turn = (turn + 1) % blocksInTurn;
    let out = withRoom(blocks[turn] ?? Buffer.alloc(0), 0, sentBytes + run.recordCount * lineBytes);
    let at = 0;
    let label = 0;
    for (let record = 0; record < run.recordCount; record += 1) {
      const isCopied = arePlain(numbers, run, record);
      // A number that is written anew can be longer than it was sent.
      if (!isCopied)
        out = withRoom(
          out,
          at,
          sentBytes + (run.recordCount - record) * lineBytes + numbers.length * longestMadeBytes,
        );
      for (const step of steps) {
        if ('last' in step)
          at = isCopied
            ? copySpan(run, record, step, out, at)
            : writeSpan(run, record, step, isNumber, out, at);
        else if (step.rule === 'interval') at = writeAscii(interval.of(run, record), out, at);
        else if (step.rule === 'labels') {
          at = writeAscii(labelSetIdOf(texts[label] ?? '', labelSetId), out, at);
          label += 1;
        } // and nothing for NULL
        out[at] = comma;
        at += 1;
      }
      at += lineEnd.copy(out, at);
    }
    blocks[turn] = out;
    return out.subarray(0, at);
  }
}

function fieldsWith(rule: PlainCell['rule'], cells: readonly PlainCell[]): number[] {
  return cells.flatMap((cell) => (cell.rule === rule && 'field' in cell ? [cell.field] : []));
}

/** Texts and numbers that stand side by side in the file as in the line become one span. */
function spansAndCells(cells: readonly PlainCell[]): (Span | PlainCell)[] {
  const steps: (Span | PlainCell)[] = [];
  for (const cell of cells) {
    const before = steps.at(-1);
    if (cell.rule !== 'text' && cell.rule !== 'number') steps.push(cell);
    else if (before !== undefined && 'last' in before && before.last === cell.field - 1)
      before.last = cell.field;
    else steps.push({ first: cell.field, last: cell.field });
  }
  return steps;
}

/** The label texts, record by record. */
function labelTexts(run: PlainRecords, labels: readonly number[]): string[] {
  const texts: string[] = [];
  for (let record = 0; labels.length > 0 && record < run.recordCount; record += 1)
    for (const field of labels) texts.push(plainField(run, record, field));
  return texts;
}

function arePlain(numbers: Int32Array, run: PlainRecords, record: number): boolean {
  for (const field of numbers) if (!isPlainNumberOrBlank(run, record, field)) return false;
  return true;
}

function copySpan(run: PlainRecords, record: number, span: Span, out: Buffer, to: number): number {
  const end = run.ends[record * run.fieldCount + span.last] ?? 0;
  return to + run.bytes.copy(out, to, plainStart(run, record, span.first), end);
}

function writeSpan(
  run: PlainRecords,
  record: number,
  span: Span,
  isNumber: ReadonlySet<number>,
  out: Buffer,
  to: number,
): number {
  let at = to;
  for (let field = span.first; field <= span.last; field += 1) {
    if (field > span.first) {
      out[at] = comma;
      at += 1;
    }
    const text = plainField(run, record, field);
    at = writeAscii(isNumber.has(field) ? numberCell(text) : text, out, at);
  }
  return at;
}

function writeAscii(text: string, out: Buffer, to: number): number {
  for (let i = 0; i < text.length; i += 1) out[to + i] = text.charCodeAt(i);
  return to + text.length;
}

function withRoom(out: Buffer, usedBytes: number, neededBytes: number): Buffer {
  if (out.length - usedBytes >= neededBytes) return out;
  const larger = Buffer.allocUnsafeSlow(usedBytes + neededBytes);
  out.copy(larger, 0, 0, usedBytes);
  return larger;
}
