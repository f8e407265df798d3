import type { Readable } from 'node:stream';
import { PipelineError } from '../domain/failures/failures.ts';
import { CsvUnreadable, csvRecords } from './csv-records.ts';
import type { ParsedRecords, PlainRecords } from './csv-records.ts';
import type { PlainKernel } from './fast-path/plain-kernel.ts';

/** A daily CSV that is being read: its header, then its rows in batches. */
export interface DailyCsv {
  header: string[];
  rows: AsyncIterable<PlainRecords | ParsedRecords>;
}

interface ReadOptions {
  /** finds the rows; reserved for the reader until it has finished the last of them */
  kernel?: PlainKernel;
  signal?: AbortSignal;
}

/**
 * Start reading a daily CSV, as `splitReportFile` wrote it. Read the rows to their end, or leave the loop to stop.
 *
 * @throws PipelineError `ObjectDamaged` (not retried), also while the rows are read: it is not a CSV of ours
 */
export async function readDailyCsv(stream: Readable, options: ReadOptions = {}): Promise<DailyCsv> {
  const records = ownRecords(stream, options);
  const first = await records.next();
  if (first.done === true) return { header: [], rows: records };
  if (first.value.form === 'plain') throw new Error('a CSV must start with its header');
  const [header, ...others] = first.value.records;
  async function* rows(): AsyncGenerator<PlainRecords | ParsedRecords> {
    if (others.length > 0) yield { form: 'parsed', records: others };
    yield* records;
  }
  return { header: header?.fields ?? [], rows: rows() };
}

/** The split writes closed quotes and records below the size limit; anything else is damage. */
async function* ownRecords(
  stream: Readable,
  options: ReadOptions,
): AsyncGenerator<PlainRecords | ParsedRecords> {
  const damaged = (what: string, cause?: unknown) =>
    new PipelineError(
      'ObjectDamaged',
      `A daily CSV is damaged: ${what}; replay the manifest from its archive`,
      { cause },
    );
  try {
    yield* csvRecords(stream, {
      ...options,
      onUnclosedQuote: ({ line }) => {
        throw damaged(`a quote at line ${line} is never closed`);
      },
    });
  } catch (error) {
    throw error instanceof CsvUnreadable ? damaged(error.message, error) : error;
  }
}
