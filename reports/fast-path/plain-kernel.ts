import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { timeMicroseconds } from '../../platform/database/binary-copy.ts';
import { packageRoot } from '../../platform/config/package-root.ts';
import { remembered } from './remembered.ts';

/** The part of the engine's WebAssembly API that is used here: its types come only with those of browsers. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  Instance: new (module: object, imports: Record<string, object>) => { readonly exports: object };
};

interface Global {
  readonly value: number;
}

/**
 * Built from reports/fast-path/wasm/plain-records.ts, which says what each call does. Addresses are bytes of its
 * memory.
 */
interface KernelExports {
  readonly inputBytes: Global;
  readonly maxFields: Global;
  readonly maxColumns: Global;
  readonly maxConstantBytes: Global;
  readonly maxRecords: Global;
  readonly maxLabelFields: Global;
  readonly inputAt: Global;
  readonly endsAt: Global;
  readonly listsAt: Global;
  readonly constantAt: Global;
  readonly idsAt: Global;
  readonly notesAt: Global;
  readonly maxNotes: Global;
  readonly sumsAt: Global;
  readonly sumCount: Global;
  readonly blocksAt: Global;
  readonly blockBytes: Global;
  readonly blocksInTurn: Global;
  readonly memoryBytes: Global;
  scan(limit: number, fieldCount: number): number;
  goodRecords(from: number, recordCount: number, listed: number, maxNameLength: number): number;
  tidy(from: number, recordCount: number): number;
  forgetLabels(): void;
  findLabels(recordCount: number, listed: number): number;
  keepLabel(record: number, field: number, id: number): void;
  writeTuples(
    recordCount: number,
    columns: number,
    constantLength: number,
    columnCount: number,
    block: number,
  ): number;
}

const newline = 0x0a;
const pageBytes = 64 * 1024;
/**
 * Memory of an instance: the layout of reports/fast-path/wasm/plain-records.ts takes 112 pages; untouched pages cost
 * nothing.
 */
const memoryPages = 128;

/** What is checked in a field of each record; numbers as in the kernel. */
export const fieldChecks = {
  same: 0,
  length: 2,
  labels: 3,
  /** a number passes only if it has at most this many digits before the point */
  number: (maxWholeDigits: number) => 1 | (maxWholeDigits << 8),
} as const;

/**
 * What is noted about a value of a valid record, in the lowest bits of a note: surrounded by spaces, a word for
 * "absent", negative, labels with a piece that has several colons. The other bits are its position among the fields of
 * all records.
 */
export const valueNotes = { trimmed: 0, leftOut: 1, negative: 2, labels: 3, bits: 2, mask: 3 } as const;

/** How the value of a tuple column is derived from a field; numbers as in the kernel. Units are of summed numbers. */
export const columnRules = {
  interval: 0,
  number: 1,
  text: 2,
  labels: 3,
  null: 4,
  'core-seconds': 5,
  'byte-seconds': 6,
} as const;

/**
 * Columns of a tuple: rule and field of each column that is derived from the record, then the bytes that end every
 * tuple.
 */
export interface TupleLayout {
  /** alternating rule and field */
  columns: Int32Array;
  /** fields that hold labels, in the order of their columns */
  labels: Int32Array;
  constant: Uint8Array;
  /** columns of the tuple, including those in `constant` */
  columnCount: number;
}

/** A label whose id is unknown. */
export interface UnknownLabel {
  /** among the labels of all records */
  place: number;
  record: number;
  field: number;
}

/** Shared by all instances, which are reused: hours are the same in every report. */
const timeOf = remembered(timeMicroseconds, {
  maxTexts: 10_000,
  maxCharacters: 500_000,
  whenFull: 'forget',
});

let compiled: object | undefined;

function compiledKernel(): object {
  if (compiled !== undefined) return compiled;
  const path = join(packageRoot, 'dist', 'plain-records.wasm');
  try {
    compiled = new WebAssembly.Module(readFileSync(path));
  } catch (cause) {
    throw new Error(`${path} cannot be read; build it with npm run build`, { cause });
  }
  return compiled;
}

/**
 * One instance of the loops over plain records, in WebAssembly: a report has half a gigabyte, and JavaScript takes ten
 * times as long per byte. It holds one run of records at a time, so it belongs to one reader.
 */
export class PlainKernel {
  readonly #wasm: KernelExports;
  readonly #input: Buffer;
  readonly #ends: Int32Array;
  readonly #lists: Int32Array;
  readonly #ids: Float64Array;
  readonly #notes: Int32Array;
  readonly #sums: Float64Array;
  readonly #constant: Uint8Array;
  readonly #maxLabelFields: number;
  readonly #blocks: readonly Buffer[];
  #block = 0;
  #layout: TupleLayout | undefined;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: memoryPages, maximum: memoryPages });
    const text = (start: number, length: number) => this.#input.toString('latin1', start, start + length);
    const instance = new WebAssembly.Instance(compiledKernel(), {
      env: { memory },
      // of reports/fast-path/wasm/tuples.ts, which declares them
      tuples: {
        timeOf: (start: number, length: number) => timeOf(text(start, length)),
        numberOf: (start: number, length: number) => Number(text(start, length)),
      },
    });
    const wasm = instance.exports as unknown as KernelExports;
    const value = (name: keyof KernelExports) => (wasm[name] as Global).value;
    if (value('memoryBytes') > memoryPages * pageBytes) throw new Error('the kernel needs more memory');
    const { buffer } = memory;
    this.#wasm = wasm;
    this.#input = Buffer.from(buffer, value('inputAt'), value('inputBytes'));
    this.#ends = new Int32Array(buffer, value('endsAt'), value('maxFields'));
    this.#lists = new Int32Array(buffer, value('listsAt'), 2 * value('maxColumns'));
    this.#ids = new Float64Array(buffer, value('idsAt'), value('maxRecords') * value('maxLabelFields'));
    this.#notes = new Int32Array(buffer, value('notesAt'), 1 + value('maxNotes'));
    this.#sums = new Float64Array(buffer, value('sumsAt'), value('sumCount'));
    this.#maxLabelFields = value('maxLabelFields');
    this.#constant = new Uint8Array(buffer, value('constantAt'), value('maxConstantBytes'));
    this.#blocks = Array.from({ length: value('blocksInTurn') }, (_, block) =>
      Buffer.from(buffer, value('blocksAt') + block * value('blockBytes'), value('blockBytes')),
    );
  }

  /** Where each field of the scanned records ends, as byte offsets. Overwritten by the next scan. */
  get ends(): Int32Array {
    return this.#ends;
  }

  /** Blocks that tuples are written into, in turn. */
  get blockCount(): number {
    return this.#blocks.length;
  }

  /**
   * Scan the plain records of `bytes` from `position` on, as many as fit.
   * @param limit follows a newline
   * @returns number of records: 0 if the first line is not plain, or too long
   */
  scan(bytes: Buffer, position: number, limit: number, fieldCount: number): number {
    if (fieldCount > this.#ends.length) return 0;
    let until = limit;
    if (limit - position > this.#input.length) {
      until = bytes.lastIndexOf(newline, position + this.#input.length - 1) + 1;
      if (until <= position) return 0;
    }
    bytes.copy(this.#input, 0, position, until);
    return this.#wasm.scan(until - position, fieldCount);
  }

  /**
   * How many records from `from` on pass the checks: 0 if that one does not.
   * @param checks alternating check and field; `same` means the same bytes as in record `from`
   */
  goodRecords(from: number, recordCount: number, checks: Int32Array, maxNameLength: number): number {
    this.#lists.set(checks);
    return this.#wasm.goodRecords(from, recordCount, checks.length / 2, maxNameLength);
  }

  /**
   * What was noted about the records that {@link goodRecords} accepted: {@link valueNotes}, in their order. Overwritten
   * by its next call.
   */
  valueNotes(): Int32Array {
    return this.#notes.subarray(1, 1 + (this.#notes[0] ?? 0));
  }

  /** The records that {@link goodRecords} accepted, as they are stored: numbers trimmed, and blank if absent. */
  tidied(from: number, recordCount: number): Buffer {
    return Buffer.from((this.#blocks[0] ?? Buffer.alloc(0)).subarray(0, this.#wasm.tidy(from, recordCount)));
  }

  /**
   * Look up the ids of all labels among those passed to {@link keepLabel}.
   * @returns those whose id is unknown, record by record
   */
  findLabels(recordCount: number, layout: TupleLayout): UnknownLabel[] {
    if (this.#layout !== layout) this.#use(layout);
    const { labels } = layout;
    if (labels.length === 0) return [];
    this.#lists.set(labels);
    const unknownCount = this.#wasm.findLabels(recordCount, labels.length);
    const unknown: UnknownLabel[] = [];
    for (let place = 0; unknown.length < unknownCount; place += 1)
      if (this.#ids[place] === -1)
        unknown.push({
          place,
          record: Math.floor(place / labels.length),
          field: labels[place % labels.length] ?? 0,
        });
    return unknown;
  }

  /** Set the id of a label that {@link findLabels} did not know. */
  keepLabel({ place, record, field }: UnknownLabel, id: number): void {
    this.#wasm.keepLabel(record, field, id);
    this.#ids[place] = id;
  }

  /**
   * The records as tuples of COPY's binary format; all labels must have an id by now. The bytes are overwritten by the
   * {@link blockCount}th call after this one.
   * @param sums of `reports/control-sums.ts`, which go on with these records
   */
  writeTuples(recordCount: number, layout: TupleLayout, sums: Float64Array): Buffer {
    if (this.#layout !== layout) throw new Error('labels must be looked up before tuples are written');
    const { columns, constant, columnCount } = layout;
    this.#lists.set(columns);
    this.#sums.set(sums);
    this.#block = (this.#block + 1) % this.#blocks.length;
    const byteCount = this.#wasm.writeTuples(
      recordCount,
      columns.length / 2,
      constant.length,
      columnCount,
      this.#block,
    );
    sums.set(this.#sums);
    return (this.#blocks[this.#block] ?? Buffer.alloc(0)).subarray(0, byteCount);
  }

  /** Ids belong to one tenant, so those of another layout are dropped. */
  #use(layout: TupleLayout): void {
    const { columns, labels, constant } = layout;
    const isTooLarge =
      columns.length > this.#lists.length ||
      labels.length > this.#maxLabelFields ||
      constant.length > this.#constant.length;
    if (isTooLarge)
      throw new Error(
        `no room for ${columns.length / 2} columns; see reports/fast-path/wasm/plain-records.ts`,
      );
    this.#constant.set(constant);
    this.#wasm.forgetLabels();
    this.#layout = layout;
  }
}

/** Idle instances. Each reserves addresses for gigabytes, as engines do for WebAssembly, so they are reused. */
const idle: PlainKernel[] = [];

/** Lend an instance to a reader. An instance that failed is not reused: its bytes may still be in flight. */
export async function withPlainKernel<T>(use: (kernel: PlainKernel) => Promise<T>): Promise<T> {
  const kernel = idle.pop() ?? new PlainKernel();
  const result = await use(kernel);
  idle.push(kernel);
  return result;
}
