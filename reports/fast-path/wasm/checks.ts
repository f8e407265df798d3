/** Checking plain records while a file is split, and writing them as they are stored. */

import { minus } from './characters';
import { blocksAt, endsAt, inputAt, listsAt, notesAt } from './memory';
import {
  beginNotes,
  endNotes,
  note,
  noteBits,
  noteLabels,
  noteLeftOut,
  noteNegative,
  notesEnd,
  noteTrimmed,
} from './notes';
import {
  isAbsentForm,
  isPlainNumberOrBlank,
  isScientificNumber,
  passSpaces,
  withoutSpacesAtEnd,
} from './numbers';
import { endAt, fieldCount, isSame, startOf } from './records';

/** What is checked in a field, in the lists of {@link goodRecords}; 0 means the same bytes as in the first record. */
const checkNumber: i32 = 1;
const checkLength: i32 = 2;
const checkLabels: i32 = 3;

/**
 * How many records from `from` on are valid and like that one: time fields are the same, number fields contain a number
 * or are absent, names are not too long. Peculiarities of their values are noted at `notes`.
 *
 * @param listed checks at `lists`, each a rule and a field; the second byte of a number's rule is the maximum number of
 *   digits before the point
 */
export function goodRecords(from: i32, recordCount: i32, listed: i32, maxNameLength: i32): i32 {
  let record = from;
  beginNotes();
  let goodNotesEnd = notesEnd();
  for (; record < recordCount; record += 1) {
    if (!isGoodRecord(record, from, listed, maxNameLength)) break;
    goodNotesEnd = notesEnd();
  }
  endNotes(goodNotesEnd);
  return record - from;
}

function isGoodRecord(record: i32, from: i32, listed: i32, maxNameLength: i32): bool {
  for (let i = 0; i < listed; i += 1) {
    const rule = i32(load<u8>(listsAt + i * 8));
    const field = load<i32>(listsAt + i * 8 + 4);
    const end = endAt(record, field);
    const start = startOf(end);
    const length = load<i32>(end) - start;
    if (rule == checkNumber) {
      const maxDigits = i32(load<u8>(listsAt + i * 8 + 1));
      if (!isPlainNumberOrBlank(inputAt + start, length, maxDigits)) {
        if (!isOtherNumber(inputAt + start, length, maxDigits, end)) return false;
      } else if (i32(load<u8>(inputAt + start)) == minus) noteNegative(inputAt + start, length, end);
    } else if (rule == checkLength) {
      if (length > maxNameLength) return false;
    } else if (rule == checkLabels) {
      if (hasSeveralColons(inputAt + start, length)) note(end, noteLabels);
    } else {
      const firstEnd = endAt(from, field);
      const firstStart = startOf(firstEnd);
      if (length != load<i32>(firstEnd) - firstStart) return false;
      if (!isSame(inputAt + start, inputAt + firstStart, length)) return false;
    }
  }
  return true;
}

/**
 * A number surrounded by spaces, in scientific notation or with a plus sign; or a word for "absent". Peculiarities are
 * noted.
 * @returns false if it is neither, or not obviously small enough
 */
function isOtherNumber(fieldStart: i32, fieldLength: i32, maxDigits: i32, fieldEnd: i32): bool {
  const start = passSpaces(fieldStart, fieldStart + fieldLength);
  const end = withoutSpacesAtEnd(start, fieldStart + fieldLength);
  const length = end - start;
  if (isAbsentForm(start, length)) {
    note(fieldEnd, noteLeftOut);
    return true;
  }
  if (length > 0 && !isScientificNumber(start, end, maxDigits)) return false;
  if (length != fieldLength) note(fieldEnd, noteTrimmed);
  if (length > 0 && i32(load<u8>(start)) == minus) noteNegative(start, length, fieldEnd);
  return true;
}

/**
 * Whether there are two colons without a `|` between them: a piece of labels that is left out.
 *
 * Sixteen bytes at a time. After each colon, one is added to the bits of all bytes that are neither colon nor `|`: it
 * is carried to the next byte that is one of both, and out of the block if there is none.
 */
function hasSeveralColons(start: i32, length: i32): bool {
  const colons = i8x16.splat(0x3a);
  const bars = i8x16.splat(0x7c);
  let carried: i32 = 0;
  for (let block = 0; block < length; block += 16) {
    const bytes = v128.load(start + block);
    const rest = length - block;
    const within = rest >= 16 ? 0xffff : (1 << rest) - 1;
    const colon = i8x16.bitmask(i8x16.eq(bytes, colons)) & within;
    const marks = (i8x16.bitmask(i8x16.eq(bytes, bars)) & within) | colon;
    const reached = ((colon << 1) | carried) + (~marks & 0xffff);
    if ((reached & colon) != 0) return true;
    carried = reached >> 16;
  }
  return false;
}

/**
 * Assemble valid records as they are stored: without spaces around numbers, and blank if a number is absent.
 * @returns bytes written to the first block
 */
export function tidy(from: i32, recordCount: i32): i32 {
  let out = blocksAt;
  let copied = inputAt + startOf(endAt(from, 0));
  const until = inputAt + load<i32>(endAt(from + recordCount - 1, fieldCount - 1)) + 1;
  const noteCount = load<i32>(notesAt);
  for (let i = 1; i <= noteCount; i += 1) {
    const noted = load<i32>(notesAt + i * 4);
    const what = noted & ((1 << noteBits) - 1);
    if (what > noteLeftOut) continue;
    const fieldEnd = endsAt + (noted >> noteBits) * 4;
    const end = inputAt + load<i32>(fieldEnd);
    const fieldStart = inputAt + startOf(fieldEnd);
    const start = what == noteLeftOut ? end : passSpaces(fieldStart, end);
    const length = withoutSpacesAtEnd(start, end) - start;
    memory.copy(out, copied, fieldStart - copied);
    out += fieldStart - copied;
    memory.copy(out, start, length);
    out += length;
    copied = end;
  }
  memory.copy(out, copied, until - copied);
  return out + until - copied - blocksAt;
}
