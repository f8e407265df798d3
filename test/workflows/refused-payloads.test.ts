import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { beforeAll, describe, expect, test } from 'vitest';
import type { IngestManifestResult } from '../../domain/run/run.ts';
import {
  createArchiveFolder,
  packMembers,
  packPayload,
  readPayload,
  withManifest,
} from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { countAllRows, expectSameTables, snapshotTables } from '../support/tables.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let payload: Payload;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  payload = withManifest(await readPayload('operator-sample'), { cluster_id: 'known' });
  await pipeline.addSource('known');
});

const csvNames = (of: Payload) => of.manifest['files'] as string[];
const manifestMember = (manifest: unknown) => ({ name: 'manifest.json', content: JSON.stringify(manifest) });

/** Tables that have more or fewer rows than before. */
async function changedTables(before: ReadonlyMap<string, number>): Promise<string[]> {
  const after = await countAllRows(pipeline.database);
  return [...after]
    .filter(([table, count]) => count !== before.get(table))
    .map(([table]) => table)
    .sort();
}

const refused: [what: string, archive: () => Promise<Buffer>, sentence: RegExp][] = [
  [
    'that is no gzip',
    () => Promise.resolve(Buffer.from('date,usage\n2026-10-01,1\n')),
    /is not gzip or is damaged/,
  ],
  [
    'that ends in the middle',
    async () => {
      const whole = await packPayload(payload);
      return whole.subarray(0, whole.length / 2);
    },
    /ends in the middle of the gzip stream/,
  ],
  [
    'without a manifest',
    () => packMembers([...payload.files].map(([name, content]) => ({ name, content }))),
    /contains no member named manifest\.json/,
  ],
  [
    'whose manifest is no JSON',
    () => packMembers([{ name: 'manifest.json', content: '{"uuid": ' }]),
    /^manifest\.json: expected JSON in UTF-8/,
  ],
  [
    'whose manifest has values of wrong types',
    () =>
      packMembers([
        manifestMember({ ...payload.manifest, uuid: 7, files: 'report.0.csv', daily_reports: 'yes' }),
      ]),
    /uuid: expected a version 4 UUID, found 7; daily_reports: expected true or false, found "yes"; files: expected a list of names, found "report\.0\.csv"/,
  ],
  [
    'whose manifest names a file outside the archive',
    () => packMembers([manifestMember({ ...payload.manifest, files: ['../../etc/passwd'] })]),
    /files\.0: expected a non-empty name without "\/"/,
  ],
  [
    'with a member that leads out of its directory',
    async () => packMembers([{ name: '../report.0.csv', content: 'a\n' }, manifestMember(payload.manifest)]),
    /contains a member with the unsafe name "\.\.\/report\.0\.csv"/,
  ],
];

test.for(refused)('an archive %s is refused at once and leaves no data', async ([, archive, sentence]) => {
  const before = await countAllRows(pipeline.database);
  const { handle } = await pipeline.start({ payload: await folder.write(await archive()) });
  const failure = await handle.result().then(
    () => undefined,
    (error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error),
  );
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({
    type: 'ManifestInvalid',
    message: expect.stringMatching(sentence) as string,
  });
  expect((failure as ApplicationFailure).message).not.toContain('\n');

  const { events = [] } = await handle.fetchHistory();
  const attempts = events?.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
  expect(attempts, 'download, entry of the failure, answer if it was announced; nothing is retried').toEqual([
    1, 1, 1,
  ]);
  expect(await changedTables(before)).toEqual(['public.ingest_failure', 'public.payload_inbox']);
  const { rows } = await pipeline.database.pool.query<{ error_type: string; reason: string }>(
    'select error_type, reason from public.ingest_failure order by id desc limit 1',
  );
  expect(rows).toEqual([{ error_type: 'ManifestInvalid', reason: (failure as ApplicationFailure).message }]);
});

describe('a payload that is not for us ends as ignored and leaves no data', () => {
  const ignored: [what: string, manifest: Record<string, unknown>, reason: RegExp][] = [
    [
      'of a cluster that nobody registered',
      { cluster_id: 'stranger' },
      /has no source for cluster stranger; register it/,
    ],
    [
      'older than the retained months',
      { date: '2026-02-02T00:00:00Z', start: '2026-02-01T00:00:00Z', end: '2026-02-01T23:59:59Z' },
      /ends at 2026-02-01T23:59:59.*before the 4 retained months/,
    ],
    ['that lists no files', { files: [] }, /lists no usage files/],
  ];
  test.for(ignored)('%s', async ([, manifest, reason]) => {
    const before = await countAllRows(pipeline.database);
    const result = await pipeline.ingest(await folder.pack(withManifest(payload, manifest)));
    expect(result).toMatchObject({ outcome: 'ignored', reason: expect.stringMatching(reason) as string });
    expect(await changedTables(before)).toEqual(['public.payload_inbox']);
  });

  test('and goes through once its cluster is registered', async () => {
    const archive = await folder.pack(withManifest(payload, { cluster_id: 'registered-later' }));
    expect(await pipeline.ingest(archive)).toMatchObject({ outcome: 'ignored' });
    await pipeline.addSource('registered-later');
    expect(await pipeline.ingest(archive)).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  });
});

describe('a file that is no report does not hold up the others', () => {
  /** The sample with one more file. */
  async function withFile(
    clusterId: string,
    name: string,
    content: string,
  ): Promise<[string, IngestManifestResult]> {
    const source = await pipeline.addSource(clusterId);
    const files = new Map([...payload.files, [name, content]]);
    const manifest = { cluster_id: clusterId, files: [...csvNames(payload), name] };
    const result = await pipeline.ingest(await folder.pack(withManifest({ ...payload, files }, manifest)));
    return [source, result];
  }

  async function expectLikeTheSampleAlone(source: string): Promise<void> {
    const alone = await pipeline.addSource('sample-alone');
    await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: 'sample-alone' })));
    const expected = await snapshotTables(pipeline.database, alone);
    expectSameTables(await snapshotTables(pipeline.database, source), expected);
  }

  async function fileStatuses(source: string): Promise<number[]> {
    const { rows } = await pipeline.database.pool.query<{ status: number }>(
      `select status.status
       from public.reporting_common_costusagereportstatus as status
       join public.reporting_common_costusagereportmanifest as manifest on manifest.id = status.manifest_id
       where manifest.provider_id = $1`,
      [source],
    );
    return rows.map((row) => row.status);
  }

  test('a CSV without required columns is done with a warning that names what it lacks', async () => {
    const [podFile = ''] = [...payload.files.values()];
    const withoutUsage = podFile
      .replace('pod_usage_cpu_core_seconds', 'cpu_seconds')
      .replace('node_capacity_memory_bytes', 'memory');
    const [source, result] = await withFile('no-columns', 'odd.csv', withoutUsage);
    expect(result).toMatchObject({
      outcome: 'completed',
      release: 'complete',
      fileCount: 7,
      failedFileCount: 0,
    });
    expect(result.warnings).toEqual([
      'odd.csv: unknown report kind; the closest is pod_usage, which lacks pod_usage_cpu_core_seconds, node_capacity_memory_bytes; the file is not summarised',
    ]);
    expect(await fileStatuses(source)).toEqual(Array(7).fill(1));
    await expectLikeTheSampleAlone(source);
  });

  test('a file of zero bytes is done without a warning', async () => {
    const [source, result] = await withFile('zero-bytes', 'empty.csv', '');
    expect(result).toMatchObject({ outcome: 'completed', release: 'complete', fileCount: 7, warnings: [] });
    expect(await fileStatuses(source)).toEqual(Array(7).fill(1));
    await expectLikeTheSampleAlone(source);
  });

  test('a file of a header alone is done without a warning', async () => {
    const [podFile = ''] = [...payload.files.values()];
    const [source, result] = await withFile(
      'header-alone',
      'header.csv',
      podFile.slice(0, podFile.indexOf('\n') + 1),
    );
    expect(result).toMatchObject({ outcome: 'completed', release: 'complete', fileCount: 7, warnings: [] });
    expect(await fileStatuses(source)).toEqual(Array(7).fill(1));
    await expectLikeTheSampleAlone(source);
  });
});
