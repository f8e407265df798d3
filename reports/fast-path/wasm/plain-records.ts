/**
 * The loops of the fast path that read every byte of a report: finding the fields of plain records, checking them while
 * a file is split, and writing them as tuples of COPY while it is loaded. AssemblyScript: compiled to WebAssembly by
 * `npm run build`.
 *
 * reports/fast-path/plain-kernel.ts owns the instances and explains the calls; reports/csv-records.ts defines plain
 * records. Property tests compare every rule here with its counterpart for parsed records:
 * test/reports/csv-records.test.ts, test/reports/report-rows.test.ts, test/reports/plain-staging-tuples.test.ts.
 *
 * Addresses (`…At`) are bytes of the memory; positions are bytes from the start of the input.
 */

export { goodRecords, tidy } from './checks';
export { findLabels, forgetLabels, keepLabel } from './labels';
export {
  blockBytes,
  blocksAt,
  blocksInTurn,
  constantAt,
  endsAt,
  idsAt,
  inputAt,
  inputBytes,
  listsAt,
  memoryBytes,
  maxColumns,
  maxConstantBytes,
  maxFields,
  maxLabelFields,
  maxNotes,
  maxRecords,
  notesAt,
  sumCount,
  sumsAt,
} from './memory';
export { scan } from './records';
export { writeTuples } from './tuples';
