/** Writing plain records as tuples of COPY while a piece is loaded. */

import { minus, point, zero } from './characters';
import {
  blockBytes,
  blocksAt,
  constantAt,
  hourSumBytes,
  idsAt,
  inputAt,
  listsAt,
  magnitudesAt,
  sumsAt,
} from './memory';
import { endAt, isSame, startOf } from './records';

/** How the value of a column is derived. */
const ruleInterval: i32 = 0;
const ruleNumber: i32 = 1;
const ruleText: i32 = 2;
const ruleLabels: i32 = 3;
const ruleNull: i32 = 4;
/** A rule above `ruleNull` is a number that is also added to a control sum: 5 to core-seconds, 6 to byte-seconds. */

/** Microseconds since 2000 of the time in a range of input bytes. */
declare function timeOf(start: i32, length: i32): i64;
/** The double nearest to the number in a range of input bytes. */
declare function numberOf(start: i32, length: i32): f64;

/** Powers of ten that a double represents exactly. */
const powersOfTen = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]);
const maxExactDigits: i32 = 15;

function powerOfTen(exponent: i32): f64 {
  return load<f64>(i32(powersOfTen) + exponent * 8);
}

/** Address of the control sums of the UTC hour of a time, given in microseconds since 2000. */
function hourSumsAt(time: i64): i32 {
  const hours = floor(f64(time) / 3_600_000_000);
  return sumsAt + i32(hours - 24 * floor(hours / 24)) * hourSumBytes;
}

function increase(sum: i32, value: f64): void {
  store<f64>(sum, load<f64>(sum) + value);
}

/**
 * Write the records as tuples of COPY's binary format, and add them to the control sums. Of a record with summed
 * numbers the first column is its time.
 *
 * @param columns columns derived from the record, each a rule and a field at `lists`; their labels' ids are in `ids`,
 *   by column
 * @param constantLength bytes at `constant`, which end each tuple
 * @param columnCount columns of the tuple, including the constant ones
 * @returns bytes written to block `block`
 */
export function writeTuples(
  recordCount: i32,
  columns: i32,
  constantLength: i32,
  columnCount: i32,
  block: i32,
): i32 {
  const out = blocksAt + block * blockBytes;
  const head = bswap<u16>(u16(columnCount));
  let id = idsAt;
  let at = out;
  let timeStart = 0;
  let timeLength = -1;
  let time: i64 = 0;
  let hourSums = sumsAt;
  for (let record = 0; record < recordCount; record += 1) {
    store<u16>(at, head);
    at += 2;
    for (let i = 0; i < columns; i += 1) {
      const rule = load<i32>(listsAt + i * 8);
      if (rule == ruleNull) {
        store<i32>(at, -1);
        at += 4;
        continue;
      }
      if (rule == ruleLabels) {
        store<u32>(at, bswap<u32>(8));
        store<u64>(at + 4, bswap<u64>(u64(load<f64>(id))));
        id += 8;
        at += 12;
        continue;
      }
      const end = endAt(record, load<i32>(listsAt + i * 8 + 4));
      const start = inputAt + startOf(end);
      const length = inputAt + load<i32>(end) - start;
      if (rule == ruleText) {
        store<u32>(at, bswap<u32>(length));
        at += 4;
        for (let copied = 0; copied < length; copied += 16)
          v128.store(at + copied, v128.load(start + copied));
        at += length;
      } else if (rule == ruleNumber || rule > ruleNull) {
        if (length == 0) {
          store<i32>(at, -1);
          at += 4;
        } else {
          const value = plainNumber(start, length);
          store<u32>(at, bswap<u32>(8));
          store<u64>(at + 4, bswap<u64>(reinterpret<u64>(value)));
          at += 12;
          if (rule > ruleNull) {
            increase(hourSums + (rule - ruleNull) * 8, value);
            increase(magnitudesAt + (rule - ruleNull - 1) * 8, abs(value));
          }
        }
      } else {
        if (length != timeLength || !isSame(start, timeStart, length)) {
          time = timeOf(start - inputAt, length);
          timeStart = start;
          timeLength = length;
          hourSums = hourSumsAt(time);
        }
        store<u32>(at, bswap<u32>(8));
        store<u64>(at + 4, bswap<u64>(time));
        at += 12;
      }
    }
    for (let copied = 0; copied < constantLength; copied += 16)
      v128.store(at + copied, v128.load(constantAt + copied));
    at += constantLength;
    increase(hourSums, 1);
  }
  return at - out;
}

/**
 * The number in a range of bytes, the same double as JavaScript's `Number` gives for their text.
 *
 * Up to 15 digits are an integer that a double represents exactly, and so is the power of ten: dividing one by the
 * other rounds once, which is exactly how a decimal is to be read. Trailing zeros of a fraction, which the operator
 * always writes, do not count. Everything else is left to `Number`.
 */
function plainNumber(start: i32, length: i32): f64 {
  const end = start + length;
  const isNegative = i32(load<u8>(start)) == minus;
  let value: f64 = 0;
  let digitCount = 0;
  let fractionDigitCount = 0;
  let isFraction = false;
  /** zeros of the fraction that count only if another digit follows */
  let zeroCount = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) {
    const byte = i32(load<u8>(at));
    const digit = byte - zero;
    if (digit == 0 && isFraction) zeroCount += 1;
    else if (u32(digit) < 10) {
      const places = zeroCount + 1;
      digitCount += places;
      if (digitCount > maxExactDigits) return numberOf(start - inputAt, length);
      value = value * powerOfTen(places) + f64(digit);
      if (isFraction) fractionDigitCount += places;
      zeroCount = 0;
    } else if (byte == point && !isFraction) isFraction = true;
    else return numberOf(start - inputAt, length);
  }
  if (digitCount == 0) return numberOf(start - inputAt, length);
  value /= powerOfTen(fractionDigitCount);
  return isNegative ? -value : value;
}
