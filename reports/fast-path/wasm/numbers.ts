/** Numbers as operators print them. */

import { minus, plus, point, smallLetter, space, zero } from './characters';

function passDigits(from: i32, end: i32): i32 {
  let at = from;
  while (at < end && u32(i32(load<u8>(at)) - zero) < 10) at += 1;
  return at;
}

/**
 * Blank, or digits, optionally with a minus sign and a fraction: a number with a limited number of digits before the
 * point.
 */
export function isPlainNumberOrBlank(start: i32, length: i32, maxDigits: i32): bool {
  if (length == 0) return true;
  const end = start + length;
  const wholeStart = i32(load<u8>(start)) == minus ? start + 1 : start;
  let at = passDigits(wholeStart, end);
  const wholeDigits = at - wholeStart;
  if (wholeDigits == 0 || wholeDigits > maxDigits) return false;
  if (at < end && i32(load<u8>(at)) == point) at = passDigits(at + 1, end);
  return at == end;
}

export function passSpaces(from: i32, end: i32): i32 {
  let at = from;
  while (at < end && i32(load<u8>(at)) == space) at += 1;
  return at;
}

export function withoutSpacesAtEnd(from: i32, end: i32): i32 {
  let at = end;
  while (at > from && i32(load<u8>(at - 1)) == space) at -= 1;
  return at;
}

export const letterE: i32 = 0x65;
/** Maximum number of digits of an exponent that are read. */
const maxExponentDigits: i32 = 4;

export function isScientificNumber(start: i32, end: i32, maxDigits: i32): bool {
  const first = i32(load<u8>(start));
  const wholeStart = first == minus || first == plus ? start + 1 : start;
  let at = passDigits(wholeStart, end);
  let digits = at - wholeStart;
  let size = digits;
  if (at < end && i32(load<u8>(at)) == point) {
    const fractionStart = at + 1;
    at = passDigits(fractionStart, end);
    digits += at - fractionStart;
  }
  if (digits == 0) return false;
  if (at < end && (i32(load<u8>(at)) | smallLetter) == letterE) {
    at += 1;
    const sign = at < end ? i32(load<u8>(at)) : 0;
    if (sign == minus || sign == plus) at += 1;
    const exponentStart = at;
    at = passDigits(at, end);
    if (at == exponentStart || at - exponentStart > maxExponentDigits) return false;
    if (sign != minus) size += wholeNumber(exponentStart, at);
  }
  return at == end && size <= maxDigits;
}

function wholeNumber(start: i32, end: i32): i32 {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + i32(load<u8>(at)) - zero;
  return value;
}

const maxAbsentFormLength: i32 = 5;

/** `NaN`, `null`, `none`, `nil`, `<nil>`, `n/a`, `-`, in any case. */
export function isAbsentForm(start: i32, length: i32): bool {
  if (length == 0 || length > maxAbsentFormLength) return false;
  // Its characters as one number, the first in the lowest byte.
  let form: u64 = 0;
  for (let i = length - 1; i >= 0; i -= 1) form = (form << 8) | u64(i32(load<u8>(start + i)) | smallLetter);
  return (
    form == 0x6e_61_6e || // nan
    form == 0x6c_6c_75_6e || // null
    form == 0x65_6e_6f_6e || // none
    form == 0x6c_69_6e || // nil
    form == 0x3e_6c_69_6e_3c || // <nil>
    form == 0x61_2f_6e || // n/a
    form == 0x2d // -
  );
}
