/** Peculiarities of values of valid records. */

import { smallLetter, zero } from './characters';
import { endsAt, notesAt } from './memory';
import { letterE } from './numbers';

/** A note about a field: the address of its end among `ends`, with one of these in the lowest bits. */
export const noteTrimmed: i32 = 0;
export const noteLeftOut: i32 = 1;
const noteIsNegative: i32 = 2;
export const noteLabels: i32 = 3;
export const noteBits: i32 = 2;

let noteEnd: i32 = 0;

export function note(end: i32, what: i32): void {
  store<i32>(noteEnd, (((end - endsAt) >> 2) << noteBits) | what);
  noteEnd += 4;
}

export function noteNegative(start: i32, length: i32, end: i32): void {
  for (let at = start + 1; at < start + length; at += 1) {
    const byte = i32(load<u8>(at));
    if (byte > zero && byte <= zero + 9) {
      note(end, noteIsNegative);
      return;
    }
    if ((byte | smallLetter) == letterE) return;
  }
}

/** Start a list of notes. */
export function beginNotes(): void {
  noteEnd = notesAt + 4;
}

/** End the list at an address returned by {@link notesEnd}. */
export function endNotes(end: i32): void {
  store<i32>(notesAt, (end - notesAt - 4) >> 2);
}

/** Address after the last note. */
export function notesEnd(): i32 {
  return noteEnd;
}
