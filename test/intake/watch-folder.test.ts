import { createHash } from 'node:crypto';
import { appendFile, copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, test } from 'vitest';
import { acceptPayload } from '../../intake/accept-payload.ts';
import { localRoot } from '../../intake/watch/local-place.ts';
import { Station } from '../../intake/watch/station.ts';
import { watch } from '../../intake/watch/watch.ts';
import { openPool } from '../../platform/database/database.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { atEnd } from '../support/at-end.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { coreHours, dropFolder, filesBelow, note, orgFolder, podPayload, watchingOf } from './dropping.ts';
import type { Watching } from './dropping.ts';

const never = new AbortController().signal;
let pipeline: TestPipeline;
let orgId: string;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  ({ orgId } = pipeline.database);
});

/** A folder for one organisation, whose looks the test decides about. */
async function createStation(watching: Watching): Promise<{ folder: string; station: Station }> {
  const folder = await dropFolder();
  const place = localRoot(folder).place(undefined);
  await place.open();
  return { folder, station: new Station(watching.deps, orgId, place, never) };
}

async function followToEnd(station: Station): Promise<void> {
  await waitUntil(async () => {
    await station.follow();
    return station.openCount === 0;
  });
}

/** Take everything that is there, as `--once` does. */
function takeOnce(watching: Watching, folder: string, org: string | undefined = orgId): Promise<number> {
  return watch(watching.deps, localRoot(folder), { orgId: org, once: true, intervalMs: 10 }, never);
}

async function inboxRows(sha256: string): Promise<unknown[]> {
  const { rows } = await pipeline.database.pool.query(
    'select request_id, way from public.payload_inbox where sha256 = $1',
    [sha256],
  );
  return rows as unknown[];
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('a file is taken when it has stopped growing, and ends in done/ with a note; its SHA-256 is the request id', async () => {
  await pipeline.addSource('growing');
  const watching = watchingOf(pipeline);
  const { folder, station } = await createStation(watching);
  const archive = await podPayload('growing', 3);
  const path = join(folder, 'day.tar.gz');
  await writeFile(path, '');
  await writeFile(join(folder, 'other.tar.gz.part'), archive);
  await writeFile(join(folder, '.hidden.tar.gz'), archive);
  expect(await station.look()).toEqual(['day.tar.gz']);
  expect(await station.look()).toEqual(['day.tar.gz']); // empty: somebody is about to write
  await appendFile(path, archive.subarray(0, 100));
  expect(await station.look()).toEqual(['day.tar.gz']);
  await appendFile(path, archive.subarray(100));
  expect(await station.look()).toEqual(['day.tar.gz']);
  expect(watching.received).toEqual([]);
  expect(await station.look()).toEqual([]);
  expect(await filesBelow(folder)).toEqual(['.hidden.tar.gz', 'other.tar.gz.part', 'processing/day.tar.gz']);
  await followToEnd(station);
  expect(await filesBelow(folder)).toEqual([
    '.hidden.tar.gz',
    'done/day.tar.gz',
    'done/day.tar.gz.txt',
    'other.tar.gz.part',
  ]);
  expect(await note(folder, 'done/day.tar.gz')).toMatch(
    /^Ingested: manifest [0-9a-f-]{36}, 3 rows, 1 day summarised\.\n$/,
  );
  expect(await inboxRows(sha256(archive))).toEqual([{ request_id: sha256(archive), way: 'watch' }]);
  expect(await coreHours(pipeline, 'growing')).toBe(3);
  expect(watching.received).toEqual(['watch accepted']);
});

test('a file that is renamed into place, and one that changes while it is read, are taken whole', async () => {
  await pipeline.addSource('renamed');
  const watching = watchingOf(pipeline);
  const { folder, station } = await createStation(watching);
  const archive = await podPayload('renamed', 2);
  const path = join(folder, 'a.tar.gz');
  await writeFile(`${path}.tmp`, archive.subarray(0, 50));
  await rename(`${path}.tmp`, path);
  await station.look();
  // It looks finished. While the first chunk is on its way to the store, its writer goes on.
  const { objectStore } = pipeline;
  const put = objectStore.put.bind(objectStore);
  objectStore.put = async (...args) => {
    objectStore.put = put;
    await appendFile(path, archive.subarray(50));
    return put(...args);
  };
  expect(await station.look()).toEqual([]);
  expect(await filesBelow(folder)).toEqual(['a.tar.gz']);
  expect(await station.look()).toEqual(['a.tar.gz']);
  await station.look();
  await followToEnd(station);
  expect(await note(folder, 'done/a.tar.gz')).toContain('2 rows');
  expect(watching.received).toEqual(['watch failed', 'watch accepted']);
});

test('the same file again is known and not doubled; its name gets a number', async () => {
  await pipeline.addSource('again');
  const watching = watchingOf(pipeline);
  const folder = await dropFolder();
  const archive = await podPayload('again', 4);
  await writeFile(join(folder, 'a.tar.gz'), archive);
  expect(await takeOnce(watching, folder)).toBe(0);
  await writeFile(join(folder, 'a.tar.gz'), archive);
  await writeFile(join(folder, 'b.tgz'), archive);
  expect(await takeOnce(watching, folder)).toBe(0);
  expect((await filesBelow(folder)).filter((name) => !name.endsWith('.txt'))).toEqual([
    'done/a-2.tar.gz',
    'done/a.tar.gz',
    'done/b.tgz',
  ]);
  for (const name of ['done/a-2.tar.gz', 'done/b.tgz'])
    expect(await note(folder, name)).toMatch(/^Known: the same archive was ingested before/);
  expect(await inboxRows(sha256(archive))).toHaveLength(1);
  expect(await coreHours(pipeline, 'again')).toBe(4);
  expect(watching.received).toEqual(['watch accepted', 'watch known', 'watch known']);
  const ends = watching.events.flatMap((event) => (event.event === 'ended' ? [event.outcome] : []));
  expect(ends).toEqual(['completed', 'known', 'known']);
});

test('what is no payload ends in failed/ with a reason and a remedy; what is not for us in done/', async () => {
  const watching = watchingOf(pipeline);
  const folder = await dropFolder();
  const archive = await podPayload('nobody', 1);
  await writeFile(join(folder, 'ignored.tar.gz'), archive);
  await writeFile(join(folder, 'cut.tar.gz'), archive.subarray(0, archive.length - 40));
  await writeFile(join(folder, 'notes.md'), 'no archive');
  expect(await takeOnce(watching, folder)).toBe(2);
  expect(await filesBelow(folder)).toEqual([
    'done/ignored.tar.gz',
    'done/ignored.tar.gz.txt',
    'failed/cut.tar.gz',
    'failed/cut.tar.gz.txt',
    'failed/notes.md',
    'failed/notes.md.txt',
  ]);
  expect(await note(folder, 'done/ignored.tar.gz')).toMatch(/^Ignored: .*nobody.*\.\n$/);
  expect(await note(folder, 'failed/cut.tar.gz')).toMatch(
    /^Failed \(ManifestInvalid\): .*; when that is corrected, move this file back to try again\.\n$/,
  );
  expect(await note(folder, 'failed/notes.md')).toMatch(
    /^Not taken \(ManifestInvalid\): not a gzip-compressed tar archive; put the tar\.gz archive here/,
  );
  // The one that is no archive never came to the inbox.
  expect(watching.received.sort()).toEqual(['watch accepted', 'watch accepted', 'watch refused']);
});

test('a failed file that is put back is tried again', async () => {
  const watching = watchingOf(pipeline);
  const folder = await dropFolder();
  await writeFile(join(folder, 'early.tar.gz'), await podPayload('registered-later', 5));
  await takeOnce(watching, folder);
  expect(await note(folder, 'done/early.tar.gz')).toMatch(/^Ignored/);
  await pipeline.addSource('registered-later');
  await rename(join(folder, 'done/early.tar.gz'), join(folder, 'early.tar.gz'));
  expect(await takeOnce(watching, folder)).toBe(0);
  expect(await filesBelow(folder)).toEqual(['done/early.tar.gz', 'done/early.tar.gz.txt']);
  expect(await note(folder, 'done/early.tar.gz')).toContain('5 rows');
  expect(await coreHours(pipeline, 'registered-later')).toBe(5);
});

test('a blocked run keeps its file in processing/ until somebody has decided', async () => {
  await pipeline.addSource('blocked');
  const watching = watchingOf(pipeline);
  const folder = await dropFolder();
  const archive = await podPayload('blocked', 2, 150);
  await writeFile(join(folder, 'bad.tar.gz'), archive);
  expect(await takeOnce(watching, folder)).toBe(1);
  expect(await filesBelow(folder)).toEqual(['processing/bad.tar.gz']);
  expect(await takeOnce(watching, folder)).toBe(1);
  const failures = watching.events.flatMap((event) => (event.event === 'blocked' ? event.failures : []));
  expect(failures.map(({ errorType }) => errorType)).toEqual(['TooManyRejectedRows', 'TooManyRejectedRows']);
  const handle = pipeline.client.workflow.getHandle(`manifest:${orgId}:${sha256(archive)}`);
  await handle.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failures[0]?.failureId ?? '', action: 'skip' }],
  });
  expect(await takeOnce(watching, folder)).toBe(0);
  expect(await filesBelow(folder)).toEqual(['done/bad.tar.gz', 'done/bad.tar.gz.txt']);
});

test('links and long names are left where they are, and said once', async () => {
  const watching = watchingOf(pipeline);
  const { folder, station } = await createStation(watching);
  await symlink('/etc/hostname', join(folder, 'link.tar.gz'));
  const long = `${'l'.repeat(241)}.tar.gz`;
  await writeFile(join(folder, long), 'x');
  for (let look = 0; look < 3; look += 1) expect(await station.look()).toEqual([]);
  expect(await filesBelow(folder)).toEqual(['link.tar.gz', long]);
  expect(watching.events.map((event) => 'problem' in event && event.problem).sort()).toEqual([
    'has a name of more than 240 bytes; rename it',
    'is a link, and links are not followed; put the file itself here',
  ]);
  expect(station.problemCount).toBe(2);
});

test('two watchers of one folder do no harm', async () => {
  await pipeline.addSource('shared');
  const folder = await dropFolder();
  const both = [watchingOf(pipeline), watchingOf(pipeline)];
  for (let hours = 1; hours <= 3; hours += 1)
    await writeFile(join(folder, `${hours}.tar.gz`), await podPayload('shared', hours));
  expect(await Promise.all(both.map((watching) => takeOnce(watching, folder)))).toEqual([0, 0]);
  expect(await filesBelow(folder)).toEqual(
    [1, 2, 3].flatMap((hours) => [`done/${hours}.tar.gz`, `done/${hours}.tar.gz.txt`]),
  );
  const ends = both.flatMap(({ events }) => events).filter(({ event }) => event === 'ended');
  expect(ends).toHaveLength(3);
  expect(await coreHours(pipeline, 'shared')).toBe(3);
});

test('each folder is an organisation; those that are none are named, and the others go on', async () => {
  await pipeline.addSource('by-folder');
  const root = await dropFolder();
  const ours = await orgFolder(root, orgId);
  await writeFile(join(ours, 'a.tar.gz'), await podPayload('by-folder', 7));
  const unknown = await orgFolder(root, 'nobody');
  await writeFile(join(unknown, 'b.tar.gz'), await podPayload('by-folder', 8));
  await mkdir(join(root, 'not an id'));
  await writeFile(join(root, 'loose.tar.gz'), await podPayload('by-folder', 9));
  const watching = watchingOf(pipeline);
  expect(
    await watch(watching.deps, localRoot(root), { orgId: undefined, once: true, intervalMs: 10 }, never),
  ).toBe(3);
  expect(await filesBelow(root)).toEqual(
    ['loose.tar.gz', 'nobody/b.tar.gz', `${orgId}/done/a.tar.gz`, `${orgId}/done/a.tar.gz.txt`].sort(),
  );
  const problems = watching.events.flatMap((event) => (event.event === 'not watched' ? [event.problem] : []));
  expect(problems).toEqual([
    expect.stringContaining('Organisation nobody is unknown; register one of its clusters'),
    expect.stringContaining('organisation "not an id": expected 1 to 36 letters, digits or underscores'),
    'loose.tar.gz lies beside the folders; move it into that of its organisation',
  ]);
  expect(await coreHours(pipeline, 'by-folder')).toBe(7);
});

/** As a process leaves it that dies at a point. */
const deaths: Record<string, (folder: string, archive: Buffer) => Promise<void>> = {
  'stored and started, not moved': async (folder, archive) => {
    await writeFile(join(folder, 'a.tar.gz'), archive);
    const { deps } = watchingOf(pipeline);
    const path = join(folder, '../copy-of-it');
    await writeFile(path, archive);
    await acceptPayload(deps, { way: 'watch', orgId, bytes: { path } });
  },
  'moved, its run unknown to Temporal': async (folder, archive) => {
    await mkdir(join(folder, 'processing'));
    await writeFile(join(folder, 'processing/a.tar.gz'), archive);
  },
  'its run ended, the note written, not moved': async (folder, archive) => {
    await writeFile(join(folder, 'a.tar.gz'), archive);
    const before = await dropFolder();
    await copyFile(join(folder, 'a.tar.gz'), join(before, 'a.tar.gz'));
    await takeOnce(watchingOf(pipeline), before);
    for (const box of ['processing', 'done']) await mkdir(join(folder, box));
    await rename(join(folder, 'a.tar.gz'), join(folder, 'processing/a.tar.gz'));
    await copyFile(join(before, 'done/a.tar.gz.txt'), join(folder, 'done/a.tar.gz.txt'));
  },
};

test.each(Object.keys(deaths))('killed at the point "%s": nothing is lost or doubled', async (point) => {
  const cluster = point.replaceAll(/[^a-z]+/g, '-');
  await pipeline.addSource(cluster);
  const folder = join(await dropFolder(), 'watched');
  await mkdir(folder);
  const archive = await podPayload(cluster, 3);
  await deaths[point]?.(folder, archive);
  expect(await takeOnce(watchingOf(pipeline), folder)).toBe(0);
  expect(await filesBelow(folder)).toEqual(['done/a.tar.gz', 'done/a.tar.gz.txt']);
  expect(await note(folder, 'done/a.tar.gz')).toMatch(/^Ingested|^Known/);
  expect(await inboxRows(sha256(archive))).toHaveLength(1);
  expect(await coreHours(pipeline, cluster)).toBe(3);
});

test.each(['Temporal', 'the database'])('while %s is away files wait, which is said once', async (server) => {
  const cluster = `away-${server.replaceAll(' ', '-')}`;
  await pipeline.addSource(cluster);
  const folder = await dropFolder();
  const watching = watchingOf(pipeline);
  const { client, pool } = watching.deps;
  const connection = Connection.lazy({ address: `127.0.0.1:1` });
  const noPool = openPool({
    url: `postgresql://nobody@127.0.0.1:1/x`,
    size: 1,
    applicationName: 'test',
  });
  atEnd(() => Promise.all([connection.close(), noPool.end()]));
  const noClient = new Client({ connection, namespace: pipeline.namespace });
  const stop = new AbortController();
  const watched = watch(
    watching.deps,
    localRoot(folder),
    { orgId, once: false, intervalMs: 20 },
    stop.signal,
  );
  await waitUntil(() => watching.events.some(({ event }) => event === 'watching'));
  Object.assign(watching.deps, server === 'Temporal' ? { client: noClient } : { pool: noPool });
  await writeFile(join(folder, 'a.tar.gz'), await podPayload(cluster, 2));
  await waitUntil(() => watching.events.some(({ event }) => event === 'waiting for servers'));
  expect(await filesBelow(folder)).toEqual(['a.tar.gz']);
  Object.assign(watching.deps, { client, pool });
  await waitUntil(() => watching.events.some(({ event }) => event === 'ended'));
  stop.abort();
  await watched;
  expect(watching.events.filter(({ event }) => event === 'waiting for servers')).toHaveLength(1);
  expect(watching.events.filter(({ event }) => event === 'servers are back')).toHaveLength(1);
  expect(await filesBelow(folder)).toEqual(['done/a.tar.gz', 'done/a.tar.gz.txt']);
  expect(await coreHours(pipeline, cluster)).toBe(2);
});

test('folders that cannot be watched get a clear error', async () => {
  const folder = await dropFolder();
  const { deps } = watchingOf(pipeline);
  const watchIt = (path: string, org = orgId) =>
    watch(deps, localRoot(path), { orgId: org, once: true, intervalMs: 10 }, never);
  await expect(watchIt(join(folder, 'missing'))).rejects.toThrow(/missing: no such folder; create it/);
  await writeFile(join(folder, 'file'), '');
  await expect(watchIt(join(folder, 'file'))).rejects.toThrow(/file: not a folder/);
  await expect(watchIt(folder, 'nobody')).rejects.toThrow('Organisation nobody is unknown');
  await writeFile(join(folder, 'processing'), '');
  await expect(watchIt(folder)).rejects.toThrow(/processing, done and failed must be folders/);
});
