import { beforeAll, describe, expect, test } from 'vitest';
import { allPodHours, createBadInput, volumeGibMonths, withField } from './bad-input.ts';
import type { BadInput, Sent } from './bad-input.ts';

let input: BadInput;
beforeAll(async () => {
  input = await createBadInput();
});

const badValue = (rows: readonly number[]) => (csv: string) =>
  withField(csv, 'pod_usage_cpu_core_seconds', (value, row) => (rows.includes(row) ? 'much' : value));

describe('25 rows with text where a number belongs', () => {
  let sent: Sent;
  const rows = Array.from({ length: 25 }, (_, index) => index + 3);
  beforeAll(async () => {
    sent = await input.send('many-bad-rows', badValue(rows));
  });

  test('are left out, and all other rows and files are summarised', () => {
    expect(sent.result).toMatchObject({
      outcome: 'completed',
      fileCount: 2,
      failedFileCount: 0,
      rowCount: 200 - 25 + 4,
      rejectedRowCount: 25,
      rowsLoaded: 200 - 25 + 4,
    });
    expect(sent.summary.podHours).toBeCloseTo(allPodHours - 25, 9);
    expect(sent.summary.volumeGibMonths).toBeCloseTo(volumeGibMonths, 9);
  });

  test('are logged with file, line, column and reason: the first 20, then how many there are', () => {
    const told = sent.log.filter(({ msg }) => msg === 'row rejected');
    expect(told.map(({ line }) => line)).toEqual(rows.slice(0, 20).map((row) => row + 1));
    for (const line of told)
      expect(line).toMatchObject({
        fileName: sent.fileName,
        column: 'pod_usage_cpu_core_seconds',
        reason: 'expected a number, found "much"',
      });
    const rest = sent.log.filter(({ msg }) => msg !== 'row rejected');
    expect(rest).toHaveLength(1);
    expect(JSON.stringify(rest[0])).toMatch(/\b25\b/);
    expect(sent.log.at(-1), 'the count comes last').toBe(rest[0]);
  });

  test('are listed in an object beside the daily CSVs, every one', async () => {
    const lines = sent.rejects?.toString().trimEnd().split('\n') ?? [];
    expect(lines[0]).toBe('file,line,column,reason,row');
    expect(lines).toHaveLength(26);
    const { files } = await sent.status();
    const [file] = files.filter(({ fileName }) => fileName === sent.fileName);
    expect(file?.rejectsKey).toMatch(
      /^data\/csv\/\w+\/OCP\/source=[\w-]+\/year=2026\/month=10\/rejects\.\d+\.\d+\.csv$/,
    );
  });

  test('are counted by status, which marks the manifest and names the list', async () => {
    const status = await sent.status();
    const text = await sent.statusText();
    expect(status).toMatchObject({ state: 'completed with errors', rejectedRowCount: 25 });
    const files = new Map(status.files.map((file) => [file.fileName, file]));
    expect(files.get(sent.fileName)).toMatchObject({ rowCount: 175, rejectedRowCount: 25, state: 'split' });
    for (const [name, file] of files)
      if (name !== sent.fileName) expect(file).toMatchObject({ rejectedRowCount: 0, rejectsKey: null });
    expect(text).toContain('completed with errors');
    expect(text).toContain(`see ${files.get(sent.fileName)?.rejectsKey ?? '?'}`);
  });
});

test('one bad row is logged with its line and is no reason to fail', async () => {
  const sent = await input.send('one-bad-row', badValue([7]));
  expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 1, failedFileCount: 0 });
  expect(sent.summary.podHours).toBeCloseTo(allPodHours - 1, 9);
  expect(sent.log.filter(({ msg }) => msg === 'row rejected')).toMatchObject([{ line: 8 }]);
});

test('a file without a bad row leaves no list, no log line and no mark', async () => {
  const sent = await input.send('no-bad-row', (csv) => csv);
  expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0, warnings: [] });
  expect(sent.summary).toEqual({
    podHours: expect.closeTo(allPodHours, 9) as number,
    volumeGibMonths: expect.closeTo(volumeGibMonths, 9) as number,
  });
  expect(sent.log).toEqual([]);
  expect(sent.rejects).toBeUndefined();
  expect(await sent.status()).toMatchObject({ state: 'completed' });
});
