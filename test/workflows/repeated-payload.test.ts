import { beforeAll, expect, test } from 'vitest';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let payload: Payload;
let cleanRun: Tables;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  payload = await readPayload('nise-full_day1');
  const source = await pipeline.addSource('clean');
  await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: 'clean' })));
  cleanRun = await snapshotTables(pipeline.database, source);
});

test('a payload that went through already is not run again', async () => {
  const source = await pipeline.addSource('twice');
  const archive = await folder.pack(withManifest(payload, { cluster_id: 'twice' }));
  const first = await pipeline.ingest(archive);
  const second = await pipeline.start({ payload: archive });
  expect(second.earlier).toEqual(first);
  expectSameTables(await snapshotTables(pipeline.database, source), cleanRun);
});

test('the same payload started twice at once is one run', async () => {
  const source = await pipeline.addSource('at-once');
  const archive = await folder.pack(withManifest(payload, { cluster_id: 'at-once' }));
  const runs = await Promise.all([
    pipeline.start({ payload: archive }),
    pipeline.start({ payload: archive }),
  ]);
  const results = await Promise.all(runs.map((run) => run.handle.result()));
  expect(results[1]).toEqual(results[0]);
  expectSameTables(await snapshotTables(pipeline.database, source), cleanRun);
  expect(await dayVersions(pipeline.database, source)).toEqual({ '2026-10-01': 1 });
});

test('a payload run again on request loads nothing, rebuilds nothing and leaves the tables as they are', async () => {
  const source = await pipeline.addSource('again');
  const archive = await folder.pack(withManifest(payload, { cluster_id: 'again' }));
  const first = await pipeline.ingest(archive);
  const second = await pipeline.ingest(archive, { again: true });
  expect(first).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  expect(second).toMatchObject({
    outcome: 'completed',
    rowCount: first.rowCount,
    rowsLoaded: 0,
    daysSummarised: 0,
  });
  expectSameTables(await snapshotTables(pipeline.database, source), cleanRun);
  expect(await dayVersions(pipeline.database, source)).toEqual({ '2026-10-01': 1 });
});

test('the same payload under another request id changes nothing', async () => {
  const source = await pipeline.addSource('other-request');
  const archive = await folder.pack(withManifest(payload, { cluster_id: 'other-request' }));
  await pipeline.ingest(archive);
  const second = await pipeline.ingest(archive, { requestId: 'sent-again' });
  expect(second).toMatchObject({ outcome: 'completed', rowsLoaded: 0, daysSummarised: 0 });
  expectSameTables(await snapshotTables(pipeline.database, source), cleanRun);
});
