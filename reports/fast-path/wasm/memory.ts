/** Where everything stands in the memory of an instance, and how much of it there may be. */

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
export const slotCount: i32 = 16 * 1024;
export const slotBytes: i32 = 24;
export const mostLabels: i32 = (slotCount / 4) * 3;
export const labelTextBytes: i32 = 4 * 1024 * 1024;
/** Slots looked at before a text is held to be unknown: texts that were made to collide must not make it slow. */
export const longestProbe: i32 = 64;

export const inputAt: i32 = 1024;
export const endsAt: i32 = inputAt + inputBytes + slack;
export const listsAt: i32 = endsAt + mostFields * 4 + slack;
export const constantAt: i32 = listsAt + mostColumns * 8 + slack;
export const idsAt: i32 = constantAt + mostConstantBytes + slack;
/** Notes of good records: how many, then each. A field can have two. */
export const notesAt: i32 = idsAt + mostRecords * mostLabelFields * 8 + slack;
export const mostNotes: i32 = 2 * mostFields;
export const slotsAt: i32 = notesAt + (2 + mostNotes) * 4 + slack;
export const labelTextsAt: i32 = slotsAt + slotCount * slotBytes + slack;
export const blocksAt: i32 = labelTextsAt + labelTextBytes + slack;
export const blockBytes: i32 = inputBytes + mostRecords * tupleBytes + slack;
export const blocksInTurn: i32 = 3;
/** Bytes of memory that an instance needs. */
export const memoryBytes: i32 = blocksAt + blocksInTurn * blockBytes;
