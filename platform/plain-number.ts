import { plainField, plainLength, plainStart } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';

const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;

const mostWholeDigits = 18;

/**
 * Whether a field of a plain record is blank, or digits, perhaps with a sign and a fraction: a number below 1e18, as nearly
 * all numbers of a report are.
 */
export function isPlainNumberOrBlank(run: PlainRecords, record: number, field: number): boolean {
  const { bytes } = run;
  const start = plainStart(run, record, field);
  const end = start + plainLength(run, record, field);
  const wholeStart = bytes[start] === minus ? start + 1 : start;
  let at = passDigits(bytes, wholeStart, end);
  const wholeDigits = at - wholeStart;
  if (wholeDigits === 0 || wholeDigits > mostWholeDigits) return start === end;
  if (at < end && bytes[at] === point) at = passDigits(bytes, at + 1, end);
  return at === end;
}

function passDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] ?? 0) >= zero && (bytes[at] ?? 0) <= nine) at += 1;
  return at;
}

/** Powers of ten that a double holds exactly. */
const powersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
const mostExactDigits = 15;

/**
 * The number in a field that is not blank, the same double as `Number` gives for its text.
 *
 * Up to 15 digits are a whole number that a double holds exactly, and so is the power of ten: dividing one by the other
 * rounds once, which is what reading a decimal means. Zeros at the end of a fraction, which the operator always
 * writes, do not count. Everything else is left to `Number`.
 */
export function plainNumber(run: PlainRecords, record: number, field: number): number {
  const { bytes } = run;
  const start = plainStart(run, record, field);
  const end = start + plainLength(run, record, field);
  const isNegative = bytes[start] === minus;
  let value = 0;
  let digitCount = 0;
  let fractionDigitCount = 0;
  let isFraction = false;
  /** zeros of the fraction that count only when another digit follows */
  let zeroCount = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === point && !isFraction) isFraction = true;
    else if (byte === zero && isFraction) zeroCount += 1;
    else if (byte >= zero && byte <= nine) {
      const places = zeroCount + 1;
      value = value * (powersOfTen[places] ?? Number.NaN) + (byte - zero);
      digitCount += places;
      if (isFraction) fractionDigitCount += places;
      zeroCount = 0;
    } else return Number(plainField(run, record, field));
  }
  if (digitCount === 0 || digitCount > mostExactDigits) return Number(plainField(run, record, field));
  value /= powersOfTen[fractionDigitCount] ?? Number.NaN;
  return isNegative ? -value : value;
}
