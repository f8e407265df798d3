import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'csv-parse/sync';
import { createBadInput, withField } from './bad-input.ts';
import type { BadInput, Sent } from './bad-input.ts';

let input: BadInput;
beforeAll(async () => {
  input = await createBadInput();
});

interface Reject {
  line: number;
  column: string;
  /** the row as it was sent, bytes as latin1 */
  row: string;
}

/** The list, read as bytes: a row that is not UTF-8 must come out as it was sent. */
function rejectsOf({ rejects }: Sent): Reject[] {
  const records: string[][] = parse(rejects?.toString('latin1') ?? '', { relax_column_count: true });
  return records
    .slice(1)
    .map(([, line = '', column = '', , row = '']) => ({ line: Number(line), column, row }));
}

/** Rows of the report; the header is line 1. */
const linesOf = (csv: string) => csv.trimEnd().split('\n');
const bad = 'pod_usage_cpu_core_seconds';
const badRow = (csv: string, at: number) =>
  withField(csv, bad, (value, row) => (row === at ? 'much' : value));
const quoted = (csv: string) =>
  csv.replaceAll(/[^,\n]*[,\n]/g, (field) => `"${field.slice(0, -1)}"${field.slice(-1)}`);

describe('the row of a rejected row is what was sent', () => {
  const cases: [what: string, spoil: (csv: string) => string | Buffer, line: number][] = [
    ['with every field in quotes', (csv) => quoted(badRow(csv, 5)), 6],
    ['with needless quotes around one field', (csv) => badRow(csv, 5).replaceAll('much', '"much"'), 6],
    [
      'with bytes that are not UTF-8',
      (csv) => Buffer.from(badRow(csv, 5).replaceAll('much', 'müch'), 'latin1'),
      6,
    ],
    ['with a NUL byte', (csv) => badRow(csv, 5).replaceAll('much', 'mu\0ch'), 6],
    ['with too few fields', (csv) => linesOf(csv).with(5, 'a,"b, c",d').join('\n'), 6],
    ['with a blank at its end', (csv) => linesOf(csv).with(5, 'a,b,c ').join('\n'), 6],
  ];
  test.for(cases)('%s', async ([what, spoil, line]) => {
    let sentLine = '';
    const sent = await input.send(what.replaceAll(/\W+/g, '-').slice(0, 40), (csv) => {
      const bytes = Buffer.from(spoil(csv));
      sentLine = bytes.toString('latin1').split('\n')[line - 1] ?? '';
      return bytes;
    });
    expect(rejectsOf(sent)).toMatchObject([{ line, row: sentLine }]);
  });
});

describe('the line of a rejected row is that of the file, where the row begins', () => {
  /** Labels of some rows hold a line break. */
  const withBreaks = (csv: string, rows: readonly number[]) =>
    withField(csv, 'pod_labels', (value, row) => (rows.includes(row) ? '"label_note:one\ntwo"' : value));

  test('when the row itself spans lines', async () => {
    const sent = await input.send('spans-lines', (csv) => withBreaks(badRow(csv, 5), [5]));
    expect(rejectsOf(sent)).toMatchObject([{ line: 6, row: expect.stringContaining('one\ntwo') as string }]);
    expect(sent.log[0]).toMatchObject({ msg: 'row rejected', line: 6 });
  });

  test('when rows before it span lines', async () => {
    const sent = await input.send('after-lines', (csv) => withBreaks(badRow(csv, 5), [2, 3]));
    expect(rejectsOf(sent)).toMatchObject([{ line: 8 }]);
  });

  test('when rows before it span lines that end in CRLF', async () => {
    const sent = await input.send('after-crlf', (csv) =>
      withBreaks(badRow(csv, 5), [2, 3]).replaceAll('\n', '\r\n'),
    );
    expect(rejectsOf(sent)).toMatchObject([{ line: 8 }]);
  });

  test('when blank lines are before it', async () => {
    const sent = await input.send('after-blanks', (csv) =>
      linesOf(badRow(csv, 5)).toSpliced(2, 0, '', '').join('\n'),
    );
    expect(rejectsOf(sent)).toMatchObject([{ line: 8 }]);
  });

  test('when its quote is never closed', async () => {
    const sent = await input.send('unclosed', (csv) => {
      const lines = linesOf(csv);
      return lines.with(190, `"${lines[190] ?? ''}`).join('\n');
    });
    expect(sent.result.rejectedRowCount).toBe(11);
    expect(rejectsOf(sent)).toMatchObject([{ line: 191, row: expect.stringMatching(/^"/) as string }]);
  });
});

test('status names the list of a file that failed, beside the reason', async () => {
  const clusterId = 'failed-file';
  const sentOff = input.send(clusterId, (csv) => `${csv}${'bad\n'.repeat(150)}`);
  const { orgId } = input.cli.database;
  const manifestUuid = async () => {
    const { stdout } = await input.cli.run(['status', '--org', orgId, '--json']);
    const { manifests } = JSON.parse(stdout) as { manifests: { clusterId: string; manifestUuid: string }[] };
    return manifests.find((manifest) => manifest.clusterId === clusterId)?.manifestUuid;
  };
  await expect
    .poll(async () => {
      const uuid = await manifestUuid();
      if (uuid === undefined) return '';
      return (await input.cli.run(['replay', uuid, '--decide', 'skip'])).stdout;
    })
    .toContain('completed');
  const sent = await sentOff;
  const { files } = await sent.status();
  const file = files.find(({ fileName }) => fileName === sent.fileName);
  expect(file).toMatchObject({
    rejectedRowCount: 150,
    message: expect.stringMatching(/150 of 350/) as string,
  });
  expect(file?.rejectsKey).toMatch(/rejects/);
  expect((await sent.statusText()).replaceAll(/\s/g, '')).toContain(file?.rejectsKey ?? '?');
});
