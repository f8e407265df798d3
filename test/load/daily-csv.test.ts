import { describe, expect, test } from 'vitest';
import { csvLine } from '../../platform/csv-records.ts';
import { readDailyCsv } from '../../platform/daily-csv.ts';
import { streamOf } from '../split/archives.ts';

async function rowsOf(text: string | Buffer): Promise<string[][]> {
  const rows: string[][] = [];
  for await (const batch of (await readDailyCsv(streamOf(text))).batches) rows.push(...batch);
  return rows;
}

describe('reading a daily CSV', () => {
  test('comes in batches of two thousand rows, in their order', async () => {
    const text = csvLine(['n']) + Array.from({ length: 4_500 }, (_, i) => csvLine([String(i)])).join('');
    const csv = await readDailyCsv(streamOf(text));
    const batches: string[][][] = [];
    for await (const batch of csv.batches) batches.push(batch);
    expect(csv.header).toEqual(['n']);
    expect(batches.map((batch) => batch.length)).toEqual([2_000, 2_000, 500]);
    expect(batches.flat(2)).toEqual(Array.from({ length: 4_500 }, (_, i) => String(i)));
  });

  test('of an object without bytes gives no header and no rows', async () => {
    const csv = await readDailyCsv(streamOf(''));
    expect(csv.header).toEqual([]);
    for await (const batch of csv.batches) expect(batch).toEqual([]);
  });

  test('that is left early destroys the stream', async () => {
    const stream = streamOf(csvLine(['n']) + '1\n'.repeat(100_000));
    for await (const batch of (await readDailyCsv(stream)).batches) {
      expect(batch).toHaveLength(2_000);
      break;
    }
    expect(stream.destroyed).toBe(true);
  });

  test('that ends within a quote is damaged', async () => {
    await expect(rowsOf('a,b\n1,2\n3,"4\n')).rejects.toMatchObject({
      type: 'ObjectDamaged',
      retryable: false,
      message: expect.stringContaining('within a quote') as string,
    });
  });

  test('with a record that never ends is damaged', async () => {
    await expect(rowsOf(`a,b\n1,"${'x'.repeat(9_000_000)}`)).rejects.toMatchObject({
      type: 'ObjectDamaged',
      retryable: false,
    });
  });

  test('stops when the signal is aborted', async () => {
    const stop = new AbortController();
    const csv = await readDailyCsv(streamOf(csvLine(['n']) + '1\n'.repeat(100_000)), stop.signal);
    const reading = (async () => {
      for await (const batch of csv.batches) if (batch.length > 0) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a line of CSV', () => {
  test.for([
    [['a', 'b'], 'a,b\n'],
    [['a,b', 'c"d', 'e\nf', 'g\rh'], '"a,b","c""d","e\nf","g\rh"\n'],
    [['', ''], ',\n'],
    [[''], '""\n'],
    [[' a ', '\\'], ' a ,\\\n'],
  ] as const)('%j is %j', ([fields, line]) => {
    expect(csvLine(fields)).toBe(line);
  });
});
