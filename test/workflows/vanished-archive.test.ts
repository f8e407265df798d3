import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { payloadKey } from '../../platform/object-store/object-keys.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { untilBlocked } from './operator/temporal-ui.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';

// The archive of a payload is removed from the object store after it was brought there.

const requestId = 'lost';
let pipeline: TestPipeline;
let archive: string;
let address: string;
let key: string;
const server = createServer((_request, response) => {
  void readFile(archive).then((bytes) => response.end(bytes));
});

beforeAll(async () => {
  pipeline = await createTestPipeline();
  const folder = await createArchiveFolder();
  const payload = buildPayload(rowsOf(steadyCluster, hoursBetween('2026-10-06 00:00', '2026-10-06 03:00')));
  archive = await folder.pack(withManifest(payload, { cluster_id: 'lost' }));
  await pipeline.addSource('lost');
  key = payloadKey(pipeline.database.orgId, requestId);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/payload.tar.gz?X-Amz-Signature=geheim`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

async function storedAddresses(): Promise<(string | null)[]> {
  const { rows } = await pipeline.database.pool.query<{ download_url: string | null }>(
    'select download_url from public.payload_inbox',
  );
  return rows.map((row) => row.download_url);
}

test('the run is blocked with what to do, goes on once the archive is back, and a lost one is fetched anew', async () => {
  const { orgId, pool, schema } = pipeline.database;
  // Nothing is split before the lock is released: the archive is removed between download and split.
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query(`lock table ${schema}.ocp_manifest in exclusive mode`);
  const { handle } = await pipeline.start({ payload: address, requestId });
  await waitUntil(async () => {
    const { rows } = await pool.query(
      `select from pg_locks where relation = '${schema}.ocp_manifest'::regclass and not granted`,
    );
    return rows.length > 0;
  });
  await pipeline.objectStore.delete(key);
  await holder.query('rollback');
  holder.release();

  const failure = await untilBlocked(handle);
  expect(failure).toMatchObject({ step: 'splitPayload', errorType: 'ObjectMissing' });
  expect(failure.message).toContain(`the archived payload ${key} is no longer in the object store`);
  expect(failure.message).toContain(`ocp-pipeline replay ${requestId} --decide abandon`);
  expect(failure.message).toContain(`ocp-pipeline ingest PAYLOAD --org ${orgId} --request-id ${requestId}`);

  await pipeline.objectStore.put(key, await readFile(archive));
  await handle.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failure.failureId, action: 'retry' }],
  });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });

  // What went through before is not fetched again, and its address is not kept.
  const before = await pipeline.start({ payload: address, requestId });
  expect(before.earlier).toMatchObject({ outcome: 'completed' });
  expect(await storedAddresses()).toEqual([null]);

  await pipeline.objectStore.delete(key);
  const again = await pipeline.start({ payload: address, requestId, again: true });
  expect(await again.handle.result()).toMatchObject({ outcome: 'completed' });
  expect(await pipeline.objectStore.head(key)).toMatchObject({ byteCount: (await readFile(archive)).length });
  expect(await storedAddresses()).toEqual([null]);
});
