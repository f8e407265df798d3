import { plainField, plainLength, plainStart } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';

/** Longest text that is compared; times are 29 bytes. */
const longestCompared = 64;

/**
 * A column whose texts mostly repeat from row to row, as times do: what is computed from the text is computed again only
 * when its bytes differ from those of the row before.
 */
export class RepeatedField<T> {
  readonly #field: number;
  readonly #compute: (text: string) => T;
  readonly #bytes = new Uint8Array(longestCompared);
  #length = -1;
  #value: T | undefined;

  constructor(field: number, compute: (text: string) => T) {
    this.#field = field;
    this.#compute = compute;
  }

  /** The value of the field in record `record`. */
  of(run: PlainRecords, record: number): T {
    const start = plainStart(run, record, this.#field);
    const length = plainLength(run, record, this.#field);
    if (length === this.#length && this.#isSame(run.bytes, start)) return this.#value as T;
    const value = this.#compute(plainField(run, record, this.#field));
    this.#length = length <= longestCompared ? length : -1;
    for (let i = 0; i < this.#length; i += 1) this.#bytes[i] = run.bytes[start + i] ?? 0;
    this.#value = value;
    return value;
  }

  #isSame(bytes: Uint8Array, start: number): boolean {
    // From the end: it is the hour that changes.
    for (let i = this.#length - 1; i >= 0; i -= 1) if (bytes[start + i] !== this.#bytes[i]) return false;
    return true;
  }
}
