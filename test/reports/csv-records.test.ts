import * as fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { csvRecords, fieldsOf } from '../../reports/csv-records.ts';
import type { UnclosedQuote } from '../../reports/csv-records.ts';
import { streamOf } from '../payload/archives.ts';

interface Reading {
  records: string[][];
  plainCount: number;
  unclosed?: UnclosedQuote;
}

/** Read a CSV that arrives in chunks of `chunkBytes`. */
async function read(content: string | Buffer, chunkBytes = 64 * 1024): Promise<Reading> {
  const reading: Reading = { records: [], plainCount: 0 };
  const onUnclosedQuote = (unclosed: UnclosedQuote) => {
    reading.unclosed = unclosed;
  };
  for await (const some of csvRecords(streamOf(content, chunkBytes), { onUnclosedQuote })) {
    reading.records.push(...fieldsOf(some));
    if (some.form === 'plain') reading.plainCount += some.recordCount;
  }
  return reading;
}

/** What csv-parse makes of the whole file. */
function parsedWhole(content: string | Buffer): { records: string[][]; isUnclosed: boolean } {
  let isUnclosed = false;
  const withoutNul = Buffer.from(Buffer.from(content).filter((byte) => byte !== 0));
  const records = parse(withoutNul, {
    bom: true,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: () => {
      isUnclosed = true;
      return undefined;
    },
  });
  return { records, isUnclosed };
}

const chunkBytes = fc.constantFrom(1, 2, 7, 100, 65_536);

describe('records', () => {
  // Bytes that decide something, in any order: quotes within, before and behind fields, both line ends, blanks, BOM,
  // NUL.
  const piece = fc.constantFrom(
    'a', 'value', '7.5', ',', ',', ',', '\n', '\n', '\r\n', '\r', '"', '"', '""', ' ', '\\', '\t', '\0', 'ü', '\ufeff', '\u2028', '|', ':',
  ); // prettier-ignore

  test('are those of csv-parse, whatever the file holds and however it is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 60 }), chunkBytes, async (pieces, size) => {
        const text = pieces.join('');
        const whole = parsedWhole(text);
        const reading = await read(text, size);
        expect(reading.records).toEqual(whole.records);
        expect(reading.unclosed !== undefined).toBe(whole.isUnclosed);
      }),
      { numRuns: 2_000 },
    );
  });

  test('are those of csv-parse for arbitrary bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), chunkBytes, async (bytes, size) => {
        // A byte order mark of another encoding makes csv-parse change its own.
        fc.pre(!(bytes[0] === 0xff && bytes[1] === 0xfe));
        expect((await read(Buffer.from(bytes), size)).records).toEqual(
          parsedWhole(Buffer.from(bytes)).records,
        );
      }),
      { numRuns: 500 },
    );
  });

  test('are those of csv-parse when most lines are plain and some are not', async () => {
    const field = fc.oneof(
      { weight: 30, arbitrary: fc.stringMatching(/^[a-z0-9.:| +-]{0,12}$/) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '"quoted"',
          '"a,b"',
          '"two\nlines"',
          '"two\r\nlines"',
          'a"b',
          '"a"b',
          '"',
          'é',
          'x,y',
          '\\',
        ),
      },
    );
    const line = fc.array(field, { minLength: 4, maxLength: 4 }).map((fields) => fields.join(','));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 200 }), chunkBytes, async (lines, size) => {
        const text = ['a,b,c,d', ...lines, ''].join('\n');
        const whole = parsedWhole(text);
        const reading = await read(text, size);
        expect(reading.records).toEqual(whole.records);
        expect(reading.unclosed !== undefined).toBe(whole.isUnclosed);
      }),
      { numRuns: 300 },
    );
  });

  test('are those of csv-parse when they are longer, or more, than there is room for at a time', async () => {
    const length = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0, max: 40 }) },
      { weight: 2, arbitrary: fc.integer({ min: 1_000, max: 20_000 }) },
      fc.integer({ min: 120_000, max: 140_000 }),
    );
    const line = fc
      .tuple(length, fc.integer({ min: 1, max: 600 }))
      .map(([bytes, times]) => `${'x'.repeat(bytes)},y\n`.repeat(bytes > 1_000 ? 1 : times));
    const size = fc.constantFrom(1_000, 65_536, 1_000_000);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), size, async (lines, bytes) => {
        const text = `a,b\n${lines.join('')}`;
        expect((await read(text, bytes)).records).toEqual(parsedWhole(text).records);
      }),
      { numRuns: 30 },
    );
  });

  test('of as many columns as no report has are those of csv-parse', async () => {
    const line = `${'1,'.repeat(70_000)}2\n`;
    expect((await read(line.repeat(3))).records).toEqual(parsedWhole(line.repeat(3)).records);
  });

  test('of plain lines are not shown to csv-parse', async () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, i) => `pod-${i},${i}.25,2026-10-01 00:00:00 +0000 UTC,label_a:b|label_c:d`,
    );
    const reading = await read(['a,b,c,d', ...lines, ''].join('\n'));
    expect(reading.plainCount).toBe(10_000);
    expect(reading.records[9_999]).toEqual(lines[9_998]?.split(','));
  });

  test('behind one that is not plain are plain again', async () => {
    const lines = Array.from({ length: 10_000 }, (_, i) =>
      i % 1_000 === 0 ? `"pod ""${i}""",b` : `pod-${i},b`,
    );
    const reading = await read(['a,b', ...lines, ''].join('\n'));
    expect(reading.records).toHaveLength(10_001);
    expect(reading.plainCount).toBeGreaterThan(9_000);
  });
});

describe('lines', () => {
  const placesOf = async (text: string, size: number): Promise<[number, string][]> => {
    const places: [number, string][] = [];
    for await (const some of csvRecords(streamOf(text, size))) {
      if (some.form === 'parsed')
        for (const { line, raw } of some.records) places.push([line, raw.toString()]);
      else fieldsOf(some).forEach((fields, i) => places.push([some.line + i, fields.join(',')]));
    }
    return places;
  };
  test.for([1, 5, 1_000])('are counted where a record starts, in chunks of %d bytes', async (size) => {
    const text = 'a,b\n\n\r\n1,2\n"x\r\ny",3\r\n4,5\n\n"6",7\n8,9\n';
    expect(await placesOf(text, size)).toEqual([
      [1, 'a,b'],
      [4, '1,2'],
      [5, '"x\r\ny",3'],
      [7, '4,5'],
      [9, '"6",7'],
      [10, '8,9'],
    ]);
  });

  test('of a record are those of the file, for any mix of records', async () => {
    const record = fc.constantFrom('1,2', '"a\nb",2', '"q",2', '1,2,3', 'x"y,2', '"a\n\nb\r\nc",2');
    const ending = fc.constantFrom('\n', '\r\n', '\n\n', '\n\r\n');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(record, ending), { maxLength: 40 }),
        chunkBytes,
        async (pairs, size) => {
          let line = 2;
          const expected = pairs.map(([text, end]): [number, string] => {
            const at = line;
            line += (text + end).split('\n').length - 1;
            return [at, text];
          });
          const text = 'a,b\n' + pairs.map((pair) => pair.join('')).join('');
          expect((await placesOf(text, size)).slice(1)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a quote that never closes', () => {
  test('is told with its line and what it swallowed', async () => {
    const { records, unclosed } = await read('a,b\n1,2\n"3,4\n5,6\n7,8');
    expect(records).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
    expect(unclosed).toMatchObject({ line: 3, lineCount: 3 });
    expect(unclosed?.raw.toString()).toBe('"3,4');
  });

  test('behind good records of the same chunk loses none of them', async () => {
    const { records, unclosed } = await read('a,b\n"1",2\n3,4\n"5,6\n', 1_000);
    expect(records).toHaveLength(3);
    expect(unclosed).toMatchObject({ line: 4, lineCount: 1 });
  });

  test('in a file larger than believable is given up at the record, not at the end', async () => {
    const text = `a,b\n1,2\n"3,${'4\n'.repeat(6_000_000)}`;
    const records: string[][] = [];
    const reading = (async () => {
      for await (const some of csvRecords(streamOf(Buffer.from(text)))) records.push(...fieldsOf(some));
    })();
    await expect(reading).rejects.toMatchObject({ name: 'CsvUnreadable', line: 3 });
    expect(records).toHaveLength(2);
  });
});
