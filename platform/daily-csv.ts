import type { Readable } from 'node:stream';
import { csvRecords } from './csv-records.ts';

/** A daily CSV that is being read: its header, then its rows in batches. */
export interface DailyCsv {
  header: string[];
  batches: AsyncIterable<string[][]>;
}

const batchSize = 2_000;

/** Start reading a daily CSV, as `splitReportFile` wrote it. Read the batches to their end, or leave the loop to stop. */
export async function readDailyCsv(stream: Readable, signal?: AbortSignal): Promise<DailyCsv> {
  const records = csvRecords(stream, signal === undefined ? {} : { signal });
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
