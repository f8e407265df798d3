import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { bucketRoot } from '../../../intake/watch/bucket-place.ts';
import { Station } from '../../../intake/watch/station.ts';
import { watch } from '../../../intake/watch/watch.ts';
import { openObjectStore } from '../../../platform/object-store/index.ts';
import type { ObjectStore } from '../../../platform/object-store/index.ts';
import { coreHours, podPayload, watchingOf } from '../../intake/dropping.ts';
import type { Watching } from '../../intake/dropping.ts';
import { atEnd } from '../../support/at-end.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { startBucket } from '../bucket.ts';
import type { Versitygw } from '../versitygw.ts';

const never = new AbortController().signal;
let pipeline: TestPipeline;
let s3: Versitygw;
let orgId: string;

beforeAll(async () => {
  ({ server: s3 } = await startBucket('drop'));
  pipeline = await createTestPipeline();
  ({ orgId } = pipeline.database);
});

/** A prefix of the bucket of a test's own. */
function openPrefix(prefix: string): ObjectStore {
  const store = openObjectStore({ url: `s3://drop/${prefix}`, s3: { endpoint: s3.endpoint } });
  atEnd(() => {
    store.close();
  });
  return store;
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

function takeOnce(watching: Watching, store: ObjectStore, org: string | undefined = orgId): Promise<number> {
  return watch(watching.deps, bucketRoot(store), { orgId: org, once: true, intervalMs: 10 }, never);
}

test('objects of a bucket are taken, moved and put away; the same one again is known', async () => {
  await pipeline.addSource('bucket');
  const store = openPrefix('plain');
  const watching = watchingOf(pipeline);
  const archive = await podPayload('bucket', 3);
  await store.put('a.tar.gz', archive);
  await store.put('b.tar.gz', Buffer.from('no archive'));
  expect(await takeOnce(watching, store)).toBe(1);
  expect(await keysOf(store)).toEqual([
    'done/a.tar.gz',
    'done/a.tar.gz.txt',
    'failed/b.tar.gz',
    'failed/b.tar.gz.txt',
  ]);
  expect(await text(await store.get('done/a.tar.gz.txt'))).toContain('3 rows, 1 day summarised');
  await store.put('again.tar.gz', archive);
  await store.put('a.tar.gz', await podPayload('bucket', 5));
  expect(await takeOnce(watching, store)).toBe(0);
  expect((await keysOf(store)).filter((key) => /^done.*gz$/.test(key))).toEqual([
    'done/a-2.tar.gz',
    'done/a.tar.gz',
    'done/again.tar.gz',
  ]);
  expect(watching.received.sort()).toEqual([
    'watch accepted',
    'watch accepted',
    'watch known',
    'watch refused',
  ]);
  expect(await coreHours(pipeline, 'bucket')).toBe(5);
});

test.each(['incoming', 'processing'])(
  'killed between copying from %s and deleting, nothing is lost or doubled',
  async (box) => {
    const cluster = `cut-${box}`;
    await pipeline.addSource(cluster);
    const store = openPrefix(cluster);
    const archive = await podPayload(cluster, 2);
    if (box === 'incoming') {
      await store.put('a.tar.gz', archive);
      await store.put('processing/a.tar.gz', archive);
    } else {
      await store.put('processing/a.tar.gz', archive);
      await store.put('done/a.tar.gz', archive);
      await store.put('done/a.tar.gz.txt', Buffer.from('Ingested.\n'));
    }
    expect(await takeOnce(watchingOf(pipeline), store)).toBe(0);
    expect(await keysOf(store)).toEqual(['done/a.tar.gz', 'done/a.tar.gz.txt']);
    expect(await coreHours(pipeline, cluster)).toBe(2);
    const { rowCount } = await pipeline.database.pool.query(
      `select from ${pipeline.database.schema}.ocp_manifest as m
       join public.api_provider as p on p.uuid = m.source_uuid where p.name = $1`,
      [cluster],
    );
    expect(rowCount).toBe(1);
  },
);

test('an object that is replaced while it is taken is not mistaken for what was taken', async () => {
  await pipeline.addSource('replaced');
  const store = openPrefix('replaced');
  const watching = watchingOf(pipeline);
  const place = bucketRoot(store).place(undefined);
  const station = new Station(watching.deps, orgId, place, never);
  await store.put('a.tar.gz', await podPayload('replaced', 2));
  await station.look();
  const { objectStore } = pipeline;
  const put = objectStore.put.bind(objectStore);
  objectStore.put = async (...args) => {
    objectStore.put = put;
    const stored = await put(...args);
    await store.put('a.tar.gz', await podPayload('replaced', 6));
    return stored;
  };
  await station.look();
  expect(await keysOf(store)).toEqual(['a.tar.gz']);
  await waitUntil(async () => {
    await station.look();
    await station.follow();
    return (await store.head('done/a.tar.gz')) !== undefined;
  });
  expect(await keysOf(store)).toEqual(['done/a.tar.gz', 'done/a.tar.gz.txt']);
  expect(await coreHours(pipeline, 'replaced')).toBe(6);
});

test('each folder of a bucket is an organisation; a store that is away is waited for', async () => {
  await pipeline.addSource('by-prefix');
  const store = openPrefix('orgs');
  await store.put(`${orgId}/a.tar.gz`, await podPayload('by-prefix', 4));
  await store.put('nobody/b.tar.gz', await podPayload('by-prefix', 5));
  const watching = watchingOf(pipeline);
  const stop = new AbortController();
  const options = { orgId: undefined, once: false, intervalMs: 50 };
  await s3.kill();
  const watched = watch(
    watching.deps,
    { ...bucketRoot(store), check: () => Promise.resolve() },
    options,
    stop.signal,
  );
  await waitUntil(() => watching.events.some(({ event }) => event === 'waiting for servers'));
  await s3.start();
  await waitUntil(async () => (await store.head(`${orgId}/done/a.tar.gz`)) !== undefined);
  stop.abort();
  await watched;
  expect((await keysOf(store)).filter((key) => !key.endsWith('.txt'))).toEqual(
    ['nobody/b.tar.gz', `${orgId}/done/a.tar.gz`].sort(),
  );
  expect(await coreHours(pipeline, 'by-prefix')).toBe(4);
});

test('a bucket that does not exist gets a clear error', async () => {
  const store = openObjectStore({ url: 's3://nowhere', s3: { endpoint: s3.endpoint } });
  atEnd(() => {
    store.close();
  });
  await expect(takeOnce(watchingOf(pipeline), store)).rejects.toThrow(
    /s3:\/\/nowhere.*cannot be watched: .*create the bucket/,
  );
});
