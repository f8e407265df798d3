import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';

/** One CSV of a payload. */
export interface ReportFile {
  name: string;
  byteCount: number;
  rowCount: number;
  /** hexadecimal */
  sha256: string;
}

/** The operator starts another file of the same kind at about this size. */
const fileLimitBytes = 100_000_000;
const bufferBytes = 1024 * 1024;
/** A line fits into what is left of the buffer when `write` is called. */
const maxLineBytes = 16 * 1024;

/** Writes the lines of one kind into as many files as they need, each with the header. ASCII only. */
export class ReportFiles {
  readonly files: ReportFile[] = [];
  readonly #directory: string;
  readonly #header: string;
  readonly #nameOf: () => string;
  readonly #buffer = Buffer.allocUnsafe(bufferBytes);
  #used = 0;
  #open: { handle: FileHandle; file: ReportFile; hash: Hash } | undefined;

  /** @param nameOf called for the name of each new file */
  constructor(directory: string, header: string, nameOf: () => string) {
    this.#directory = directory;
    this.#header = header;
    this.#nameOf = nameOf;
  }

  /** Add a line, its newline included. Synchronous: the caller awaits {@link flush} when {@link isFull}. */
  write(line: string): void {
    this.#used += this.#buffer.write(line, this.#used, 'latin1');
  }

  get isFull(): boolean {
    return this.#used > bufferBytes - maxLineBytes;
  }

  /** Write what is buffered; the file ends here when it has become large enough. */
  async flush(rowCount: number): Promise<void> {
    this.#open ??= await this.#begin();
    const { handle, file, hash } = this.#open;
    const bytes = this.#buffer.subarray(0, this.#used);
    hash.update(bytes);
    for (let written = 0; written < bytes.length;)
      written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
    file.byteCount += bytes.length;
    file.rowCount += rowCount;
    this.#used = 0;
    if (file.byteCount > fileLimitBytes) await this.close();
  }

  /** End the present file. */
  async close(): Promise<void> {
    if (this.#open === undefined) return;
    const { handle, file, hash } = this.#open;
    this.#open = undefined;
    file.sha256 = hash.digest('hex');
    await handle.close();
  }

  async #begin() {
    const file: ReportFile = { name: this.#nameOf(), byteCount: 0, rowCount: 0, sha256: '' };
    this.files.push(file);
    const handle = await open(join(this.#directory, file.name), 'w');
    const hash = createHash('sha256');
    const header = Buffer.from(`${this.#header}\n`, 'latin1');
    await handle.write(header);
    hash.update(header);
    file.byteCount += header.length;
    return { handle, file, hash };
  }
}
