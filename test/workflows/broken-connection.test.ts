import { expect, test } from 'vitest';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';
import { copyHalfWay, holdLabelSet, longPodFile, podStaging, runningCopies } from '../support/held-load.ts';

test('a connection that breaks in the middle of a COPY costs a retry and nothing else', async () => {
  const pipeline = await createTestPipeline();
  const { database } = pipeline;
  const folder = await createArchiveFolder();
  const payload = longPodFile(await readPayload('operator-sample'), 'held');
  const source = await pipeline.addSource('cut');
  const held = await holdLabelSet(database, 'held');
  const { handle } = await pipeline.start({
    payload: await folder.pack(withManifest(payload, { cluster_id: 'cut' })),
  });

  const copy = await copyHalfWay(database);
  const { rows } = await database.pool.query<{ cut: boolean }>('select pg_terminate_backend($1) as cut', [
    copy.pid,
  ]);
  expect(rows).toEqual([{ cut: true }]);
  // The next attempt is on its way before the label set is free: it was the break that ended the first one.
  const retry = await copyHalfWay(database, copy.pid);
  expect(retry.pid).not.toBe(copy.pid);
  await held.release();

  expect(await handle.result()).toMatchObject({ outcome: 'completed', rowCount: 6_016, rowsLoaded: 6_016 });
  await waitUntil(async () => (await runningCopies(database, podStaging)).length === 0);
  const cleanSource = await pipeline.addSource('uncut');
  await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: 'uncut' })));
  expectSameTables(await snapshotTables(database, source), await snapshotTables(database, cleanSource));
  expect(await dayVersions(database, source)).toEqual({ '2026-10-06': 1 });
});
