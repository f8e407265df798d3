import { beforeAll, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import { allPodHours, createBadInput, volumeGibMonths, withField } from './bad-input.ts';
import type { BadInput, Sent } from './bad-input.ts';

let input: BadInput;
beforeAll(async () => {
  input = await createBadInput();
});

/** A cluster id for a case. */
const clusterOf = (what: string) => what.replaceAll(/\W+/g, '-').slice(0, 40);

/** The other report and the rows that are not named stay whole, whatever happened to this one. */
function expectSummary({ summary }: Sent, podHours: number): void {
  expect(summary.podHours).toBeCloseTo(podHours, 9);
  expect(summary.volumeGibMonths).toBeCloseTo(volumeGibMonths, 9);
}

async function distinct(sent: Sent, expression: string): Promise<string[]> {
  const { pool, schema } = input.cli.database;
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ value: string }>(
      `select distinct ${expression} as value
       from reporting_ocpusagelineitem_pod_staging as staged
       join ocp_label_set as labels using (label_set_id)
       where staged.source_uuid = $1
       order by 1`,
      [sent.sourceUuid],
    ),
  );
  return rows.map(({ value }) => value);
}

const quoted = (csv: string) =>
  csv.replaceAll(/[^,\n]*[,\n]/g, (field) => `"${field.slice(0, -1)}"${field.slice(-1)}`);
const note = 'label_note:say "hi", you\nand goodbye';
/** The labels of rows 1 to 3 hold quotes, a comma and a line break. */
const noted = (csv: string) =>
  withField(csv, 'pod_labels', (value, row) => (row <= 3 ? `"${note.replaceAll('"', '""')}"` : value));

describe('what spreadsheets and other tools make of a report loses nothing', () => {
  const cases: [what: string, spoil: (csv: string) => string | Buffer][] = [
    ['every field in quotes', quoted],
    ['CRLF line ends', (csv) => csv.replaceAll('\n', '\r\n')],
    ['a byte order mark', (csv) => `\uFEFF${csv}`],
    ['a byte order mark, quotes and CRLF together', (csv) => `\uFEFF${quoted(csv).replaceAll('\n', '\r\n')}`],
    ['blank lines between rows', (csv) => csv.replaceAll('\n', '\n\n')],
    ['no line end after the last row', (csv) => csv.trimEnd()],
    [
      'a header that ends in LF and rows that end in CRLF',
      (csv) => csv.replaceAll('\n', '\r\n').replace('\r\n', '\n'),
    ],
    ['quotes, commas and line breaks within labels', noted],
    ['such labels and CRLF', (csv) => noted(csv).replaceAll('\n', '\r\n')],
  ];
  test.for(cases)('%s', async ([what, spoil]) => {
    const sent = await input.send(clusterOf(what), spoil);
    expect(sent.result).toMatchObject({
      outcome: 'completed',
      rejectedRowCount: 0,
      rowCount: 204,
      warnings: [],
    });
    expectSummary(sent, allPodHours);
    expect(sent.log).toEqual([]);
    expect(sent.rejects).toBeUndefined();
  });

  test('a line break within a label is part of the label', async () => {
    const sent = await input.send('label-with-newline', noted);
    expect(await distinct(sent, `labels.labels ->> 'note'`)).toEqual(['say "hi", you\nand goodbye', null]);
  });
});

describe('bytes that no operator writes', () => {
  test('bytes that are not UTF-8 become replacement characters, and the rows stay', async () => {
    const sent = await input.send('not-utf8', (csv) =>
      Buffer.from(
        withField(csv, 'pod', (pod) => (pod === 'pod-3' ? 'pod-é' : pod)),
        'latin1',
      ),
    );
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0 });
    expectSummary(sent, allPodHours);
    expect(await distinct(sent, `staged.pod`)).toContain('pod-\uFFFD');
  });

  test('NUL bytes are dropped, and the rows stay', async () => {
    const sent = await input.send('with-nul', (csv) =>
      withField(csv, 'pod', (pod) => (pod === 'pod-3' ? 'po\0d-3\0' : pod)),
    );
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0 });
    expectSummary(sent, allPodHours);
    expect(await distinct(sent, `staged.pod`)).toHaveLength(50);
  });

  test.for([
    ['UTF-16', (csv: string) => Buffer.from(`\uFEFF${csv}`, 'utf16le')],
    ['semicolons instead of commas', (csv: string) => csv.replaceAll(',', ';')],
    ['CR alone as line end', (csv: string) => csv.replaceAll('\n', '\r')],
    ['a gzip within the gzip', () => Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4])],
  ] as [string, (csv: string) => string | Buffer][])(
    'a file in %s is of no known kind: a warning, and the other file goes through',
    async ([what, spoil]) => {
      const sent = await input.send(clusterOf(what), spoil);
      expect(sent.result).toMatchObject({ outcome: 'completed', rowCount: 4 });
      expect(sent.result.warnings).toEqual([
        expect.stringContaining(`${sent.fileName}: unknown report kind`) as string,
      ]);
      expectSummary(sent, 0);
      expect(sent.log.map(({ msg }) => msg)).toEqual(['file has errors']);
    },
  );
});

test('status shows a file of no known kind with what it lacks', async () => {
  const sent = await input.send('kind-in-status', (csv) => csv.replace('pod_usage_cpu_core_seconds', 'cpu'));
  const { files } = await sent.status();
  expect(files.find(({ fileName }) => fileName === sent.fileName)).toMatchObject({
    state: 'unknown_kind',
    message: expect.stringContaining(
      'closest is pod_usage, which lacks pod_usage_cpu_core_seconds',
    ) as string,
  });
  expect(await sent.statusText()).toContain('closest is pod_usage');
});

describe('a field of one megabyte', () => {
  const big = 'x'.repeat(1_000_000);
  const inRow3 = (column: string, text: string) => (csv: string) =>
    withField(csv, column, (value, row) => (row === 3 ? text : value));

  test('in a name loses its row alone, with the column and the length as reason', async () => {
    const sent = await input.send('big-namespace', inRow3('namespace', big));
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 1 });
    expectSummary(sent, allPodHours - 1);
    expect(sent.log[0]).toMatchObject({
      line: 4,
      column: 'namespace',
      reason: 'expected at most 253 characters, found 1000000',
    });
    expect(sent.rejects?.toString()).toContain(big);
  });

  test('where a number belongs loses its row alone, and the log line stays short', async () => {
    const sent = await input.send('big-number', inRow3('pod_usage_cpu_core_seconds', big));
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 1 });
    expectSummary(sent, allPodHours - 1);
    expect(sent.log[0]).toMatchObject({ line: 4, column: 'pod_usage_cpu_core_seconds' });
    expect(sent.log[0]?.reason?.length).toBeLessThan(200);
  });

  test('in a time loses its row alone, and the log line stays short', async () => {
    const sent = await input.send('big-time', inRow3('interval_start', big));
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 1 });
    expectSummary(sent, allPodHours - 1);
    expect(sent.log[0]?.reason?.length).toBeLessThan(200);
  });

  test('in a pod name goes through', async () => {
    const sent = await input.send('big-pod', inRow3('pod', big));
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0 });
    expectSummary(sent, allPodHours);
  });

  test('in a column that nobody knows goes through', async () => {
    const sent = await input.send('big-unknown', (csv) =>
      csv
        .trimEnd()
        .split('\n')
        .map((line, index) => `${line},${index === 0 ? 'future_column' : index === 3 ? big : ''}\n`)
        .join(''),
    );
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0 });
    expectSummary(sent, allPodHours);
  });

  test('in a label of an enabled key goes through', async () => {
    const { orgId } = input.cli.database;
    expect((await input.cli.run(['tags', 'enable', 'big', '--org', orgId])).code).toBe(0);
    // Not one letter over and over: what compresses well would pass limits that real text does not.
    const random = Array.from({ length: 125_000 }, (_, index) =>
      ((index * 2654435761) >>> 0).toString(36),
    ).join('');
    const sent = await input.send('big-label', inRow3('pod_labels', `label_big:${random}`));
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0 });
    expectSummary(sent, allPodHours);
  });
});

describe('a report that was cut', () => {
  test('in the middle of a row loses that row alone', async () => {
    const sent = await input.send('cut-row', (csv) => csv.slice(0, -60));
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 1, failedFileCount: 0 });
    expectSummary(sent, allPodHours - 1);
    expect(sent.log[0]).toMatchObject({
      line: 201,
      reason: expect.stringMatching(/fields, found/) as string,
    });
  });

  test('within quotes loses the rows from there on, which are counted', async () => {
    const sent = await input.send('cut-quote', (csv) => {
      const lines = csv.split('\n');
      return [...lines.slice(0, 190), `"${lines[190] ?? ''}`, ...lines.slice(191)].join('\n').slice(0, -60);
    });
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 11 });
    expectSummary(sent, allPodHours - 11);
    expect(sent.log[0]?.reason).toMatch(/a quote is never closed/);
  });

  test('after its header is empty, and no error', async () => {
    const sent = await input.send('cut-header', (csv) => csv.slice(0, csv.indexOf('\n') + 1));
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 0, warnings: [] });
    expectSummary(sent, 0);
  });

  test('and glued to another one, header and all, loses that header alone', async () => {
    const sent = await input.send('glued', (csv) => {
      const lines = csv.split('\n');
      return [...lines.slice(0, 20), lines[0], ...lines.slice(20)].join('\n');
    });
    expect(sent.result).toMatchObject({ outcome: 'completed', rejectedRowCount: 1 });
    expectSummary(sent, allPodHours);
    expect(sent.log[0]).toMatchObject({ line: 21, column: 'interval_start' });
  });
});
