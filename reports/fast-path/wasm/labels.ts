/** Labels: their texts and ids, cached between the files of a tenant. */

import {
  idsAt,
  inputAt,
  labelTextBytes,
  labelTextsAt,
  listsAt,
  maxProbes,
  maxLabels,
  slotBytes,
  slotCount,
  slotsAt,
} from './memory';
import { endAt, isSame, startOf } from './records';

let labelCount: i32 = 0;
let labelTextsEnd: i32 = labelTextsAt;

/** Drop all labels: their ids belong to one tenant. */
export function forgetLabels(): void {
  labelCount = 0;
  labelTextsEnd = labelTextsAt;
  memory.fill(slotsAt, 0, slotCount * slotBytes);
}

/** Hash of a text, never zero. */
function hashOf(start: i32, length: i32): u32 {
  const multiplier: u64 = 0x9e3779b97f4a7c15;
  let hash = u64(length);
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    hash = (hash ^ load<u64>(start + at)) * multiplier;
    hash ^= hash >> 29;
  }
  if (at < length) {
    // The last bytes, without those that follow.
    const rest = load<u64>(start + at) & ((u64(1) << (u64(length - at) * 8)) - 1);
    hash = (hash ^ rest) * multiplier;
    hash ^= hash >> 29;
  }
  return u32(hash >> 32) | 1;
}

/** Address of the slot that contains a text, or of the free one where it belongs; 0 if there is neither. */
function slotOf(start: i32, length: i32, hash: u32): i32 {
  let index = i32(hash >> 1) & (slotCount - 1);
  for (let probe = 0; probe < maxProbes; probe += 1) {
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
 * Look up the ids of the labels in the fields listed at `lists`, record by record, and write them into `ids`; -1 for
 * unknown ones.
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

/** Cache the id of the label text in a field. If there is no room, all are dropped. */
export function keepLabel(record: i32, field: i32, id: f64): void {
  const end = endAt(record, field);
  const start = startOf(end);
  const length = load<i32>(end) - start;
  if (labelCount == maxLabels || labelTextsEnd + length > labelTextsAt + labelTextBytes) forgetLabels();
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
