import { intervalField, longestFieldBytes, nullField } from './binary-copy.ts';
import { plainField, plainLength, plainStart } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';
import { plainNumber } from './plain-number.ts';
import { RepeatedField } from './repeated-field.ts';

/** How the value of a staging column is made from one field of a plain record. */
export type PlainCell = { rule: 'interval' | 'number' | 'text' | 'labels'; field: number } | { rule: 'null' };

/** Id of the label set that a text stands for; undefined when it has none yet. */
export type LabelSetId = (text: string) => number | undefined;

/** Id of a label text that must have one. */
export function labelSetIdOf(text: string, labelSetId: LabelSetId): number {
  const id = labelSetId(text);
  if (id === undefined)
    throw new Error('a label set has no id: it was not stored before the row was written');
  return id;
}

/** Some rows on their way to become tuples of COPY's binary format. */
export interface StagingTuples {
  /** label texts among them that may have no id yet */
  newLabelTexts: string[];
  /**
   * The tuples; every label text must have an id by then.
   * The bytes are written over when the tuples of the {@link blocksInTurn}th rows from here are made.
   */
  tuples(labelSetId: LabelSetId): Buffer;
}

/**
 * Blocks that tuples are written into, in turn: one on its way to the server, one waiting behind it, one being filled.
 * New ones for every few hundred rows are garbage by the gigabyte, and collecting it took as long as writing it.
 */
export const blocksInTurn = 3;

/** The rules as numbers: they are told apart for every field of every row. */
const rules = { interval: 0, number: 1, text: 2, labels: 3, null: 4 } as const;

/**
 * The fast path of the load: tuples from plain records, byte by byte, without a string for every field.
 * test/load/plain-staging-tuples.test.ts holds it beside the conversion of parsed rows: same bytes.
 *
 * @param cells in the order of the columns
 * @param constant fields that end each tuple
 * @param columnCount columns of a tuple, the constant ones included
 */
export function plainTupleWriter(
  cells: readonly PlainCell[],
  constant: Buffer,
  columnCount: number,
): (run: PlainRecords) => StagingTuples {
  const columnRules = Uint8Array.from(cells, ({ rule }) => rules[rule]);
  const columnFields = Int32Array.from(cells, (cell) => (cell.rule === 'null' ? -1 : cell.field));
  const labels = cells.flatMap((cell) => (cell.rule === 'labels' ? [cell.field] : []));
  const interval = new RepeatedField(
    cells.flatMap((cell) => (cell.rule === 'interval' ? [cell.field] : []))[0] ?? -1,
    intervalField,
  );
  const tupleBytes = 2 + cells.length * longestFieldBytes + constant.length;
  /** ids of the label texts so far: one look-up for each row is a fifth of what a row costs */
  const knownIds = new Map<string, number>();
  const blocks: Buffer[] = [];
  let turn = 0;
  return (run) => {
    const { ids, texts } = labelIds(run, labels, knownIds);
    return {
      newLabelTexts: [...new Set(texts.values())],
      tuples: (labelSetId) => {
        for (const [at, text] of texts) {
          ids[at] = labelSetIdOf(text, labelSetId);
          knownIds.set(text, ids[at]);
        }
        return write(run, ids);
      },
    };
  };

  function write(run: PlainRecords, ids: Float64Array): Buffer {
    const sentBytes = (run.ends[run.recordCount * run.fieldCount - 1] ?? 0) - run.start;
    turn = (turn + 1) % blocksInTurn;
    const out = withRoom(blocks[turn], sentBytes + run.recordCount * tupleBytes);
    blocks[turn] = out;
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
    let at = 0;
    let label = 0;
    for (let record = 0; record < run.recordCount; record += 1) {
      view.setInt16(at, columnCount);
      at += 2;
      for (let column = 0; column < columnRules.length; column += 1) {
        const rule = columnRules[column];
        const field = columnFields[column] ?? 0;
        if (rule === rules.text) at = writeText(run, record, field, out, view, at);
        else if (rule === rules.number) at = writeNumber(run, record, field, view, at);
        else if (rule === rules.labels) {
          at = writeBigint(ids[label] ?? 0, view, at);
          label += 1;
        } else at = writeBytes(rule === rules.interval ? interval.of(run, record) : nullField, out, at);
      }
      at = writeBytes(constant, out, at);
    }
    return out.subarray(0, at);
  }
}

/** Ids of the label texts, record by record, and the texts whose id is not known, by their place among them. */
function labelIds(
  run: PlainRecords,
  labels: readonly number[],
  knownIds: ReadonlyMap<string, number>,
): { ids: Float64Array; texts: Map<number, string> } {
  const ids = new Float64Array(run.recordCount * labels.length);
  const texts = new Map<number, string>();
  let at = 0;
  for (let record = 0; labels.length > 0 && record < run.recordCount; record += 1)
    for (const field of labels) {
      const text = plainField(run, record, field);
      const id = knownIds.get(text);
      if (id === undefined) texts.set(at, text);
      else ids[at] = id;
      at += 1;
    }
  return { ids, texts };
}

function writeText(
  run: PlainRecords,
  record: number,
  field: number,
  out: Buffer,
  view: DataView,
  to: number,
): number {
  const { bytes } = run;
  const start = plainStart(run, record, field);
  const length = plainLength(run, record, field);
  view.setInt32(to, length);
  for (let i = 0; i < length; i += 1) out[to + 4 + i] = bytes[start + i] ?? 0;
  return to + 4 + length;
}

function writeNumber(run: PlainRecords, record: number, field: number, view: DataView, to: number): number {
  if (plainLength(run, record, field) === 0) {
    view.setInt32(to, -1);
    return to + 4;
  }
  view.setInt32(to, 8);
  view.setFloat64(to + 4, plainNumber(run, record, field));
  return to + 12;
}

/** In two halves: a bigint object for every row would cost more than the row. */
function writeBigint(value: number, view: DataView, to: number): number {
  view.setInt32(to, 8);
  view.setUint32(to + 4, Math.floor(value / 2 ** 32));
  view.setUint32(to + 8, value % 2 ** 32);
  return to + 12;
}

function writeBytes(bytes: Uint8Array, out: Buffer, to: number): number {
  for (let i = 0; i < bytes.length; i += 1) out[to + i] = bytes[i] ?? 0;
  return to + bytes.length;
}

function withRoom(block: Buffer | undefined, neededBytes: number): Buffer {
  return block !== undefined && block.length >= neededBytes ? block : Buffer.allocUnsafeSlow(neededBytes);
}
