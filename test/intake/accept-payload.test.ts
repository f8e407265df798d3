import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, test } from 'vitest';
import { acceptPayload } from '../../intake/accept-payload.ts';
import type { IntakeDeps, OfferedPayload } from '../../intake/accept-payload.ts';
import { startWaiting } from '../../intake/start-waiting.ts';
import { openPool } from '../../platform/database/database.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { atEnd } from '../support/at-end.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

let pipeline: TestPipeline;
let deps: IntakeDeps;
let folder: ArchiveFolder;
let payload: Payload;
let received: string[];

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  payload = await readPayload('nise-small');
  const { client, database, objectStore, config } = pipeline;
  received = [];
  deps = {
    client,
    pool: database.pool,
    objectStore,
    config,
    received: (way, outcome) => received.push(`${way} ${outcome}`),
  };
});

async function archiveOf(clusterId: string): Promise<Buffer> {
  return readFile(await folder.pack(withManifest(payload, { cluster_id: clusterId })));
}

/** In pieces, as a body arrives. */
function arriving(archive: Buffer): Readable {
  const half = Math.ceil(archive.length / 2);
  return Readable.from([archive.subarray(0, half), archive.subarray(half)]);
}

function upload(archive: Buffer, clusterId?: string): OfferedPayload {
  return {
    way: 'upload',
    orgId: pipeline.database.orgId,
    bytes: { stream: arriving(archive) },
    ...(clusterId === undefined ? {} : { clusterId }),
  };
}

async function storedKeys(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of pipeline.objectStore.list('payloads/')) keys.push(key);
  return keys;
}

async function inboxRows(): Promise<number> {
  const { rows } = await pipeline.database.pool.query<{ count: number }>(
    'select count(*)::integer as count from public.payload_inbox',
  );
  return rows[0]?.count ?? -1;
}

test('bytes that arrive twice, and twice at the same time, are one payload, one object, one run', async () => {
  await pipeline.addSource('twice');
  const archive = await archiveOf('twice');
  const before = { objects: (await storedKeys()).length, rows: await inboxRows(), counted: received.length };
  const [left, right] = await Promise.all([
    acceptPayload(deps, upload(archive)),
    acceptPayload(deps, upload(archive, 'twice')),
  ]);
  const first = left.run ?? right.run;
  expect(await first?.handle.result()).toMatchObject({ outcome: 'completed' });
  const again = await acceptPayload(deps, upload(archive));
  expect(new Set([left, right, again].map(({ requestId }) => requestId)).size).toBe(1);
  expect([left.known, right.known].sort()).toEqual([false, true]);
  expect(again).toMatchObject({ known: true, run: { earlier: { outcome: 'completed' } } });
  expect((await storedKeys()).length - before.objects).toBe(1);
  expect((await inboxRows()) - before.rows).toBe(1);
  expect(received.slice(before.counted).sort()).toEqual(['upload accepted', 'upload known', 'upload known']);
});

test('the first id of the same bytes is theirs, whichever way they came', async () => {
  await pipeline.addSource('both-ways');
  const path = await folder.pack(withManifest(payload, { cluster_id: 'both-ways' }));
  await pipeline.ingest(path, { requestId: 'announced-before' });
  expect(await acceptPayload(deps, upload(await readFile(path)))).toMatchObject({
    requestId: 'announced-before',
    known: true,
  });
});

test('the archive of another cluster leaves nothing', async () => {
  const before = [await storedKeys(), await inboxRows()];
  const refused = acceptPayload(deps, upload(await archiveOf('theirs'), 'ours'));
  await expect(refused).rejects.toMatchObject({
    type: 'NotPermitted',
    message: expect.stringContaining('the archive is of cluster theirs') as string,
  });
  expect([await storedKeys(), await inboxRows()]).toEqual(before);
  expect(received.at(-1)).toBe('upload refused');
});

test('an archive that nobody can read is accepted, and its run says why it failed', async () => {
  const accepted = await acceptPayload(deps, upload(Buffer.from('not an archive'), 'ours'));
  await expect(accepted.run?.handle.result()).rejects.toThrow();
  const { rows } = await pipeline.database.pool.query(
    'select error_type from public.ingest_failure where request_id = $1',
    [accepted.requestId],
  );
  expect(rows).toEqual([{ error_type: 'ManifestInvalid' }]);
});

test('a payload whose archive was removed is stored again by the same bytes', async () => {
  await pipeline.addSource('removed');
  const archive = await archiveOf('removed');
  const first = await acceptPayload(deps, upload(archive));
  await first.run?.handle.result();
  const { rows } = await pipeline.database.pool.query<{ object_key: string }>(
    'select object_key from public.payload_inbox where id = $1',
    [first.inboxId],
  );
  await pipeline.objectStore.delete(rows[0]?.object_key ?? '');
  const objects = (await storedKeys()).length;
  const again = await acceptPayload(deps, upload(archive));
  expect(again.inboxId).toBe(first.inboxId);
  expect((await storedKeys()).length).toBe(objects + 1);
});

test('while Temporal is away payloads are accepted, and started when it is back', async () => {
  await pipeline.addSource('later');
  const connection = Connection.lazy({ address: `127.0.0.1:1` });
  atEnd(() => connection.close());
  const away = { ...deps, client: new Client({ connection, namespace: pipeline.namespace }) };
  const accepted = await acceptPayload(away, upload(await archiveOf('later'), 'later'));
  expect(accepted.run).toBeUndefined();
  expect(accepted.notStarted).toBeInstanceOf(Error);
  expect(received.at(-1)).toBe('upload accepted');

  expect(await startWaiting(deps, { minSeconds: 3_600 })).toBe(0);
  expect(await startWaiting(deps, { minSeconds: 0 })).toBe(1);
  expect(await startWaiting(deps, { minSeconds: 0 })).toBe(0);
  const handle = pipeline.client.workflow.getHandle(
    `manifest:${pipeline.database.orgId}:${accepted.requestId}`,
  );
  expect(await handle.result()).toMatchObject({ outcome: 'completed' });
});

test('when the database is away nothing is kept', async () => {
  const pool = openPool({
    url: `postgresql://nobody@127.0.0.1:1/x`,
    size: 1,
    applicationName: 'test',
  });
  atEnd(() => pool.end());
  const before = await storedKeys();
  await expect(acceptPayload({ ...deps, pool }, upload(await archiveOf('later')))).rejects.toThrow(
    'ECONNREFUSED',
  );
  expect(await storedKeys()).toEqual(before);
  expect(received.at(-1)).toBe('upload failed');
});

test('a body that breaks leaves nothing', async () => {
  const before = [await storedKeys(), await inboxRows()];
  const archive = await archiveOf('later');
  const breaking = Readable.from(
    (function* () {
      yield archive.subarray(0, 1_000);
      throw new Error('connection lost');
    })(),
  );
  await expect(
    acceptPayload(deps, { way: 'upload', orgId: pipeline.database.orgId, bytes: { stream: breaking } }),
  ).rejects.toThrow('connection lost');
  expect([await storedKeys(), await inboxRows()]).toEqual(before);
});
