/** The memory layout of an instance, and its limits. */

/**
 * Memory is laid out by hand: nothing is allocated. Blocks of 16 bytes are read and written beyond an end, hence
 * `slack`.
 */
const slack: i32 = 64;

/** Maximum number of bytes processed together, and of records among them. */
export const inputBytes: i32 = 128 * 1024;
export const maxRecords: i32 = 512;
export const maxFields: i32 = 64 * 1024;
export const maxColumns: i32 = 64;
export const maxConstantBytes: i32 = 128;
/** Maximum number of label fields of a record. */
export const maxLabelFields: i32 = 4;

/** Bytes of a tuple's field, except those of a text: its length, and a double, a bigint or a time. */
const fieldBytes: i32 = 12;
/** Maximum number of bytes of a tuple, except those of its texts. */
const tupleBytes: i32 = 2 + maxColumns * fieldBytes + maxConstantBytes;

/** Labels: texts and their ids, found by hash. A slot has 24 bytes: id, hash, address and length of the text. */
export const slotCount: i32 = 16 * 1024;
export const slotBytes: i32 = 24;
export const maxLabels: i32 = (slotCount / 4) * 3;
export const labelTextBytes: i32 = 4 * 1024 * 1024;
/** Slots probed before a text counts as unknown: texts constructed to collide must not slow it down. */
export const maxProbes: i32 = 64;

export const inputAt: i32 = 1024;
export const endsAt: i32 = inputAt + inputBytes + slack;
export const listsAt: i32 = endsAt + maxFields * 4 + slack;
export const constantAt: i32 = listsAt + maxColumns * 8 + slack;
export const idsAt: i32 = constantAt + maxConstantBytes + slack;
/** Control sums: of each hour its rows, core-seconds and byte-seconds, then the magnitude of either unit. */
export const sumsAt: i32 = idsAt + maxRecords * maxLabelFields * 8 + slack;
export const hourSumBytes: i32 = 3 * 8;
export const magnitudesAt: i32 = sumsAt + 24 * hourSumBytes;
export const sumCount: i32 = 24 * 3 + 2;
/** Notes about valid records: their number, then each note. A field can have two. */
export const notesAt: i32 = sumsAt + sumCount * 8 + slack;
export const maxNotes: i32 = 2 * maxFields;
export const slotsAt: i32 = notesAt + (2 + maxNotes) * 4 + slack;
export const labelTextsAt: i32 = slotsAt + slotCount * slotBytes + slack;
export const blocksAt: i32 = labelTextsAt + labelTextBytes + slack;
export const blockBytes: i32 = inputBytes + maxRecords * tupleBytes + slack;
export const blocksInTurn: i32 = 3;
/** Bytes of memory that an instance needs. */
export const memoryBytes: i32 = blocksAt + blocksInTurn * blockBytes;
