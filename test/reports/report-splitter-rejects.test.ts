import { describe, expect, test } from 'vitest';
import { csvLine } from '../../reports/csv-records.ts';
import {
  headerOf,
  keysIn,
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

describe('rejected rows', () => {
  test.for([
    ['too many fields', [...good(1), 'x'], '', /^expected 20 fields, found 21$/],
    ['too few fields', good(1).slice(0, -1), '', /^expected 20 fields, found 19$/],
    [
      'no time',
      good(1, 0, { interval_start: 'noon' }),
      'interval_start',
      /^expected a time like .*, found "noon"$/,
    ],
    ['a blank time', good(1, 0, { interval_start: '' }), 'interval_start', /found ""$/],
    ['a bad end', good(1, 0, { interval_end: '2026-10-32' }), 'interval_end', /found "2026-10-32"$/],
    ['a bad period', good(1, 0, { report_period_start: '-' }), 'report_period_start', /found "-"$/],
    [
      'a time in the future',
      good(1, 0, { interval_start: '2026-11-01 00:00:00 +0000 UTC' }),
      'interval_start',
      /more than a day in the future/,
    ],
    [
      'a text for a number',
      good(1, 0, { pod_usage_cpu_core_seconds: 'much' }),
      'pod_usage_cpu_core_seconds',
      /^expected a number, found "much"$/,
    ],
    [
      'a NaN with a sign',
      good(1, 0, { pod_usage_cpu_core_seconds: '-NaN' }),
      'pod_usage_cpu_core_seconds',
      /^expected a number/,
    ],
    [
      'infinity',
      good(1, 0, { node_capacity_cpu_cores: 'Infinity' }),
      'node_capacity_cpu_cores',
      /^expected a number/,
    ],
    [
      'infinity as Go prints it',
      good(1, 0, { pod_usage_cpu_core_seconds: '+Inf' }),
      'pod_usage_cpu_core_seconds',
      /^expected a number, found "\+Inf"$/,
    ],
    [
      'an underscore',
      good(1, 0, { pod_usage_cpu_core_seconds: '1_800' }),
      'pod_usage_cpu_core_seconds',
      /^expected a number/,
    ],
    [
      'a thousands separator',
      good(1, 0, { pod_usage_cpu_core_seconds: '1,800.5' }),
      'pod_usage_cpu_core_seconds',
      /^expected a number/,
    ],
    [
      'hexadecimal',
      good(1, 0, { node_capacity_cpu_cores: '0x10' }),
      'node_capacity_cpu_cores',
      /^expected a number/,
    ],
    [
      'a number with a blank in it',
      good(1, 0, { node_capacity_cpu_cores: '4 000' }),
      'node_capacity_cpu_cores',
      /^expected a number/,
    ],
    [
      'a number with a blank that is neither space nor tab',
      good(1, 0, { node_capacity_cpu_cores: '\u00a04' }),
      'node_capacity_cpu_cores',
      /^expected a number/,
    ],
    [
      'more cores than the table of nodes holds',
      good(1, 0, { node_capacity_cpu_cores: '10000000000000000' }),
      'node_capacity_cpu_cores',
      /^expected less than 10000000000000000, found 10000000000000000$/,
    ],
    [
      'a number too great',
      good(1, 0, { pod_limit_memory_byte_seconds: '1.0000001e18' }),
      'pod_limit_memory_byte_seconds',
      /^expected at most 1e18/,
    ],
    [
      'a number far too great',
      good(1, 0, { pod_limit_memory_byte_seconds: '1e999' }),
      'pod_limit_memory_byte_seconds',
      /^expected at most 1e18/,
    ],
    [
      'a negative number too great',
      good(1, 0, { pod_limit_memory_byte_seconds: '-1e300' }),
      'pod_limit_memory_byte_seconds',
      /^expected at most 1e18/,
    ],
  ] as const)(
    'a row with %s is skipped and told with its line, column and reason',
    async ([, bad, column, reason]) => {
      const store = await temporaryStore();
      // The record before spans two lines, so line and record numbers differ.
      const result = await split(store, report(good(1, 0, { pod: 'two\nlines' }), [...bad], good(1, 1)));
      expect(result).toMatchObject({
        state: 'split',
        rowCount: 2,
        rejectedRowCount: 1,
        rejectsKey: 'data/rejects.csv',
      });
      expect(result.told).toEqual([{ line: 4, column, reason: expect.stringMatching(reason) as string }]);
      const [head, rejected] = await rejectsOf(store);
      expect(head).toEqual(['file', 'line', 'column', 'reason', 'row']);
      expect(rejected?.slice(0, 4)).toEqual(['report.0.csv', '4', column, result.told[0]?.reason]);
      const rows = await rowsOf(store, 'data/pod_usage.2026-10-01.csv');
      expect(rows.rows).toEqual([good(1, 0, { pod: 'two\nlines' }), good(1, 1)]);
    },
  );

  test('the rejected row itself is listed as it was sent, also when it spans lines', async () => {
    const store = await temporaryStore();
    const bad = ['a,"b" \r\n"c"', 'plain'].map((pod) =>
      csvLine(good(1, 0, { pod, node_capacity_cpu_cores: '?' })).trimEnd(),
    );
    const text = `${csvLine(headerOf('pod_usage'))}\r\n${bad.join('\r\n')}\r\n${csvLine(good(1))}`;
    expect(await split(store, text)).toMatchObject({ rowCount: 1, rejectedRowCount: 2 });
    expect((await rejectsOf(store)).slice(1).map((row) => [row[1], row[4]])).toEqual([
      ['3', bad[0]],
      ['5', bad[1]],
    ]);
  });

  test('1e18 itself, blanks, signs and exponents are numbers', async () => {
    const store = await temporaryStore();
    const numbers = [
      '1e18',
      '-1e18',
      '1000000000000000000',
      '',
      '0',
      '-0',
      '+1',
      '1.',
      '.5',
      '1e-400',
      '2E5',
    ];
    const rows = numbers.map((value) => good(1, 0, { pod_usage_cpu_core_seconds: value }));
    expect(await split(store, report(...rows))).toMatchObject({
      rowCount: numbers.length,
      rejectedRowCount: 0,
    });
  });

  test('the window includes both of its ends', async () => {
    const store = await temporaryStore();
    const times = ['2026-10-01 00:00:00 +0000 UTC', '2026-10-31 23:59:59 +0000 UTC'];
    const rows = times.map((interval_start) => good(1, 0, { interval_start }));
    expect(await split(store, report(...rows))).toMatchObject({ rowCount: 2, rejectedRowCount: 0 });
  });

  test('are counted on the day they start in, when that is known', async () => {
    const store = await temporaryStore();
    const bad = { node_capacity_cpu_cores: '?' };
    const result = await split(
      store,
      report(good(1), good(2), good(2, 1, bad), good(2, 2, bad), good(3, 0, bad), ['x']),
    );
    expect(result.rejectedRowCount).toBe(4);
    expect(result.pieces).toMatchObject([
      { usageDay: '2026-10-01', rejectedRowCount: 0 },
      { usageDay: '2026-10-02', rejectedRowCount: 2 },
    ]);
  });

  test('only the first are told, all are listed', async () => {
    const store = await temporaryStore();
    const rows = Array.from({ length: 50 }, () => ['x']);
    const result = await split(store, report(...rows), { loggedRejects: 3 });
    expect(result.told.map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(await rejectsOf(store)).toHaveLength(51);
  });

  test('a file without any leaves no list', async () => {
    const store = await temporaryStore();
    expect(await split(store, report(good(1)))).not.toHaveProperty('rejectsKey');
    expect(await keysIn(store)).toEqual(['data/pod_usage.2026-10-01.csv']);
  });
});

describe('the thresholds of a file', () => {
  const kind = 'node_labels';
  const rows = (goodRows: number, badRows: number) =>
    reportOf(headerOf(kind), [
      ...Array.from({ length: goodRows }, () => rowOf(kind, october(1))),
      ...Array.from({ length: badRows }, () => ['bad']),
    ]);

  test.for([
    [1_900, 100, 'split', 'exactly 100 rows and 5 %'],
    [3_000, 150, 'split', 'more than 100 rows, but below 5 %'],
    [1_919, 101, 'split', 'more than 100 rows and exactly 5 %'],
    [1_900, 101, 'failed', 'more than 100 rows and 5 %'],
    [400, 100, 'split', 'exactly 20 %'],
    [399, 100, 'failed', 'at least 10 rows and more than 20 %'],
    [39, 10, 'failed', 'at least 10 rows and more than 20 %'],
    [1, 9, 'split', 'nearly all rows bad, but fewer than 10'],
    [0, 1, 'failed', 'no row is valid'],
    [0, 100, 'failed', 'no row is valid'],
    [0, 101, 'failed', 'no row is valid'],
    [0, 0, 'empty', 'no row at all'],
  ] as const)('%d good and %d bad rows are %s: %s', async ([goodRows, badRows, state, why]) => {
    const store = await temporaryStore();
    const result = await split(store, rows(goodRows, badRows));
    expect(result).toMatchObject({ state, rowCount: goodRows, rejectedRowCount: badRows });
    if (state === 'failed')
      expect(result.message).toBe(
        `report.0.csv: ${badRows} of ${goodRows + badRows} rows are invalid, ${why}; its days keep their previous data`,
      );
    else expect(result).not.toHaveProperty('message');
  });

  test('come from the settings', async () => {
    const store = await temporaryStore();
    const limits = { maxRejectedRows: 0, maxRejectedRowsPercent: 0 };
    expect(await split(store, rows(1_000, 1), { limits })).toMatchObject({ state: 'failed' });
    expect(await split(store, rows(1_000, 0), { limits })).toMatchObject({ state: 'split' });
    // Whoever allows more than a fifth means it for small files too.
    const lenient = { maxRejectedRows: 0, maxRejectedRowsPercent: 50 };
    expect(await split(store, rows(50, 50), { limits: lenient })).toMatchObject({ state: 'split' });
    expect(await split(store, rows(49, 50), { limits: lenient })).toMatchObject({ state: 'failed' });
  });
});
