import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reportKinds } from '../../domain/reports/report-kind.ts';
import { streamOf } from '../payload/archives.ts';
import {
  headerOf,
  keysIn,
  objectText,
  october,
  rejectsOf,
  reportOf,
  rowOf,
  rowsOf,
  split,
  temporaryStore,
} from './reports.ts';

const header = headerOf('pod_usage');
const good = (day: number, hour = 0, values: Record<string, string> = {}) =>
  rowOf('pod_usage', october(day, hour), values);
const report = (...rows: string[][]) => reportOf(header, rows);

describe('splitting by day', () => {
  test.for(reportKinds)('%s rows go to the day they start in', async (kind) => {
    const store = await temporaryStore();
    const rows = [rowOf(kind, october(2, 23)), rowOf(kind, october(1, 0)), rowOf(kind, october(2, 0))];
    const result = await split(store, reportOf(headerOf(kind), rows));
    expect(result).toMatchObject({
      state: 'split',
      kind,
      rowCount: 3,
      rejectedRowCount: 0,
      fileName: 'report.0.csv',
    });
    expect(result.pieces).toMatchObject([
      { usageDay: '2026-10-01', objectKey: `data/${kind}.2026-10-01.csv`, rowCount: 1, hourMask: 1 },
      {
        usageDay: '2026-10-02',
        objectKey: `data/${kind}.2026-10-02.csv`,
        rowCount: 2,
        hourMask: 2 ** 23 + 1,
      },
    ]);
    expect(await keysIn(store)).toEqual(result.pieces.map((piece) => piece.objectKey));
  });

  test('pieces together are the rows in their order, each with its day only, and read back as they were', async () => {
    const store = await temporaryStore();
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(
        '',
        ' ',
        '"',
        '""',
        ',',
        '\n',
        '\r\n',
        '\r',
        'a,"b"\nc',
        '\\',
        '\\.',
        '\t',
        'null',
        '5" disk',
        '\u2028',
        '😀',
      ),
    );
    // NUL is dropped on purpose and has a test of its own.
    const name = text.map((value) => value.replaceAll('\u0000', ''));
    const number = fc.oneof(
      fc.constantFrom('', '0', '-1', '+2.5', '.5', '1.', '1e3', '1E-400', '999999999999999999'),
      fc.double({ noNaN: true, min: -1e18, max: 1e18 }).map(String),
    );
    const row = fc
      .record({
        day: fc.integer({ min: 1, max: 4 }),
        hour: fc.integer({ min: 0, max: 23 }),
        pod: name,
        labels: name,
        cpu: number,
        memory: number,
      })
      .map(({ day, hour, pod, labels, cpu, memory }) => ({
        day: `2026-10-0${day}`,
        hour,
        fields: good(day, hour, {
          pod,
          pod_labels: labels,
          pod_usage_cpu_core_seconds: cpu,
          node_capacity_memory_bytes: memory,
          node_role: pod,
        }),
      }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 500 }),
        async (rows, chunkBytes) => {
          const content = streamOf(
            reportOf(
              header,
              rows.map(({ fields }) => fields),
            ),
            chunkBytes,
          );
          const result = await split(store, content);
          expect(result).toMatchObject({
            state: 'split',
            rowCount: rows.length,
            rejectedRowCount: 0,
            told: [],
          });
          expect(result.pieces.map((piece) => piece.usageDay)).toEqual(
            [...new Set(rows.map(({ day }) => day))].sort(),
          );
          for (const piece of result.pieces) {
            const expected = rows.filter(({ day }) => day === piece.usageDay);
            const read = await rowsOf(store, piece.objectKey);
            expect(read.header).toEqual(header);
            expect(read.rows).toEqual(expected.map(({ fields }) => fields));
            expect(piece.rowCount).toBe(expected.length);
            expect(piece.hourMask).toBe(expected.reduce((mask, { hour }) => mask | (1 << hour), 0));
            const bytes = Buffer.from(await objectText(store, piece.objectKey));
            expect(piece.byteCount).toBe(bytes.length);
            expect(piece.checksum).toBe(createHash('sha256').update(bytes).digest('hex'));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('the same rows give the same checksums, however they arrive', async () => {
    const store = await temporaryStore();
    const text = report(good(1), good(2), good(1, 5));
    const first = await split(store, streamOf(text, 7));
    const second = await split(store, streamOf(text.replaceAll('\n', '\r\n'), 4096));
    expect(second.pieces).toEqual(first.pieces);
  });

  test('an offset in the time decides the UTC day', async () => {
    const store = await temporaryStore();
    const result = await split(store, report(good(1, 0, { interval_start: '2026-10-03T01:00:00+02:00' })));
    expect(result.pieces).toMatchObject([{ usageDay: '2026-10-02', hourMask: 2 ** 23 }]);
  });

  test('columns that nobody knows are kept where they were', async () => {
    const store = await temporaryStore();
    const wide = ['mood', ...header];
    const result = await split(store, reportOf(wide, [['sunny', ...good(1)]]));
    expect((await rowsOf(store, result.pieces[0]?.objectKey ?? '')).rows).toEqual([['sunny', ...good(1)]]);
  });

  test('progress is told every ten thousand rows and at the end', async () => {
    const store = await temporaryStore();
    const seen: number[] = [];
    const rows = Array.from({ length: 20_500 }, (_, i) => rowOf('node_labels', october(1, i % 24)));
    await split(store, reportOf(headerOf('node_labels'), rows), {
      onProgress: ({ rowCount }) => seen.push(rowCount),
    });
    expect(seen).toEqual([10_000, 20_000, 20_500]);
  });
});

describe('files without data', () => {
  test.for([
    ['zero bytes', ''],
    ['blank lines', '\n\n\n'],
    ['blank lines with carriage returns', '\n\r\n\r\n'],
    ['a byte order mark', '\uFEFF'],
  ] as const)('a file of %s is empty and of no kind', async ([, text]) => {
    const store = await temporaryStore();
    const result = await split(store, text);
    expect(result).toMatchObject({
      state: 'empty',
      kind: null,
      rowCount: 0,
      rejectedRowCount: 0,
      pieces: [],
    });
    expect(await keysIn(store)).toEqual([]);
  });

  test('a header alone is empty, and its kind is known', async () => {
    const store = await temporaryStore();
    expect(await split(store, header.join(','))).toMatchObject({
      state: 'empty',
      kind: 'pod_usage',
      pieces: [],
    });
    expect(await keysIn(store)).toEqual([]);
  });

  test('a file of no known kind is not read further, and its message names the nearest kind', async () => {
    const store = await temporaryStore();
    const content = streamOf(
      `${header.filter((name) => name !== 'pod_labels').join(',')}\n${'x,'.repeat(1_000_000)}`,
    );
    const result = await split(store, content);
    expect(result).toMatchObject({
      state: 'unknown_kind',
      kind: null,
      nearest: { kind: 'pod_usage', missingColumns: ['pod_labels'] },
      rowCount: 0,
      rejectedRowCount: 0,
      message:
        'report.0.csv: unknown report kind; the closest is pod_usage, which lacks pod_labels; the file is not summarised',
    });
    expect(content.destroyed).toBe(true);
    expect(await keysIn(store)).toEqual([]);
  });

  test('the message names at most five missing columns', async () => {
    const store = await temporaryStore();
    expect((await split(store, 'container_name,cpu\n1,2\n')).message).toMatch(
      /lacks (\w+, ){4}\w+ and \d+ more;/,
    );
  });
});

describe('forms of CSV', () => {
  test('a byte order mark and CRLF are taken', async () => {
    const store = await temporaryStore();
    const result = await split(store, `\uFEFF${report(good(1)).replaceAll('\n', '\r\n')}`);
    expect(result).toMatchObject({ state: 'split', rowCount: 1, rejectedRowCount: 0 });
    expect(await objectText(store, 'data/pod_usage.2026-10-01.csv')).toBe(report(good(1)));
  });

  test.for([1, 3, 64, 65_536])(
    'lines may end differently in one file, in chunks of %d bytes',
    async (chunkBytes) => {
      const store = await temporaryStore();
      const [head = '', ...rows] = report(good(1), good(1, 1), good(1, 2)).split('\n');
      const mixed = `${head}\n${rows[0] ?? ''}\r\n\r\n${rows[1] ?? ''}\n${rows[2] ?? ''}\r\n`;
      expect(await split(store, streamOf(mixed, chunkBytes))).toMatchObject({
        rowCount: 3,
        rejectedRowCount: 0,
      });
      expect(await objectText(store, 'data/pod_usage.2026-10-01.csv')).toBe(
        report(good(1), good(1, 1), good(1, 2)),
      );
    },
  );

  test('NUL bytes are dropped, also within a value', async () => {
    const store = await temporaryStore();
    await split(store, report(good(1, 0, { pod: 'a\u0000b\u0000' })));
    expect((await rowsOf(store, 'data/pod_usage.2026-10-01.csv')).rows).toEqual([good(1, 0, { pod: 'ab' })]);
  });

  test('bytes that are not UTF-8 become replacement characters, and the row stays', async () => {
    const store = await temporaryStore();
    const [before = '', after = ''] = report(good(1, 0, { pod: 'HERE' })).split('HERE');
    await split(
      store,
      Buffer.concat([Buffer.from(before), Buffer.from([0x61, 0xff, 0xc3, 0x62]), Buffer.from(after)]),
    );
    expect((await rowsOf(store, 'data/pod_usage.2026-10-01.csv')).rows).toEqual([
      good(1, 0, { pod: 'a\uFFFD\uFFFDb' }),
    ]);
  });

  test('a value of 1 MB goes through', async () => {
    const store = await temporaryStore();
    const row = good(1, 0, { pod: 'ä"\n'.repeat(250_000) });
    const result = await split(store, report(row, good(1)));
    expect(result).toMatchObject({ state: 'split', rowCount: 2 });
    expect((await rowsOf(store, 'data/pod_usage.2026-10-01.csv')).rows).toEqual([row, good(1)]);
  });

  test('texts that others take for blank are not blank', async () => {
    const store = await temporaryStore();
    const rows = ['nan', 'null', 'NULL', 'NA', 'N/A', 'None', '<NA>', '#N/A', 'undefined'].map((namespace) =>
      good(1, 0, { namespace }),
    );
    await split(store, report(...rows));
    expect((await rowsOf(store, 'data/pod_usage.2026-10-01.csv')).rows).toEqual(rows);
  });

  test('a file cut in the middle of a row loses that row alone', async () => {
    const store = await temporaryStore();
    const whole = report(good(1), good(1, 1));
    const result = await split(store, whole.slice(0, -200));
    expect(result).toMatchObject({ state: 'split', rowCount: 1, rejectedRowCount: 1 });
    expect(result.told).toEqual([
      { line: 3, column: '', reason: expect.stringMatching(/^expected 20 fields, found \d+$/) as string },
    ]);
  });

  test.for(['\n', ''])(
    'the rows behind a quote that never closes are counted as rejected (file ends with %j)',
    async (ending) => {
      const store = await temporaryStore();
      const lost = [good(1, 1, { pod: 'OPEN' }), good(1, 2), good(1, 3)];
      const text = report(good(1), ...lost)
        .replace('OPEN', '"open')
        .replace(/\n$/, ending);
      const result = await split(store, text);
      expect(result).toMatchObject({ state: 'split', rowCount: 1, rejectedRowCount: 3 });
      expect(result.told).toEqual([
        { line: 3, column: '', reason: 'a quote is never closed: 3 lines are lost' },
      ]);
      expect((await rejectsOf(store)).slice(1)).toEqual([
        ['report.0.csv', '3', '', 'a quote is never closed: 3 lines are lost', text.split('\n')[2]],
      ]);
    },
  );

  test('a file that loses most of its rows to such a quote fails', async () => {
    const store = await temporaryStore();
    const rows = Array.from({ length: 300 }, (_, i) => good(1, i % 24, { pod: i === 50 ? 'OPEN' : `p${i}` }));
    const result = await split(store, report(...rows).replace('OPEN', '"open'));
    expect(result).toMatchObject({ state: 'failed', rowCount: 50, rejectedRowCount: 250 });
  });

  test('a file with a record that never ends fails and is not read into memory', async () => {
    const store = await temporaryStore();
    const text = report(good(1), good(1, 1, { pod: 'OPEN' })).replace('OPEN', `"${'x'.repeat(9_000_000)}`);
    const result = await split(store, text + report(...Array.from({ length: 10 }, () => good(1))));
    expect(result).toMatchObject({ state: 'failed', kind: 'pod_usage', rejectedRowCount: 1 });
    expect(result.message).toMatch(
      /record at line 3 is longer than 8388608 bytes; a closing quote may be missing/,
    );
  });

  test('a file that is no CSV from the start is of no known kind', async () => {
    const store = await temporaryStore();
    expect(await split(store, Buffer.alloc(9_000_000, 'x'))).toMatchObject({
      state: 'unknown_kind',
      kind: null,
      pieces: [],
    });
    expect(await split(store, '"never closed\n1,2\n')).toMatchObject({
      state: 'unknown_kind',
      kind: null,
      pieces: [],
    });
  });
});
