import { plainLength, plainStart } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';

/**
 * A plain number: digits, perhaps a sign and a fraction. It is a number, below 1e18, and PostgreSQL reads it exactly as
 * JavaScript does, because it is too short to underflow. Nearly all numbers of a report are plain or blank.
 */
const plainNumberForm = /^(?=.{1,100}$)-?\d{1,18}(\.\d*)?$/;
const longestPlainNumber = 100;
const mostWholeDigits = 18;

/** Whether a text is a plain number. */
export function isPlainNumberText(text: string): boolean {
  return plainNumberForm.test(text);
}

const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;

/** Whether a field of a plain record is a plain number, or blank. */
export function isPlainNumberOrBlank(run: PlainRecords, record: number, field: number): boolean {
  const { bytes } = run;
  const start = plainStart(run, record, field);
  const length = plainLength(run, record, field);
  const end = start + length;
  const wholeStart = bytes[start] === minus ? start + 1 : start;
  let at = passDigits(bytes, wholeStart, end);
  const wholeDigits = at - wholeStart;
  if (wholeDigits === 0 || wholeDigits > mostWholeDigits) return length === 0;
  if (at < end && bytes[at] === point) at = passDigits(bytes, at + 1, end);
  return at === end && length <= longestPlainNumber;
}

function passDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] ?? 0) >= zero && (bytes[at] ?? 0) <= nine) at += 1;
  return at;
}
