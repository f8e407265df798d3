import { beforeAll, expect, test } from 'vitest';
import { startRun } from '../../intake/start-run.ts';
import { listManifests } from '../../payload/manifest-status.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let payload: Payload;
let singleArchive: Tables;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  payload = await readPayload('nise-small');
  const source = await pipeline.addSource('single');
  await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: 'single' })));
  singleArchive = await snapshotTables(pipeline.database, source);
});

/** The payload's files in archives of their own, all with the same manifest. */
async function oneFileEach(clusterId: string): Promise<string[]> {
  const part = withManifest(payload, { cluster_id: clusterId });
  return Promise.all([...payload.files.keys()].map((name) => folder.pack(part, [name])));
}

const onceEach = { '2026-10-01': 1, '2026-10-02': 1, '2026-10-03': 1 };

test('six archives of one manifest at once are six runs and one summary', async () => {
  const source = await pipeline.addSource('at-once');
  const archives = await oneFileEach('at-once');
  const results = await Promise.all(archives.map((archive) => pipeline.ingest(archive)));
  expect(results.map((result) => result.release)).toEqual(Array(6).fill('complete'));
  expect(results.map((result) => result.fileCount)).toEqual(Array(6).fill(1));
  expect(results.reduce((sum, result) => sum + result.daysSummarised, 0)).toBe(3);
  expect(await dayVersions(pipeline.database, source)).toEqual(onceEach);
  expectSameTables(await snapshotTables(pipeline.database, source), singleArchive);
});

test('five runs wait for the sixth archive and name the file that is missing', async () => {
  const source = await pipeline.addSource('one-late');
  // The first file holds the pods: without it nothing could be summarised properly.
  const [late = '', ...punctual] = await oneFileEach('one-late');
  const runs = await Promise.all(punctual.map((archive) => pipeline.start({ payload: archive })));
  const lateFile = [...payload.files.keys()][0] ?? '';
  for (const { handle } of runs)
    await waitUntil(async () => {
      const progress = await handle.query(progressQuery);
      return progress.state === 'waiting' && progress.waitingFor.join() === lateFile;
    });
  expect(await dayVersions(pipeline.database, source)).toEqual({});

  await pipeline.ingest(late);
  const results = await Promise.all(runs.map(({ handle }) => handle.result()));
  expect(results.map((result) => result.release)).toEqual(Array(5).fill('complete'));
  expect(await dayVersions(pipeline.database, source)).toEqual(onceEach);
  expectSameTables(await snapshotTables(pipeline.database, source), singleArchive);
});

test('a manifest whose last archive never comes is summarised as it is, and whole when it comes after all', async () => {
  const source = await pipeline.addSource('given-up');
  const archives = await oneFileEach('given-up');
  const { client, database, objectStore } = pipeline;
  const config = { ...pipeline.config, OCP_MANIFEST_WAIT: 1_500 };
  const start = (archive: string) =>
    startRun(
      { client, pool: database.pool, objectStore, config },
      { orgId: database.orgId, payload: archive },
    );
  const storageFile = [...payload.files].findIndex(([, csv]) =>
    csv.split('\n', 1)[0]?.includes('persistentvolumeclaim'),
  );
  const [late] = archives.splice(storageFile, 1);

  const runs = await Promise.all(archives.map(start));
  const results = await Promise.all(runs.map(({ handle }) => handle.result()));
  expect(results.map((result) => result.release)).toEqual(Array(5).fill('timeout'));
  // One that gives up before another has loaded leaves that one's files to it: on a busy machine, days are made again.
  const versions = await dayVersions(database, source);
  const daysSummarised = results.reduce((sum, result) => sum + result.daysSummarised, 0);
  expect(Object.keys(versions)).toEqual(Object.keys(onceEach));
  expect(Object.values(versions).reduce((sum, version) => sum + version, 0)).toBe(daysSummarised);
  const without = await snapshotTables(database, source);
  expect(without.get('reporting_ocp_pvcs')).toEqual([]);

  const lateRun = await start(late ?? '');
  expect(await lateRun.handle.result()).toMatchObject({ release: 'complete', daysSummarised: 3 });
  expectSameTables(await snapshotTables(database, source), singleArchive);
});

test('a run of which some files never come names them in a warning; one of which nothing comes is incomplete', async () => {
  const { client, database, objectStore } = pipeline;
  const config = { ...pipeline.config, OCP_MANIFEST_WAIT: 500 };
  const start = (archive: string) =>
    startRun(
      { client, pool: database.pool, objectStore, config },
      { orgId: database.orgId, payload: archive },
    );
  const [first = '', ...others] = [...payload.files.keys()];

  await pipeline.addSource('nothing-came');
  const nothing = withManifest(payload, { cluster_id: 'nothing-came' });
  const emptyArchive = await folder.pack(nothing, []);
  const empty = await (await start(emptyArchive)).handle.result();
  expect(empty).toMatchObject({ outcome: 'incomplete', release: 'timeout', fileCount: 0, daysSummarised: 0 });
  for (const name of payload.files.keys()) expect(empty.reason).toContain(name);
  const manifest = async () => {
    const { rows } = await database.pool.query<{ completed: boolean }>(
      `select completed_datetime is not null as completed
       from public.reporting_common_costusagereportmanifest
       where cluster_id = 'nothing-came'`,
    );
    return rows;
  };
  expect(await manifest()).toEqual([{ completed: false }]);
  const listed = await listManifests(database.pool, { orgId: database.orgId, limit: 100 });
  expect(listed.find(({ clusterId }) => clusterId === 'nothing-came')?.state).toBe(
    'incomplete: no file came',
  );

  // Sent again it is tried again, and the files that come then are taken in.
  const again = await start(emptyArchive);
  expect(again.earlier).toBeUndefined();
  expect(await again.handle.result()).toMatchObject({ outcome: 'incomplete' });
  expect(await (await start(await folder.pack(nothing))).handle.result()).toMatchObject({
    outcome: 'completed',
    release: 'complete',
    warnings: [],
  });
  expect(await manifest()).toEqual([{ completed: true }]);

  await pipeline.addSource('some-came');
  const some = withManifest(payload, { cluster_id: 'some-came' });
  const partly = await (await start(await folder.pack(some, others))).handle.result();
  expect(partly).toMatchObject({ outcome: 'completed', release: 'timeout' });
  expect(partly.warnings).toEqual([
    `1 file of the manifest never arrived: ${first}; the rest was summarised`,
  ]);
});
