import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { parseTimestamp } from '../../domain/time/timestamp.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import type { ControlSums } from '../../reports/control-sums.ts';
import { csvLine, fieldsOf } from '../../reports/csv-records.ts';
import type { ParsedRecords, PlainRecords } from '../../reports/csv-records.ts';
import { readDailyCsv } from '../../reports/daily-csv.ts';
import type { DailyCsv } from '../../reports/daily-csv.ts';
import type { LabelSets } from '../../reports/label-sets.ts';
import { withPlainKernel } from '../../reports/fast-path/plain-kernel.ts';
import { stagingRowWriter } from '../../reports/staging-rows.ts';
import { gpuRows } from './gpu-rows.ts';
import { generationOf, lakeColumns } from './lake-columns.ts';
import { parquetKey } from './lake-tables.ts';
import { writeParquet } from './parquet-file.ts';

/** A piece as the ledger knows it. */
export interface PieceToConvert {
  schema: string;
  pieceId: number;
  kind: ReportKind;
  sourceUuid: string;
  reportPeriodId: number;
  usageDay: UsageDay;
  objectKey: string;
  rowCount: number;
  checksum: string;
}

/** What conversion needs besides the piece. */
export interface Conversion {
  objectStore: Pick<ObjectStore, 'get' | 'put'>;
  /** stores the label sets of the rows, and registers their keys, as a load does */
  labelSets: LabelSets;
  onRows: (rows: number) => void;
  signal: AbortSignal;
}

/** A piece that is in the lake. */
export interface ConvertedPiece {
  parquetKey: string;
  rowCount: number;
  byteCount: number;
  /** of the rows as they were sent, taken from the CSV and not from what was written */
  sums: ControlSums;
}

/**
 * Convert a daily CSV to one Parquet object of the lake: whole or not at all, and a function of the piece's content, so
 * that two workers do no harm. The CSV is read by the program's own reader, which adds up the control sums and stores
 * label sets; DuckDB gets what that reader understood, in a local file.
 *
 * @throws PipelineError `ObjectDamaged` (not retried) if the daily CSV differs from what the ledger says, or if the
 *   file would lack rows
 */
export async function convertPiece(piece: PieceToConvert, conversion: Conversion): Promise<ConvertedPiece> {
  const { objectStore, signal } = conversion;
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-convert-'));
  try {
    const generation = generationOf(piece);
    const columns = lakeColumns(piece.kind);
    const { sums, ...csv } = await copyCsv(piece, conversion, directory);
    const file = join(directory, 'piece.parquet');
    const rowCount = await writeParquet(
      { ...csv, timeMicroseconds, pieceId: piece.pieceId, generation },
      columns,
      { path: file, directory },
    );
    if (rowCount !== piece.rowCount)
      throw new PipelineError(
        'ObjectDamaged',
        `${piece.objectKey}: expected ${piece.rowCount} rows in its Parquet file, found ${rowCount}; nothing was stored`,
      );
    const key = parquetKey(piece, generation);
    const { byteCount } = await objectStore.put(key, createReadStream(file), { signal });
    return { parquetKey: key, rowCount, byteCount, sums };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface CopiedCsv {
  path: string;
  header: readonly string[];
  labelsPath: string;
  sums: ControlSums;
}

/** The CSV as a local file of plain records, and beside it what its label texts mean. */
async function copyCsv(piece: PieceToConvert, conversion: Conversion, directory: string): Promise<CopiedCsv> {
  const { objectStore, labelSets, signal } = conversion;
  const path = join(directory, 'rows.csv');
  const labelsPath = join(directory, 'labels.csv');
  const hash = createHash('sha256');
  const object = await objectStore.get(piece.objectKey, { signal });
  return withPlainKernel(async (kernel) => {
    const csv = await readDailyCsv(Readable.from(hashed(object, hash), { objectMode: false }), { kernel });
    const copy = new CopyOfRows(piece, conversion, csv.header);
    await pipeline(copy.lines(csv), createWriteStream(path), { signal });
    if (hash.digest('hex') !== piece.checksum || copy.rowCount !== piece.rowCount)
      throw new PipelineError(
        'ObjectDamaged',
        `${piece.objectKey}: expected ${piece.rowCount} rows with checksum ${piece.checksum.slice(0, 12)}…, ` +
          `found ${copy.rowCount} rows with different content; replay the manifest from its archive`,
      );
    const texts = [...copy.labelTexts].map((text) => csvLine([text, labelSets.labels(text) ?? '']));
    await writeFile(labelsPath, texts.join(''));
    return { path, header: copy.header, labelsPath, sums: copy.sums };
  });
}

class CopyOfRows {
  rowCount = 0;
  readonly labelTexts = new Set<string>();
  /** of the lines that are written */
  readonly header: readonly string[];
  readonly #conversion: Conversion;
  readonly #writer: ReturnType<typeof stagingRowWriter>;
  readonly #gpu: ReturnType<typeof gpuRows> | undefined;

  constructor(piece: PieceToConvert, conversion: Conversion, header: readonly string[]) {
    this.#conversion = conversion;
    this.#gpu = piece.kind === 'gpu_usage' ? gpuRows(header) : undefined;
    this.header = this.#gpu?.header ?? header;
    this.#writer = stagingRowWriter(piece.kind, header, piece);
  }

  get sums(): ControlSums {
    return this.#writer.sums;
  }

  async *lines({ rows }: DailyCsv): AsyncGenerator<Buffer> {
    const { labelSets, signal, onRows } = this.#conversion;
    for await (const some of rows) {
      const prepared = this.#writer.prepare(some);
      await labelSets.store(prepared.newLabelTexts, signal);
      for (const text of prepared.newLabelTexts) this.labelTexts.add(text);
      // Only for the sums: they are taken while tuples are made, so both engines have the same.
      prepared.tuples((text) => labelSets.id(text));
      this.rowCount += some.form === 'plain' ? some.recordCount : some.records.length;
      onRows(this.rowCount);
      yield this.#bytes(some);
    }
  }

  #bytes(rows: PlainRecords | ParsedRecords): Buffer {
    const gpu = this.#gpu;
    if (gpu !== undefined)
      return Buffer.from(
        fieldsOf(rows)
          .map((row) => csvLine(gpu.row(row)))
          .join(''),
      );
    // They remain valid, but the reader's buffer behind them may be reused.
    if (rows.form === 'plain') return Buffer.from(rows.bytes);
    return Buffer.from(rows.records.map(({ fields }) => csvLine(fields)).join(''));
  }
}

/**
 * Microseconds since 1970, of a whole millisecond: the lake's times have no finer digits, and rounding could move a row
 * to the next day.
 */
function timeMicroseconds(text: string): bigint {
  const parsed = parseTimestamp(text);
  if (parsed === undefined)
    throw new PipelineError(
      'ObjectDamaged',
      `a daily CSV has the time "${text.slice(0, 40)}", which is none`,
    );
  return BigInt(parsed.epochMs) * 1_000n;
}

async function* hashed(source: Readable, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}
