import { describe, expect, test } from 'vitest';
import { csvLine, fieldsOf } from '../../reports/csv-records.ts';
import { readDailyCsv } from '../../reports/daily-csv.ts';
import { streamOf } from '../payload/archives.ts';

async function rowsOf(text: string | Buffer): Promise<string[][]> {
  const rows: string[][] = [];
  for await (const some of (await readDailyCsv(streamOf(text))).rows) rows.push(...fieldsOf(some));
  return rows;
}

describe('reading a daily CSV', () => {
  test('gives its header and all rows in their order', async () => {
    const text =
      csvLine(['n']) +
      Array.from({ length: 4_500 }, (_, i) => csvLine([i % 7 === 0 ? `"${i}"` : String(i)])).join('');
    expect((await readDailyCsv(streamOf(text))).header).toEqual(['n']);
    expect((await rowsOf(text)).flat()).toEqual(
      Array.from({ length: 4_500 }, (_, i) => (i % 7 === 0 ? `"${i}"` : String(i))),
    );
  });

  test('of an object without bytes gives no header and no rows', async () => {
    const csv = await readDailyCsv(streamOf(''));
    expect(csv.header).toEqual([]);
    for await (const some of csv.rows) expect(fieldsOf(some)).toEqual([]);
  });

  test('that is left early destroys the stream', async () => {
    const stream = streamOf(csvLine(['n']) + '1\n'.repeat(100_000));
    for await (const some of (await readDailyCsv(stream)).rows) {
      expect(fieldsOf(some)[0]).toEqual(['1']);
      break;
    }
    expect(stream.destroyed).toBe(true);
  });

  test('that ends within a quote is damaged', async () => {
    await expect(rowsOf('a,b\n1,2\n3,"4\n')).rejects.toMatchObject({
      type: 'ObjectDamaged',
      retryable: false,
      message: expect.stringContaining('line 3 is never closed') as string,
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
    const csv = await readDailyCsv(streamOf(csvLine(['n']) + '1\n'.repeat(100_000)), {
      signal: stop.signal,
    });
    const reading = (async () => {
      for await (const some of csv.rows) if (fieldsOf(some).length > 0) stop.abort();
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
