import { beforeAll, describe, expect, test } from 'vitest';
import { allPodHours, createBadInput, volumeGibMonths, withField } from './bad-input.ts';
import type { BadInput, Sent } from './bad-input.ts';

let input: BadInput;
beforeAll(async () => {
  input = await createBadInput();
});

describe('a column that is NaN in every row, and labels of which some cannot be read', () => {
  let sent: Sent;
  beforeAll(async () => {
    sent = await input.send('nan-column', (csv) =>
      withField(
        withField(csv, 'pod_limit_cpu_core_seconds', () => 'NaN'),
        'pod_labels',
        (value, row) => (row <= 2 ? `${value}|label_url:http://shop` : value),
      ),
    );
  });

  test('leave the rows and their other values, and are warnings of the run', () => {
    expect(sent.result).toMatchObject({
      outcome: 'completed',
      failedFileCount: 0,
      rowCount: 204,
      rejectedRowCount: 0,
      leftOutCount: 202,
      rowsLoaded: 204,
    });
    expect(sent.result.warnings).toEqual([
      `${sent.fileName}: 202 values left out, their rows kept: pod_limit_cpu_core_seconds 200, pod_labels 2`,
    ]);
    expect(sent.summary.podHours).toBeCloseTo(allPodHours, 9);
    expect(sent.summary.volumeGibMonths).toBeCloseTo(volumeGibMonths, 9);
    expect(sent.rejects).toBeUndefined();
  });

  test('are counted by column, and the first are shown with their lines', async () => {
    const status = await sent.status();
    expect(status).toMatchObject({ state: 'completed', rejectedRowCount: 0, leftOutCount: 202 });
    const file = status.files.find(({ fileName }) => fileName === sent.fileName);
    expect(file).toMatchObject({
      leftOutCounts: { pod_limit_cpu_core_seconds: 200, pod_labels: 2 },
      leftOutKey: expect.stringMatching(/\/year=2026\/month=10\/left-out\.\d+\.\d+\.csv$/) as string,
      warnings: [],
    });
    const { leftOut } = status as unknown as { leftOut: { values: object[] }[] };
    expect(leftOut).toHaveLength(1);
    expect(leftOut[0]?.values.slice(0, 3)).toEqual([
      { fileName: sent.fileName, line: 2, column: 'pod_limit_cpu_core_seconds', value: 'NaN' },
      { fileName: sent.fileName, line: 2, column: 'pod_labels', value: 'label_url:http://shop' },
      { fileName: sent.fileName, line: 3, column: 'pod_limit_cpu_core_seconds', value: 'NaN' },
    ]);
    const text = (await sent.statusText()).replaceAll(/\s+/g, ' ');
    expect(text).toContain(`Values left out of ${sent.fileName}, whose rows are kept: 202`);
    expect(text).toContain(file?.leftOutKey ?? '?');
  });
});

test('suspicious values are warnings of the file and of the run; the rows stay', async () => {
  const sent = await input.send('suspicious', (csv) =>
    withField(csv, 'pod_usage_memory_byte_seconds', (value, row) => (row === 4 ? '-5' : value)),
  );
  const warning = `${sent.fileName}: suspicious, but kept: pod_usage_memory_byte_seconds is negative in 1 row, first in line 5`;
  expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0, warnings: [warning] });
  const { files } = await sent.status();
  expect(files.find(({ fileName }) => fileName === sent.fileName)?.warnings).toEqual([warning]);
  expect(await sent.statusText()).toContain(`Warning: ${warning}`);
});
