import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { reportKindDefinition, reportKinds } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { ControlSums } from '../../reports/control-sums.ts';
import { csvRecords, fieldsOf } from '../../reports/csv-records.ts';
import { readDailyCsv } from '../../reports/daily-csv.ts';
import { columnRules } from '../../reports/fast-path/plain-kernel.ts';
import { plainTupleWriter } from '../../reports/fast-path/plain-staging-tuples.ts';
import { stagingRowWriter } from '../../reports/staging-rows.ts';
import { streamOf } from '../payload/archives.ts';
import { headerOf, october, reportOf, rowOf } from './reports.ts';

const piece = { pieceId: 17, sourceUuid: '2f3c7c1e-8c1d-4a52-9d0b-6f8f5a1d2b3c', reportPeriodId: 5 };
const labelSetId = (text: string) => text.length * 1_000_000_000_003;

/** Lines of a daily CSV and their control sums, from its records as they come or from their fields alone. */
async function linesOf(
  kind: ReportKind,
  text: string,
  only?: 'fields',
): Promise<{ lines: string; sums: number[]; plainCount: number }> {
  const csv = await readDailyCsv(streamOf(text, 100));
  const writer = stagingRowWriter(kind, csv.header, piece);
  let lines = '';
  let plainCount = 0;
  for await (const some of csv.rows) {
    if (some.form === 'plain') plainCount += some.recordCount;
    const records = fieldsOf(some).map((fields) => ({ fields, line: 0, raw: Buffer.alloc(0) }));
    const prepared = writer.prepare(only === 'fields' ? { form: 'parsed', records } : some);
    lines += prepared.tuples(labelSetId).toString('hex');
  }
  return { lines, sums: [...writer.sums.values], plainCount };
}

const number = fc.oneof(
  fc.double({ noNaN: true, min: -1e18, max: 1e18 }).map(String),
  fc.integer({ min: -1e9, max: 1e9 }).map((value) => (value / 1e4).toFixed(6)),
  fc.constantFrom('', '.5', '-.5', '5.', '+1', '1e3', '1e-400', '1.8e+03', '+1800', '-0.000000', '4.9E-324', `0.${'0'.repeat(400)}1`, `1.${'1'.repeat(98)}`, `1.${'1'.repeat(99)}`, '0007'),
); // prettier-ignore
const texts = fc.oneof(
  { weight: 40, arbitrary: fc.stringMatching(/^[a-z0-9 :|._-]{0,30}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[ -~]{0,30}$/) },
);
const interval = fc.oneof(
  fc.integer({ min: 0, max: 23 }).map((hour) => october(1, hour)),
  fc.constantFrom(
    '2026-10-01T07:00:00+02:00',
    '2026-10-01 05:00:00.123456789',
    '1999-12-31 23:59:59.999999 +0000 UTC',
  ),
);

test.for(reportKinds)(
  'a %s row is written, and summed, from its bytes as it is from its fields',
  async (kind) => {
    const header = headerOf(kind);
    // Optional columns may be absent, others may be there, and the order is the operator's affair.
    const columns = fc
      .tuple(fc.boolean(), fc.shuffledSubarray([...header, 'unknown'], { minLength: header.length + 1 }))
      .map(([withOptional, names]) =>
        names.filter(
          (name) =>
            withOptional ||
            reportKindDefinition(kind).columns.find((column) => column.name === name)?.required !== false,
        ),
      );
    const report = columns.chain((names) => {
      const fields = names.map((name) => {
        if (name === 'interval_start') return interval;
        const type = reportKindDefinition(kind).columns.find((column) => column.name === name)?.type;
        return type === 'number' ? number : texts;
      });
      return fc
        .array(fc.tuple(...fields), { minLength: 1, maxLength: 10 })
        .map((rows) => reportOf(names, rows));
    });
    let plainCount = 0;
    await fc.assert(
      fc.asyncProperty(report, async (text) => {
        const asTheyCome = await linesOf(kind, text);
        const fromFields = await linesOf(kind, text, 'fields');
        expect(asTheyCome.lines).toBe(fromFields.lines);
        expect(asTheyCome.sums).toEqual(fromFields.sums);
        plainCount += asTheyCome.plainCount;
      }),
      { numRuns: 100 },
    );
    expect(plainCount).toBeGreaterThan(50);
  },
);

test.for([undefined, 'fields'] as const)(
  'control sums of %s are by UTC hour, as written by hand',
  async (only) => {
    const header = headerOf('pod_usage');
    const numbers = (usage: string, request: string, memory: string) => ({
      pod_usage_cpu_core_seconds: usage,
      pod_request_cpu_core_seconds: request,
      pod_limit_cpu_core_seconds: '',
      pod_usage_memory_byte_seconds: memory,
      pod_request_memory_byte_seconds: '',
      pod_limit_memory_byte_seconds: '1000',
    });
    const report = reportOf(header, [
      rowOf('pod_usage', october(1, 5), numbers('1800', '3600.5', '2e3')),
      rowOf('pod_usage', october(1, 23), numbers('', '-0.25', '')),
      rowOf('pod_usage', '2026-10-01T07:30:00+02:00', { ...numbers('100', '', '1'), pod: 'a "quoted" pod' }),
    ]);
    const { sums } = await linesOf('pod_usage', report, only);
    const expected = Array.from({ length: 24 * 3 + 2 }, () => 0);
    // Hour 5: two rows; 1800 + 3600.5 + 100 core-seconds; 2000 + 1000 + 1 + 1000 byte-seconds. Node capacity is not
    // summed.
    expected.splice(5 * 3, 3, 2, 5500.5, 4001);
    expected.splice(23 * 3, 3, 1, -0.25, 1000);
    // Magnitudes: 5500.5 + 0.25, and 4001 + 1000.
    expected.splice(24 * 3, 2, 5500.75, 5001);
    expect(sums).toEqual(expected);
  },
);

/** Tuples of the second field alone. */
const numberOnly = {
  columns: Int32Array.of(columnRules.number, 1),
  labels: new Int32Array(0),
  constant: Buffer.alloc(0),
  columnCount: 1,
};

test('a number is the double that its text is, however it is written', async () => {
  const spelling = fc.constantFrom<(value: number) => string>(
    String,
    (value) => value.toFixed(6),
    (value) => value.toFixed(15),
    (value) => value.toPrecision(15),
    (value) => value.toPrecision(16),
    (value) => value.toPrecision(17),
    (value) => value.toExponential(),
    (value) => `${value.toFixed(3)}000000000000000000000`,
  );
  const texts = fc.oneof(
    fc.tuple(fc.double({ noNaN: true, min: -1e18, max: 1e18 }), spelling).map(([value, spell]) => spell(value)),
    fc.tuple(fc.double({ noNaN: true, min: -10, max: 10 }), spelling).map(([value, spell]) => spell(value)),
    fc.stringMatching(/^-?[0-9]{1,18}\.[0-9]{0,40}$/),
    fc.stringMatching(/^-?0{0,5}[0-9]{1,3}\.0{0,18}[0-9]{0,3}0{0,6}$/),
    fc.constantFrom('0', '-0', '-0.000', '.5', '-.5', '5.', '+1', '00012.50', '9007199254740993', '0.1', '999999999999999', '1e-400'),
  ); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(fc.array(texts, { minLength: 1, maxLength: 50 }), async (numbers) => {
      const found: number[] = [];
      for await (const some of csvRecords(
        streamOf(['a,b', ...numbers.map((text) => `x,${text}`), ''].join('\n')),
      )) {
        if (some.form === 'parsed') continue;
        some.kernel.findLabels(some.recordCount, numberOnly);
        const tuples = some.kernel.writeTuples(some.recordCount, numberOnly, new ControlSums().values);
        // Count of columns, length of the double, double: 14 bytes.
        for (let at = 0; at < tuples.length; at += 14) found.push(tuples.readDoubleBE(at + 6));
      }
      expect(found).toEqual(numbers.map(Number));
    }),
    { numRuns: 2_000 },
  );
});

test('a label has the id of its text, however many there are and however they resemble each other', async () => {
  // Far more and longer than the kernel remembers, and each comes again, sooner or later.
  const texts = Array.from({ length: 20_000 }, (_, i) => `label_${'x'.repeat(i % 400)}:${i % 13_000}`);
  const ids = new Map<string, number>();
  for (const text of texts) if (!ids.has(text)) ids.set(text, ids.size * 1_000_003 + 1);
  const write = plainTupleWriter(
    [
      { rule: 'labels', field: 0 },
      { rule: 'labels', field: 1 },
    ],
    Buffer.alloc(0),
    2,
    new ControlSums(),
  );
  const lines = texts.flatMap((text, i) => [`${text},${text}`, `${text},${texts[(i * 7) % 20_000] ?? ''}`]);
  const found: number[] = [];
  let askedCount = 0;
  for await (const some of csvRecords(streamOf(['a,b', ...lines, ''].join('\n')))) {
    if (some.form === 'parsed') continue;
    const prepared = write(some);
    askedCount += prepared.newLabelTexts.length;
    const tuples = prepared.tuples((text) => ids.get(text));
    // Count of columns, then twice a length and a bigint: 26 bytes.
    for (let at = 0; at < tuples.length; at += 26)
      found.push(Number(tuples.readBigInt64BE(at + 6)), Number(tuples.readBigInt64BE(at + 18)));
  }
  expect(found).toEqual(lines.flatMap((line) => line.split(',').map((text) => ids.get(text))));
  // Some were remembered, some had been forgotten.
  expect(askedCount).toBeGreaterThan(ids.size);
  expect(askedCount).toBeLessThan(lines.length);
});
