/**
 * The loops of the fast path that look at every byte of a report: finding the fields of plain records, checking them while a file is
 * split, and writing them as tuples of COPY while it is loaded. AssemblyScript: compiled to WebAssembly by `npm run build`.
 *
 * reports/fast-path/plain-kernel.ts owns the instances and explains the calls; what a plain record is stands in reports/csv-records.ts.
 * Every rule here is held beside its counterpart for parsed records by property tests: test/reports/csv-records.test.ts,
 * test/reports/report-rows.test.ts, test/reports/plain-staging-tuples.test.ts.
 *
 * Addresses (`…At`) are bytes of the memory; positions are bytes from the start of the input.
 */

/** Memory is laid out by hand: nothing is allocated. Blocks of 16 bytes are read and written beyond an end, hence `slack`. */
const slack: i32 = 64;

/** Most bytes looked at together, and most records of them. */
export const inputBytes: i32 = 128 * 1024;
export const mostRecords: i32 = 512;
export const mostFields: i32 = 64 * 1024;
export const mostColumns: i32 = 64;
export const mostConstantBytes: i32 = 128;
/** Label fields of a record, at most. */
export const mostLabelFields: i32 = 4;

/** Bytes of a field of a tuple besides those of a text: its length, and a double, a bigint or a time. */
const fieldBytes: i32 = 12;
/** Bytes of a tuple besides those of its texts, at most. */
const tupleBytes: i32 = 2 + mostColumns * fieldBytes + mostConstantBytes;

/** Labels: texts and their ids, found by hash. Slots are of 24 bytes: id, hash, address and length of the text. */
const slotCount: i32 = 16 * 1024;
const slotBytes: i32 = 24;
const mostLabels: i32 = (slotCount / 4) * 3;
const labelTextBytes: i32 = 4 * 1024 * 1024;
/** Slots looked at before a text is held to be unknown: texts that were made to collide must not make it slow. */
const longestProbe: i32 = 64;

export const inputAt: i32 = 1024;
export const endsAt: i32 = inputAt + inputBytes + slack;
export const listsAt: i32 = endsAt + mostFields * 4 + slack;
export const constantAt: i32 = listsAt + mostColumns * 8 + slack;
export const idsAt: i32 = constantAt + mostConstantBytes + slack;
/** Notes of good records: how many, then each. A field can have two. */
export const notesAt: i32 = idsAt + mostRecords * mostLabelFields * 8 + slack;
export const mostNotes: i32 = 2 * mostFields;
const slotsAt: i32 = notesAt + (2 + mostNotes) * 4 + slack;
const labelTextsAt: i32 = slotsAt + slotCount * slotBytes + slack;
export const blocksAt: i32 = labelTextsAt + labelTextBytes + slack;
export const blockBytes: i32 = inputBytes + mostRecords * tupleBytes + slack;
export const blocksInTurn: i32 = 3;
/** Bytes of memory that an instance needs. */
export const memoryBytes: i32 = blocksAt + blocksInTurn * blockBytes;

const space: i32 = 0x20;
const plus: i32 = 0x2b;
const comma: i32 = 0x2c;
const newline: i32 = 0x0a;
const minus: i32 = 0x2d;
const point: i32 = 0x2e;
const zero: i32 = 0x30;
/** Makes a small letter of a great one, and leaves all other characters of the absent forms as they are. */
const smallLetter: i32 = 0x20;

/** Fields of a record of the input that was scanned last. */
let fieldCount: i32 = 0;

/**
 * Find the plain records at the start of the input. `ends` gets where each field ends.
 *
 * @param limit bytes of the input, of which the last is a newline
 * @returns records found, up to the first line that is not plain
 */
export function scan(limit: i32, fields: i32): i32 {
  fieldCount = fields;
  const most = min(mostRecords, mostFields / fields);
  const spaces = i8x16.splat(0x20);
  const quotes = i8x16.splat(0x22);
  const commas = i8x16.splat(0x2c);
  const deletes = i8x16.splat(0x7f);
  let recordCount = 0;
  let recordStart = 0;
  let slot = endsAt;
  let lastOfRecord = slot + (fields - 1) * 4;
  for (let block = 0; block < limit; block += 16) {
    const bytes = v128.load(inputAt + block);
    // As signed numbers, bytes beyond ASCII are below the space, as control characters are.
    const odd = v128.or(
      v128.or(i8x16.lt_s(bytes, spaces), i8x16.eq(bytes, deletes)),
      i8x16.eq(bytes, quotes),
    );
    let marks = i8x16.bitmask(v128.or(odd, i8x16.eq(bytes, commas)));
    while (marks != 0) {
      const at = block + ctz(marks);
      marks &= marks - 1;
      const byte = i32(load<u8>(inputAt + at));
      if (byte == comma) {
        if (slot == lastOfRecord) return recordCount;
        store<i32>(slot, at);
        slot += 4;
      } else if (byte == newline) {
        // Not at its last field, or a blank line: passed over when there is one column, else of too few fields.
        if (slot != lastOfRecord || at == recordStart) return recordCount;
        store<i32>(slot, at);
        slot += 4;
        recordCount += 1;
        recordStart = at + 1;
        if (recordCount == most || recordStart >= limit) return recordCount;
        lastOfRecord = slot + (fields - 1) * 4;
      } else return recordCount;
    }
  }
  return recordCount;
}

/** Address of the end of a field. */
function endAt(record: i32, field: i32): i32 {
  return endsAt + (record * fieldCount + field) * 4;
}

/** Where a field starts, as a position. */
function startOf(end: i32): i32 {
  return end == endsAt ? 0 : load<i32>(end - 4) + 1;
}

function isSame(left: i32, right: i32, length: i32): bool {
  let at = 0;
  for (; at + 8 <= length; at += 8) if (load<u64>(left + at) != load<u64>(right + at)) return false;
  for (; at < length; at += 1) if (load<u8>(left + at) != load<u8>(right + at)) return false;
  return true;
}

/** What is checked of a field, in the lists of {@link goodRecords}; 0 means the same bytes as in the first record. */
const checkNumber: i32 = 1;
const checkLength: i32 = 2;
const checkLabels: i32 = 3;

/**
 * How many records from `from` on are good and like that one: fields that hold times are the same, fields that hold numbers
 * are numbers or absent, names are not too long. What is odd about their values is noted at `notes`.
 *
 * @param listed checks at `lists`, each a rule and a field; a number's rule has in its second byte how many digits may be
 *   before the point
 */
export function goodRecords(from: i32, recordCount: i32, listed: i32, longestName: i32): i32 {
  let record = from;
  noteEnd = notesAt + 4;
  let goodNoteEnd = noteEnd;
  for (; record < recordCount; record += 1) {
    if (!isGoodRecord(record, from, listed, longestName)) break;
    goodNoteEnd = noteEnd;
  }
  store<i32>(notesAt, (goodNoteEnd - notesAt - 4) >> 2);
  return record - from;
}

function isGoodRecord(record: i32, from: i32, listed: i32, longestName: i32): bool {
  for (let i = 0; i < listed; i += 1) {
    const rule = i32(load<u8>(listsAt + i * 8));
    const field = load<i32>(listsAt + i * 8 + 4);
    const end = endAt(record, field);
    const start = startOf(end);
    const length = load<i32>(end) - start;
    if (rule == checkNumber) {
      const mostDigits = i32(load<u8>(listsAt + i * 8 + 1));
      if (!isPlainNumberOrBlank(inputAt + start, length, mostDigits)) {
        if (!isOtherNumber(inputAt + start, length, mostDigits, end)) return false;
      } else if (i32(load<u8>(inputAt + start)) == minus) noteNegative(inputAt + start, length, end);
    } else if (rule == checkLength) {
      if (length > longestName) return false;
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

function passDigits(from: i32, end: i32): i32 {
  let at = from;
  while (at < end && u32(i32(load<u8>(at)) - zero) < 10) at += 1;
  return at;
}

/** Blank, or digits, perhaps with a minus and a fraction: a number with at most so many digits before the point. */
function isPlainNumberOrBlank(start: i32, length: i32, mostDigits: i32): bool {
  if (length == 0) return true;
  const end = start + length;
  const wholeStart = i32(load<u8>(start)) == minus ? start + 1 : start;
  let at = passDigits(wholeStart, end);
  const wholeDigits = at - wholeStart;
  if (wholeDigits == 0 || wholeDigits > mostDigits) return false;
  if (at < end && i32(load<u8>(at)) == point) at = passDigits(at + 1, end);
  return at == end;
}

// ---- numbers as operators print them -------------------------------------------------------------------------------

/** What is noted of a field: the address of its end among `ends`, and one of these in the lowest bits. */
const noteTrimmed: i32 = 0;
const noteLeftOut: i32 = 1;
const noteIsNegative: i32 = 2;
const noteLabels: i32 = 3;
const noteBits: i32 = 2;

let noteEnd: i32 = 0;

function note(end: i32, what: i32): void {
  store<i32>(noteEnd, (((end - endsAt) >> 2) << noteBits) | what);
  noteEnd += 4;
}

function noteNegative(start: i32, length: i32, end: i32): void {
  for (let at = start + 1; at < start + length; at += 1) {
    const byte = i32(load<u8>(at));
    if (byte > zero && byte <= zero + 9) {
      note(end, noteIsNegative);
      return;
    }
    if ((byte | smallLetter) == letterE) return;
  }
}

function passSpaces(from: i32, end: i32): i32 {
  let at = from;
  while (at < end && i32(load<u8>(at)) == space) at += 1;
  return at;
}

function withoutSpacesAtEnd(from: i32, end: i32): i32 {
  let at = end;
  while (at > from && i32(load<u8>(at - 1)) == space) at -= 1;
  return at;
}

/**
 * A number within spaces, in scientific notation or with a plus; or a word for an absent one. What is odd about it is noted.
 * @returns false when it is neither, or not seen at once to be small enough
 */
function isOtherNumber(fieldStart: i32, fieldLength: i32, mostDigits: i32, fieldEnd: i32): bool {
  const start = passSpaces(fieldStart, fieldStart + fieldLength);
  const end = withoutSpacesAtEnd(start, fieldStart + fieldLength);
  const length = end - start;
  if (isAbsentForm(start, length)) {
    note(fieldEnd, noteLeftOut);
    return true;
  }
  if (length > 0 && !isScientificNumber(start, end, mostDigits)) return false;
  if (length != fieldLength) note(fieldEnd, noteTrimmed);
  if (length > 0 && i32(load<u8>(start)) == minus) noteNegative(start, length, fieldEnd);
  return true;
}

const letterE: i32 = 0x65;
/** Digits of an exponent that are looked at. */
const mostExponentDigits: i32 = 4;

function isScientificNumber(start: i32, end: i32, mostDigits: i32): bool {
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
    if (at == exponentStart || at - exponentStart > mostExponentDigits) return false;
    if (sign != minus) size += wholeNumber(exponentStart, at);
  }
  return at == end && size <= mostDigits;
}

function wholeNumber(start: i32, end: i32): i32 {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + i32(load<u8>(at)) - zero;
  return value;
}

const longestAbsentForm: i32 = 5;

/** `NaN`, `null`, `none`, `nil`, `<nil>`, `n/a`, `-`, in any case. */
function isAbsentForm(start: i32, length: i32): bool {
  if (length == 0 || length > longestAbsentForm) return false;
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

/**
 * Whether two colons have no `|` between them: a piece of labels that is left out.
 *
 * Sixteen bytes at a time. Behind each colon a one is added to the bits of all bytes that are neither colon nor `|`: it is carried
 * along to the next byte that is one of both, and out of the block when there is none.
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
 * Put good records together as they are stored: without spaces around numbers, and blank where a number is absent.
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

// ---- labels --------------------------------------------------------------------------------------------------------

let labelCount: i32 = 0;
let labelTextsEnd: i32 = labelTextsAt;

/** Forget all labels: their ids belong to one tenant. */
export function forgetLabels(): void {
  labelCount = 0;
  labelTextsEnd = labelTextsAt;
  memory.fill(slotsAt, 0, slotCount * slotBytes);
}

/** Of a text, and not zero. */
function hashOf(start: i32, length: i32): u32 {
  const multiplier: u64 = 0x9e3779b97f4a7c15;
  let hash = u64(length);
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    hash = (hash ^ load<u64>(start + at)) * multiplier;
    hash ^= hash >> 29;
  }
  if (at < length) {
    // The last bytes, without those behind them.
    const rest = load<u64>(start + at) & ((u64(1) << (u64(length - at) * 8)) - 1);
    hash = (hash ^ rest) * multiplier;
    hash ^= hash >> 29;
  }
  return u32(hash >> 32) | 1;
}

/** Address of the slot that holds a text, or of the free one where it belongs; 0 when there is neither. */
function slotOf(start: i32, length: i32, hash: u32): i32 {
  let index = i32(hash >> 1) & (slotCount - 1);
  for (let probe = 0; probe < longestProbe; probe += 1) {
    const slot = slotsAt + index * slotBytes;
    const found = load<u32>(slot + 8);
    if (found == 0) return slot;
    if (found == hash && load<i32>(slot + 16) == length && isSame(start, load<i32>(slot + 12), length))
      return slot;
    index = (index + 1) & (slotCount - 1);
  }
  return 0;
}

/**
 * Look up the ids of the labels in the fields listed at `lists`, record by record, and put them into `ids`; -1 for unknown ones.
 * @returns how many are unknown
 */
export function findLabels(recordCount: i32, listed: i32): i32 {
  let unknown = 0;
  let id = idsAt;
  for (let record = 0; record < recordCount; record += 1) {
    for (let i = 0; i < listed; i += 1) {
      const end = endAt(record, load<i32>(listsAt + i * 4));
      const start = startOf(end);
      const length = load<i32>(end) - start;
      const slot = slotOf(inputAt + start, length, hashOf(inputAt + start, length));
      if (slot != 0 && load<u32>(slot + 8) != 0) store<f64>(id, load<f64>(slot));
      else {
        store<f64>(id, -1);
        unknown += 1;
      }
      id += 8;
    }
  }
  return unknown;
}

/** Keep the id of the label text in a field. When there is no room, all are forgotten. */
export function keepLabel(record: i32, field: i32, id: f64): void {
  const end = endAt(record, field);
  const start = startOf(end);
  const length = load<i32>(end) - start;
  if (labelCount == mostLabels || labelTextsEnd + length > labelTextsAt + labelTextBytes) forgetLabels();
  const hash = hashOf(inputAt + start, length);
  const slot = slotOf(inputAt + start, length, hash);
  if (slot == 0 || load<u32>(slot + 8) != 0) return;
  memory.copy(labelTextsEnd, inputAt + start, length);
  store<f64>(slot, id);
  store<u32>(slot + 8, hash);
  store<i32>(slot + 12, labelTextsEnd);
  store<i32>(slot + 16, length);
  labelTextsEnd += length;
  labelCount += 1;
}

// ---- tuples --------------------------------------------------------------------------------------------------------

/** How the value of a column is made. */
const ruleInterval: i32 = 0;
const ruleNumber: i32 = 1;
const ruleText: i32 = 2;
const ruleLabels: i32 = 3;

/** Microseconds since 2000 of the time in some bytes of the input. */
declare function timeOf(start: i32, length: i32): i64;
/** The double nearest to the number in some bytes of the input. */
declare function numberOf(start: i32, length: i32): f64;

/** Powers of ten that a double holds exactly. */
const powersOfTen = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]);
const mostExactDigits: i32 = 15;

function powerOfTen(exponent: i32): f64 {
  return load<f64>(i32(powersOfTen) + exponent * 8);
}

/**
 * Write the records as tuples of COPY's binary format.
 *
 * @param columns columns made of the record, each a rule and a field at `lists`; their labels' ids stand in `ids`, by column
 * @param constantLength bytes at `constant`, which end each tuple
 * @param columnCount columns of the tuple, the constant ones included
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
  for (let record = 0; record < recordCount; record += 1) {
    store<u16>(at, head);
    at += 2;
    for (let i = 0; i < columns; i += 1) {
      const rule = load<i32>(listsAt + i * 8);
      if (rule > ruleLabels) {
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
      } else if (rule == ruleNumber) {
        if (length == 0) {
          store<i32>(at, -1);
          at += 4;
        } else {
          store<u32>(at, bswap<u32>(8));
          store<u64>(at + 4, bswap<u64>(reinterpret<u64>(plainNumber(start, length))));
          at += 12;
        }
      } else {
        if (length != timeLength || !isSame(start, timeStart, length)) {
          time = timeOf(start - inputAt, length);
          timeStart = start;
          timeLength = length;
        }
        store<u32>(at, bswap<u32>(8));
        store<u64>(at + 4, bswap<u64>(time));
        at += 12;
      }
    }
    for (let copied = 0; copied < constantLength; copied += 16)
      v128.store(at + copied, v128.load(constantAt + copied));
    at += constantLength;
  }
  return at - out;
}

/**
 * The number in some bytes, the same double as JavaScript's `Number` gives for their text.
 *
 * Up to 15 digits are a whole number that a double holds exactly, and so is the power of ten: dividing one by the other
 * rounds once, which is what reading a decimal means. Zeros at the end of a fraction, which the operator always
 * writes, do not count. Everything else is left to `Number`.
 */
function plainNumber(start: i32, length: i32): f64 {
  const end = start + length;
  const isNegative = i32(load<u8>(start)) == minus;
  let value: f64 = 0;
  let digitCount = 0;
  let fractionDigitCount = 0;
  let isFraction = false;
  /** zeros of the fraction that count only when another digit follows */
  let zeroCount = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) {
    const byte = i32(load<u8>(at));
    const digit = byte - zero;
    if (digit == 0 && isFraction) zeroCount += 1;
    else if (u32(digit) < 10) {
      const places = zeroCount + 1;
      digitCount += places;
      if (digitCount > mostExactDigits) return numberOf(start - inputAt, length);
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
