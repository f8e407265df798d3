import { describe, expect, test } from 'vitest';
import { reportKindDefinition, reportKinds } from '../../domain/reports/report-kind.ts';
import {
  keysIn,
  headerOf,
  leftOutOf,
  october,
  reportOf,
  rowOf,
  rowsOf,
  split,
  temporaryStore,
} from './reports.ts';

const column = 'pod_limit_cpu_core_seconds';
const header = headerOf('pod_usage');
const row = (values: Record<string, string> = {}, hour = 0) => rowOf('pod_usage', october(1, hour), values);

describe('numbers as operators print them', () => {
  test.for([
    ['1800.000000', '1800.000000'],
    [' 1800.000000 ', '1800.000000'],
    ['\t1800\t ', '1800'],
    ['+1800', '+1800'],
    ['1.8e+03', '1.8e+03'],
    ['1.8E3', '1.8E3'],
    ['4.9e-324', '4.9e-324'],
    ['-0.000000', '-0.000000'],
    ['', ''],
    ['   ', ''],
    ['\t', ''],
  ] as const)('%j is stored as %j, and nothing is left out', async ([sent, stored]) => {
    const store = await temporaryStore();
    const result = await split(store, reportOf(header, [row(), row({ [column]: sent }, 1), row({}, 2)]));
    expect(result).toMatchObject({
      state: 'split',
      rowCount: 3,
      rejectedRowCount: 0,
      leftOutCounts: {},
      warnings: [],
    });
    expect(result).not.toHaveProperty('leftOutKey');
    const { rows } = await rowsOf(store, 'data/pod_usage.2026-10-01.csv');
    expect(rows).toEqual([row(), row({ [column]: stored }, 1), row({}, 2)]);
  });

  test.for<string>([
    'NaN',
    'nan',
    'NAN',
    'null',
    'NULL',
    'None',
    'nil',
    '<nil>',
    'n/a',
    'N/A',
    '-',
    ' NaN ',
    '\tnull',
  ])('%j is absent: the row is kept, the value counted and listed', async (value) => {
    const store = await temporaryStore();
    const result = await split(store, reportOf(header, [row(), row({ [column]: value }, 1), row({}, 2)]));
    expect(result).toMatchObject({
      state: 'split',
      rowCount: 3,
      rejectedRowCount: 0,
      leftOutCounts: { [column]: 1 },
      leftOutKey: 'data/left-out.csv',
    });
    const { rows } = await rowsOf(store, 'data/pod_usage.2026-10-01.csv');
    expect(rows).toEqual([row(), row({ [column]: '' }, 1), row({}, 2)]);
    expect(await leftOutOf(store)).toEqual([
      ['file', 'line', 'column', 'value'],
      ['report.0.csv', '3', column, value],
    ]);
  });

  test.for(
    reportKinds.filter((kind) => reportKindDefinition(kind).columns.some(({ type }) => type === 'number')),
  )('holds for every number column of %s, alone and within quotes', async (kind) => {
    const store = await temporaryStore();
    const numbers = reportKindDefinition(kind)
      .columns.filter(({ type }) => type === 'number')
      .map(({ name }) => name);
    const absent = Object.fromEntries(numbers.map((name) => [name, 'NaN']));
    const start = october(1);
    const plain = reportOf(headerOf(kind), [rowOf(kind, start), rowOf(kind, start, absent)]);
    const quoted = rowOf(kind, start, absent)
      .map((field) => `"${field}"`)
      .join(',');
    const result = await split(store, `${plain}${quoted}\n`);
    expect(result.leftOutCounts).toEqual(Object.fromEntries(numbers.map((name) => [name, 2])));
    const blank = Object.fromEntries(numbers.map((name) => [name, '']));
    const { rows } = await rowsOf(store, `data/${kind}.2026-10-01.csv`);
    expect(rows).toEqual([rowOf(kind, start), rowOf(kind, start, blank), rowOf(kind, start, blank)]);
    const bad = await split(store, reportOf(headerOf(kind), [
        rowOf(kind, start),
        ...numbers.flatMap((name) => ['-Inf', '1.1e18', 'much'].map((value) => rowOf(kind, start, { [name]: value }))),
      ])); // prettier-ignore
    expect(bad).toMatchObject({ rowCount: 1, rejectedRowCount: 3 * numbers.length });
  });

  test('a column that is NaN in every row is counted whole, and its first 1,000 lines are listed', async () => {
    const store = await temporaryStore();
    const rows = Array.from({ length: 2_500 }, (_, i) => row({ [column]: 'NaN' }, i % 24));
    const result = await split(store, reportOf(header, rows));
    expect(result).toMatchObject({ state: 'split', rowCount: 2_500, leftOutCounts: { [column]: 2_500 } });
    const listed = (await leftOutOf(store)).slice(1);
    expect(listed.map(([, line]) => Number(line))).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 2));
    const stored = await rowsOf(store, 'data/pod_usage.2026-10-01.csv');
    expect(stored.rows).toEqual(rows.map((fields) => fields.map((field) => (field === 'NaN' ? '' : field))));
  });

  test('nothing is noted of a file that fails', async () => {
    const store = await temporaryStore();
    const rows = [row({ [column]: 'NaN' }), ...Array.from({ length: 20 }, () => row({ [column]: 'much' }))];
    const result = await split(store, reportOf(header, rows));
    expect(result).toMatchObject({ state: 'failed', leftOutCounts: {}, warnings: [] });
    expect(await keysIn(store)).toEqual(['data/rejects.csv']);
  });

  test('nothing is noted of a row that is rejected', async () => {
    const store = await temporaryStore();
    const bad = row({
      [column]: 'NaN',
      pod_usage_cpu_core_seconds: '-1',
      node_capacity_memory_bytes: 'much',
    });
    expect(await split(store, reportOf(header, [row(), bad]))).toMatchObject({
      rejectedRowCount: 1,
      leftOutCounts: {},
      warnings: [],
    });
    expect(await keysIn(store)).not.toContain('data/left-out.csv');
  });

  test.for([
    ['pod_usage', 'node_capacity_cpu_cores', '9999999999999998', '1e16'],
    ['pod_usage', 'node_capacity_cpu_cores', '-9.99e15', '-1e16'],
    ['vm_usage', 'vm_cpu_request_cores', '39999999999999992', '4e16'],
    ['pod_usage', 'pod_usage_cpu_core_seconds', '1e18', '1.1e18'],
  ] as const)('of %s %s holds %s, not %s', async ([kind, name, fits, tooGreat]) => {
    const store = await temporaryStore();
    const report = reportOf(
      headerOf(kind),
      [fits, tooGreat].map((value) => rowOf(kind, october(1), { [name]: value })),
    );
    const result = await split(store, report);
    expect(result).toMatchObject({ rowCount: 1, rejectedRowCount: 1 });
    expect(result.told).toMatchObject([
      { line: 3, column: name, reason: expect.stringMatching(/^expected (less than|at most)/) as string },
    ]);
  });
});

describe('labels that cannot be read', () => {
  test('are left out piece by piece, counted in every row and listed', async () => {
    const store = await temporaryStore();
    const labels = [
      'label_a:1|label_url:http://x|label_b:2|c:d:e',
      'label_a:1',
      '{"app":"web","n":[1]}',
      '{}',
      '',
      'label_url:http://x',
    ];
    const rows = labels.map((pod_labels) => row({ pod_labels }));
    const result = await split(store, reportOf(header, rows));
    // Two pieces in the first row, the whole of the third, one piece in the last.
    expect(result).toMatchObject({ rowCount: 6, rejectedRowCount: 0, leftOutCounts: { pod_labels: 4 } });
    expect((await leftOutOf(store)).slice(1)).toEqual([
      ['report.0.csv', '2', 'pod_labels', 'label_url:http://x'],
      ['report.0.csv', '2', 'pod_labels', 'c:d:e'],
      ['report.0.csv', '4', 'pod_labels', '{"app":"web","n":[1]}'],
      ['report.0.csv', '7', 'pod_labels', 'label_url:http://x'],
    ]);
    // JSON is not stored: other engines would take its pieces for labels.
    const stored = await rowsOf(store, 'data/pod_usage.2026-10-01.csv');
    expect(stored.rows).toEqual(
      labels.map((pod_labels) => row({ pod_labels: pod_labels.startsWith('{"') ? '' : pod_labels })),
    );
  });
});

describe('suspicious rows', () => {
  test('are kept, and counted with the line of the first', async () => {
    const store = await temporaryStore();
    const end = (hour: number, interval_end: string) => row({ interval_end }, hour);
    const result = await split(store, reportOf(header, [
      end(1, '2026-10-01 01:59:59 +0000 UTC'),
      end(2, '2026-10-01 01:59:59 +0000 UTC'),
      end(2, '2026-10-01 01:59:59 +0000 UTC'),
      end(3, '2026-10-02 03:00:01 +0000 UTC'),
      end(4, '2026-10-02 04:00:00 +0000 UTC'),
      end(5, '2026-10-01 05:00:00 +0000 UTC'),
    ])); // prettier-ignore
    expect(result).toMatchObject({ state: 'split', rowCount: 6, rejectedRowCount: 0 });
    expect(result.warnings).toEqual([
      'report.0.csv: suspicious, but kept: interval_end is before interval_start in 2 rows, first in line 3',
      'report.0.csv: suspicious, but kept: the interval is longer than a day in 1 row, first in line 5',
    ]);
  });

  test('include negative numbers, but not a negative zero', async () => {
    const store = await temporaryStore();
    const interval_end = '2026-10-01 00:59:59 +0000 UTC';
    const values = ['-0.000000', '-1800.000000', ' -1 ', '-1e3', '-0', '5'];
    const rows = values.map((value) => row({ interval_end, pod_usage_cpu_core_seconds: value }));
    expect((await split(store, reportOf(header, rows))).warnings).toEqual([
      'report.0.csv: suspicious, but kept: pod_usage_cpu_core_seconds is negative in 3 rows, first in line 3',
    ]);
  });
});

describe('a column that the header has twice', () => {
  test.for(reportKinds)('fails a %s file when it is one of ours, and names it', async (kind) => {
    for (const { name } of reportKindDefinition(kind).columns) {
      const store = await temporaryStore();
      const text = reportOf([...headerOf(kind), name], [[...rowOf(kind, october(1)), 'x']]);
      expect(await split(store, text)).toMatchObject({
        state: 'failed',
        kind,
        rowCount: 0,
        pieces: [],
        message: `report.0.csv: the header contains ${name} twice; its days keep their previous data`,
      });
      expect(await keysIn(store)).toEqual([]);
    }
  });

  test('is a warning when nobody reads it', async () => {
    const store = await temporaryStore();
    const text = reportOf([...header, 'extra', 'extra'], [[...row({ interval_end: october(1) }), '1', '2']]);
    expect(await split(store, text)).toMatchObject({
      state: 'split',
      rowCount: 1,
      warnings: ['report.0.csv: the header contains the unknown column extra twice; it is ignored'],
    });
  });
});
