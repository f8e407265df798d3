import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { reportKindDefinition, reportKinds } from '../../domain/reports/report-kind.ts';
import { csvLine, csvRecords, fieldsOf } from '../../reports/csv-records.ts';
import { FileRemarks } from '../../reports/file-remarks.ts';
import { rowCheck } from '../../reports/report-rows.ts';
import type { CheckedRow } from '../../reports/report-rows.ts';
import { streamOf } from '../payload/archives.ts';
import { headerOf, october, reportOf } from './reports.ts';

const window = { fromMs: Date.parse('2026-10-01T00:00:00Z'), untilMs: Date.parse('2026-10-31T23:59:59Z') };

/** Values with which a row is good, and values that only look so. None needs quoting. */
const numbers = fc.oneof(
  { weight: 12, arbitrary: fc.double({ noNaN: true, min: -1e18, max: 1e18 }).map(String) },
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 1e9 }).map((value) => (value / 1e4).toFixed(6)) },
  fc.constantFrom('', '-', '.', '-.5', '.5', '5.', '+1', '1e3', '1e19', '-1e19', '1e', '0x10', 'NaN', 'Infinity', ' 1', '1 ', '1.2.3', '--1'),
  fc.constantFrom('NaN', 'nan', 'NAN', 'null', 'Null', 'none', 'nil', '<nil>', '<NIL>', 'N/A', 'n/a', '-', ' NaN ', '  -', 'nul', 'nulls', 'na', '<nil', '-NaN'),
  fc.constantFrom(' ', '   ', ' 1800.000000 ', '  -7', '1 800', '-0.000000', '- 1', '+1800', '1.8e+03', '4.9E-324', '-1e-400', '1e18', '1e17', '0e25', '1e00009', '1_800', '0x708'),
  fc.constantFrom('9999999999999998', '10000000000000000', '9.99e15', '1e16', '-1e16', '39999999999999992', '40000000000000000', '+inf', '-Inf'),
  fc.constantFrom('999999999999999999', '1000000000000000000', '1000000000000000001', '10000000000000000000', '0'.repeat(30)),
  fc.constantFrom(`0.${'0'.repeat(400)}1`, `1.${'1'.repeat(97)}`, `1.${'1'.repeat(98)}`, `1.${'1'.repeat(99)}`),
); // prettier-ignore
const goodNumbers = fc.integer({ min: -1e9, max: 1e9 }).map((value) => (value / 1e4).toFixed(6));
const times = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 31 }).map((day) => october(day, day % 24)) },
  fc.constantFrom('2026-09-30 23:59:59 +0000 UTC', '2026-11-01 00:00:00 +0000 UTC', '2026-10-32 00:00:00 +0000 UTC'),
  fc.constantFrom('', 'noon', '2026-10-01', '2026-10-01T07:00:00+02:00', `2026-10-01 05:00:00.${'1'.repeat(60)}`),
); // prettier-ignore
const labels = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^(label_[a-z]{1,9}:[a-z]{0,9}\|?){0,6}$/) },
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z:|]{0,60}$/) },
  fc.constantFrom('', ':', '::', ':|:', 'a:b:c', 'a:b|c', `a:${'x'.repeat(40)}:b`, `a:${'x'.repeat(13)}|b:${'x'.repeat(30)}`, '{}', '[1]'),
); // prettier-ignore
const goodNames = fc.stringMatching(/^[a-z0-9-]{0,20}$/);
const names = fc.oneof(
  { weight: 8, arbitrary: goodNames },
  fc.constantFrom('', 'n'.repeat(253), 'n'.repeat(254)),
);

test('a row is judged by its bytes as it is by its fields', async () => {
  const row = fc.constantFrom(...reportKinds).chain((kind) => {
    const { columns } = reportKindDefinition(kind);
    // Rows of one hour follow each other, and sometimes one of another does.
    const hour = october(7, 7);
    const timesOfRun = fc.oneof(
      { weight: 20, arbitrary: fc.constant(hour) },
      { weight: 2, arbitrary: fc.constant('2026-09-30 23:00:00 +0000 UTC') },
      times,
    );
    const fields = columns.map(({ type }) =>
      type === 'number' ? numbers : type === 'timestamp' ? timesOfRun : type === 'labels' ? labels : names,
    );
    const goodFields = columns.map(({ type }) =>
      type === 'number'
        ? fc.oneof({ weight: 20, arbitrary: goodNumbers }, fc.constantFrom('NaN', ' 5.0', '-3', 'n/a', '1e3'))
        : type === 'timestamp'
          ? fc.constant(hour)
          : type === 'labels'
            ? labels
            : goodNames,
    );
    const rows = fc.oneof(fc.tuple(...fields), fc.tuple(...goodFields));
    return fc.record({
      kind: fc.constant(kind),
      rows: fc.array(rows, { minLength: 1, maxLength: 8 }),
    });
  });
  let goodCount = 0;
  let badCount = 0;
  let expiredCount = 0;
  let longestRun = 0;
  let leftOutCount = 0;
  let tidiedCount = 0;
  await fc.assert(
    fc.asyncProperty(row, async ({ kind, rows }) => {
      const header = headerOf(kind);
      // Two checks, so that what one remembers cannot help the other.
      const [told, expected] = [new FileRemarks(), new FileRemarks()];
      const byBytes = rowCheck(kind, header, window, told);
      const byFields = rowCheck(kind, header, window, expected);
      const judged: CheckedRow[] = [];
      for await (const some of csvRecords(streamOf(reportOf(header, rows)))) {
        if (some.form === 'parsed') continue; // the header
        const fields = fieldsOf(some);
        for (let record = 0; record < some.recordCount;) {
          const { checked, recordCount, tidied } = byBytes.plain(some, record);
          let stored = '';
          for (const [i, row] of fields.slice(record, record + recordCount).entries()) {
            const judgement = byFields.fields(row, some.line + record + i);
            expect(judgement.checked).toEqual(checked);
            stored += csvLine(judgement.tidied ?? row);
            judged.push(checked);
          }
          const sent = fields
            .slice(record, record + recordCount)
            .map((row) => csvLine(row))
            .join('');
          if ('place' in checked && !('problem' in checked)) expect(tidied?.toString() ?? sent).toBe(stored);
          expect(tidied === undefined).toBe('problem' in checked || stored === sent);
          if (tidied !== undefined) tidiedCount += 1;
          record += recordCount;
          longestRun = Math.max(longestRun, recordCount);
        }
      }
      expect(judged).toHaveLength(rows.length);
      expect(told).toEqual(expected);
      leftOutCount += told.leftOut.length;
      for (const checked of judged)
        if ('expired' in checked) expiredCount += 1;
        else if ('problem' in checked) badCount += 1;
        else goodCount += 1;
    }),
    { numRuns: 400 },
  );
  // Each answer occurred: the values are neither all good nor all bad nor all too old.
  expect(goodCount).toBeGreaterThan(100);
  expect(badCount).toBeGreaterThan(100);
  expect(expiredCount).toBeGreaterThan(10);
  expect(longestRun).toBeGreaterThan(3);
  expect(leftOutCount).toBeGreaterThan(100);
  expect(tidiedCount).toBeGreaterThan(100);
});
