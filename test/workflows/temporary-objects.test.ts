import { readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { ingestWorkflowId } from '../../domain/run/run.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';

// What killed attempts leave half-written is gone when their run ends, and not only a day later.

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let small: Payload;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  small = podFileAlone(await readPayload('operator-sample'), 'app');
});

async function incoming(): Promise<string[]> {
  const directory = fileURLToPath(pipeline.objectStore.location);
  return (await readdir(join(directory, '.incoming')).catch(() => [])).sort();
}

/** A put that has begun and never ends, as that of a process that was killed. @returns its file, and how to end it */
async function halfWritten(owner: string): Promise<{ file: string; giveUp: () => Promise<void> }> {
  const before = await incoming();
  const body = new Readable({ read: () => undefined });
  body.push('half');
  const put = pipeline.objectStore.put('data/half.csv', body, { owner });
  const ended = put.then(
    () => undefined,
    () => undefined,
  );
  await waitUntil(async () => (await incoming()).length === before.length + 1);
  const file = (await incoming()).find((name) => !before.includes(name)) ?? '';
  return {
    file,
    giveUp: async () => {
      body.destroy(new Error('the test is over'));
      await ended;
    },
  };
}

test.for<[end: string, archive: () => Promise<string>, cluster: string]>([
  ['completed', () => folder.pack(withManifest(small, { cluster_id: 'completed' })), 'completed'],
  ['ignored', () => folder.pack(withManifest(small, { cluster_id: 'nobody' })), 'other'],
  ['ManifestInvalid', () => folder.write(Buffer.from('no archive')), 'refused'],
])('a run that ends %s leaves nothing half-written of its own', async ([end, archive, cluster]) => {
  await pipeline.addSource(cluster);
  const requestId = `request-${cluster}`;
  const own = await halfWritten(ingestWorkflowId(pipeline.database.orgId, requestId));
  const foreign = await halfWritten('manifest:somebody:else');
  const { handle } = await pipeline.start({ payload: await archive(), requestId });
  const outcome = await handle.result().then(
    (result) => result.outcome as string,
    (error: unknown) => (error as { cause: { type: string } }).cause.type,
  );
  expect(outcome).toBe(end);
  const left = await incoming();
  expect(left).not.toContain(own.file);
  expect(left, 'what others are writing stays').toContain(foreign.file);
  await own.giveUp();
  await foreign.giveUp();
});

test('what a terminated run left half-written goes with the next payload of anybody, once it is an hour old', async () => {
  await pipeline.addSource('terminated');
  await pipeline.addSource('next');
  const requestId = 'request-terminated';
  const { handle } = await pipeline.start({
    payload: await folder.pack(withManifest(small, { cluster_id: 'terminated' })),
    requestId,
  });
  await handle.terminate('test');
  const workflowId = ingestWorkflowId(pipeline.database.orgId, requestId);
  const [old, recent] = [await halfWritten(workflowId), await halfWritten(workflowId)];
  const path = join(fileURLToPath(pipeline.objectStore.location), '.incoming', old.file);
  const anHourAgo = new Date((await stat(path)).mtimeMs - 1.1 * 3_600_000);
  await utimes(path, anHourAgo, anHourAgo);
  await pipeline.ingest(await folder.pack(withManifest(small, { cluster_id: 'next' })));
  const left = await incoming();
  expect(left).not.toContain(old.file);
  expect(left, 'it may still be written').toContain(recent.file);
  await old.giveUp();
  await recent.giveUp();
});
