import type { Readable } from 'node:stream';
import { PipelineError } from '../domain/failures.ts';
import { CsvUnreadable, csvRecords } from './csv-records.ts';
import type { CsvRecord } from './csv-records.ts';

/** A daily CSV that is being read: its header, then its rows in batches. */
export interface DailyCsv {
  header: string[];
  batches: AsyncIterable<string[][]>;
}

const batchSize = 2_000;

/**
 * Start reading a daily CSV, as `splitReportFile` wrote it. Read the batches to their end, or leave the loop to stop.
 *
 * @throws PipelineError `ObjectDamaged` (not retried), also while the batches are read: it is no CSV of ours
 */
export async function readDailyCsv(stream: Readable, signal?: AbortSignal): Promise<DailyCsv> {
  const records = ownRecords(stream, signal);
  const first = await records.next();
  const header = first.done === true ? [] : first.value.fields;
  async function* batches(): AsyncGenerator<string[][]> {
    let batch: string[][] = [];
    for await (const { fields } of records) {
      batch.push(fields);
      if (batch.length === batchSize) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }
  return { header, batches: batches() };
}

/** What the split wrote has closed quotes and records of bearable length; anything else was damaged since. */
async function* ownRecords(stream: Readable, signal: AbortSignal | undefined): AsyncGenerator<CsvRecord> {
  const damaged = (what: string, cause?: unknown) =>
    new PipelineError(
      'ObjectDamaged',
      `A daily CSV is damaged: ${what}; replay the manifest from its archive`,
      {
        cause,
      },
    );
  try {
    yield* csvRecords(stream, {
      ...(signal === undefined ? {} : { signal }),
      onUnclosedQuote: ({ line }) => {
        throw damaged(`it ends at line ${line} within a quote`);
      },
    });
  } catch (error) {
    throw error instanceof CsvUnreadable ? damaged(error.message, error) : error;
  }
}
