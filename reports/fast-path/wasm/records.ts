/** Finding the fields of plain records. */

import { comma, newline } from './characters';
import { endsAt, inputAt, maxFields, maxRecords } from './memory';

/** Number of fields of a record of the input scanned last. */
export let fieldCount: i32 = 0;

/**
 * Find the plain records at the start of the input. `ends` gets where each field ends.
 *
 * @param limit bytes of the input, of which the last is a newline
 * @returns records found, up to the first line that is not plain
 */
export function scan(limit: i32, fields: i32): i32 {
  fieldCount = fields;
  const most = min(maxRecords, maxFields / fields);
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
    // As signed numbers, bytes beyond ASCII are less than the space, as control characters are.
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
        // Not at its last field, or a blank line: skipped if there is one column, otherwise a record with too few
        // fields.
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
export function endAt(record: i32, field: i32): i32 {
  return endsAt + (record * fieldCount + field) * 4;
}

/** Where a field starts, as a position. */
export function startOf(end: i32): i32 {
  return end == endsAt ? 0 : load<i32>(end - 4) + 1;
}

export function isSame(left: i32, right: i32, length: i32): bool {
  let at = 0;
  for (; at + 8 <= length; at += 8) if (load<u64>(left + at) != load<u64>(right + at)) return false;
  for (; at < length; at += 1) if (load<u8>(left + at) != load<u8>(right + at)) return false;
  return true;
}
