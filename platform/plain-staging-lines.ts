import { formatTimestamp, parseTimestamp } from '../domain/timestamp.ts';
import { plainField, plainLength, plainStart } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';
import { isPlainNumberOrBlank, isPlainNumberText } from './plain-number.ts';
import { RepeatedField } from './repeated-field.ts';

/** How the value of a staging column is made from one field of a plain record. */
export type PlainCell = { rule: 'interval' | 'number' | 'text' | 'labels'; field: number } | { rule: 'null' };

/** NULL in COPY's text format. */
export const nullCell = '\\N';

/** A number as COPY writes it; blank is NULL. */
export function numberCell(value: string): string {
  if (value === '') return nullCell;
  // Others have an exponent or a very long fraction, which PostgreSQL may refuse as out of range.
  return isPlainNumberText(value) ? value : String(Number(value));
}

/** An `interval_start` as PostgreSQL reads it. */
export function intervalText(text: string): string {
  const parsed = parseTimestamp(text);
  if (parsed === undefined)
    throw new Error(`interval_start "${text}" in a daily CSV: expected a time that the split accepted`);
  return formatTimestamp(parsed);
}

/** Id of a label text that must have one. */
export function labelSetIdOf(text: string, labelSetId: (text: string) => string | undefined): string {
  const id = labelSetId(text);
  if (id === undefined)
    throw new Error('a label set has no id: it was not stored before the row was written');
  return id;
}

/** The rules as numbers: they are told apart for every field of every row. */
const rules = { interval: 0, number: 1, text: 2, labels: 3, null: 4 } as const;

const tab = 0x09;
/** An id, a formatted time or a converted number is never longer; copied fields are counted with their records. */
const longestMadeBytes = 32;

/**
 * The fast path of the load: lines for COPY from plain records, byte by byte, without a string for every field.
 * A plain field has nothing that COPY's text format would need to escape, so texts and plain numbers are copied.
 * test/load/plain-staging-lines.test.ts holds it beside the conversion of parsed rows: same bytes.
 *
 * @param constant end of each line, newline included
 * @returns undefined when some column is not made from one field alone
 */
export function plainLineWriter(
  cells: readonly (PlainCell | undefined)[],
  constant: string,
): ((run: PlainRecords, labelSetId: (text: string) => string | undefined) => Buffer) | undefined {
  if (!cells.every((cell) => cell !== undefined)) return undefined;
  const columnRules = Uint8Array.from(cells, ({ rule }) => rules[rule]);
  const columnFields = Int32Array.from(cells, (cell) => (cell.rule === 'null' ? -1 : cell.field));
  const interval = new RepeatedField(columnFields[columnRules.indexOf(rules.interval)] ?? -1, intervalText);
  const lineEnd = Buffer.from(constant);
  const madeBytes = cells.length * (longestMadeBytes + 1) + lineEnd.length;
  return (run, labelSetId) => {
    const sentBytes = (run.ends[run.recordCount * run.fieldCount - 1] ?? 0) - run.start;
    const out = Buffer.allocUnsafeSlow(sentBytes + run.recordCount * madeBytes);
    let at = 0;
    for (let record = 0; record < run.recordCount; record += 1) {
      for (let column = 0; column < columnRules.length; column += 1) {
        const rule = columnRules[column] ?? 0;
        const field = columnFields[column] ?? 0;
        if (rule === rules.text || (rule === rules.number && isCopied(run, record, field)))
          at = copyField(run, record, field, out, at);
        else at = writeAscii(madeValue(rule, field, record), out, at);
        out[at] = tab;
        at += 1;
      }
      at += lineEnd.copy(out, at);
    }
    return out.subarray(0, at);

    function madeValue(rule: number, field: number, record: number): string {
      if (rule === rules.labels) return labelSetIdOf(plainField(run, record, field), labelSetId);
      if (rule === rules.interval) return interval.of(run, record);
      return rule === rules.number ? numberCell(plainField(run, record, field)) : nullCell;
    }
  };
}

function isCopied(run: PlainRecords, record: number, field: number): boolean {
  return plainLength(run, record, field) > 0 && isPlainNumberOrBlank(run, record, field);
}

function copyField(run: PlainRecords, record: number, field: number, out: Buffer, to: number): number {
  const { bytes } = run;
  const start = plainStart(run, record, field);
  const length = plainLength(run, record, field);
  for (let i = 0; i < length; i += 1) out[to + i] = bytes[start + i] ?? 0;
  return to + length;
}

function writeAscii(text: string, out: Buffer, to: number): number {
  for (let i = 0; i < text.length; i += 1) out[to + i] = text.charCodeAt(i);
  return to + text.length;
}
