import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { openPool } from '../../platform/database/database.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { createClient } from '../../platform/tenants/credentials.ts';
import { anotherManifest, createArchiveFolder, readPayload } from '../support/archives.ts';
import { atEnd } from '../support/at-end.ts';
import { createTestDatabase } from '../support/database.ts';
import { archiveForm, serveHttp, upload } from '../support/http-app.ts';

const sourceCount = 20;
const archivesPerSource = 10;

/** Runs are another matter: here they wait for a Temporal that is away. */
async function serversWithoutTemporal() {
  const database = await createTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-objects-'));
  const objectStore = openObjectStore({ url: pathToFileURL(directory).href, s3: { endpoint: undefined } });
  const connection = Connection.lazy({ address: `127.0.0.1:1` });
  atEnd(async () => {
    await connection.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { database, objectStore, client: new Client({ connection, namespace: 'away' }) };
}

test('200 uploads of 20 sources in 4 organisations at once: none is lost, none is mixed up', async () => {
  const servers = await serversWithoutTemporal();
  const { pool } = servers.database;
  const http = await serveHttp(servers);
  const folder = await createArchiveFolder();
  const small = await readPayload('nise-small');
  const [firstFile = '', text = ''] = [...small.files][0] ?? [];
  const payload = { ...small, files: new Map([[firstFile, text.split('\n').slice(0, 3).join('\n')]]) };
  const sources = Array.from({ length: sourceCount }, (_, index) => ({
    orgId: `org${index % 4}`,
    clusterId: `cluster-${index}`,
  }));
  const sent = await Promise.all(
    sources.flatMap(({ orgId, clusterId }) => {
      const credential = createClient(pool, { orgId, clusterId });
      return Array.from({ length: archivesPerSource }, async () => {
        const { name, secret } = await credential;
        const archive = await readFile(
          await folder.pack(anotherManifest(payload, { cluster_id: clusterId, files: [firstFile] })),
        );
        const headers = {
          authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
        };
        const sha256 = createHash('sha256').update(archive).digest('hex');
        return { orgId, archive, headers, sha256 };
      });
    }),
  );
  const answers = await Promise.all(
    sent.map(async ({ orgId, archive, headers, sha256 }) => {
      const answer = await upload(http.url, headers, archiveForm(archive));
      const body = (await answer.json()) as { request_id: string; upload: { org_id: string } };
      return { status: answer.status, own: body.upload.org_id === orgId && body.request_id === sha256 };
    }),
  );
  expect(answers).toEqual(Array(sourceCount * archivesPerSource).fill({ status: 202, own: true }));
  expect(http.received).toEqual(Array(sourceCount * archivesPerSource).fill('accepted'));

  const { rows } = await pool.query<{ org_id: string; sha256: string; object_key: string }>(
    'select org_id, sha256, object_key from public.payload_inbox where awaits_start_since is not null',
  );
  const byText = (left: string, right: string) => (left < right ? -1 : 1);
  expect(rows.map(({ org_id, sha256 }) => `${org_id} ${sha256}`).sort(byText)).toEqual(
    sent.map(({ orgId, sha256 }) => `${orgId} ${sha256}`).sort(byText),
  );
  for (const { org_id, sha256, object_key } of rows) {
    expect(object_key.startsWith(`payloads/${org_id}/`)).toBe(true);
    const hash = createHash('sha256');
    for await (const chunk of await servers.objectStore.get(object_key)) hash.update(chunk as Uint8Array);
    expect(hash.digest('hex')).toBe(sha256);
  }
});

test('while Temporal is away probes are answered in time, and uploads are still wanted', async () => {
  const { url } = await serveHttp(await serversWithoutTemporal());
  // Less than the five seconds that the database and the object store get.
  const ready = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(4_000) });
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({
    status: 'ok',
    checks: [
      { what: 'database' },
      { what: 'object store' },
      { what: 'Temporal (uploads wait for it)', problem: 'does not answer' },
    ],
  });
});

test('while the object store or the database is away uploads are answered 503, and nothing is kept', async () => {
  const pipeline = await serversWithoutTemporal();
  const { pool, orgId } = pipeline.database;
  const { name, secret } = await createClient(pool, { orgId, clusterId: 'c' });
  const headers = { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` };
  const kept = async () => {
    const keys: string[] = [];
    for await (const { key } of pipeline.objectStore.list('')) keys.push(key);
    const { rowCount } = await pool.query('select from public.payload_inbox');
    return { keys, rowCount };
  };
  // A directory below a file cannot be made.
  const objectStore = openObjectStore({ url: `${import.meta.url}/store`, s3: { endpoint: undefined } });
  const noStore = await serveHttp({ ...pipeline, objectStore });
  const answer = await upload(noStore.url, headers, archiveForm(Buffer.from('an archive')));
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('30');
  expect(await answer.text()).not.toContain('store/');
  expect(noStore.received).toEqual(['failed']);
  const ready = await fetch(`${noStore.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    status: 'unavailable',
    checks: [{ what: 'database' }, { what: 'object store', problem: 'does not answer' }, {}],
  });

  const gone = openPool({
    url: `postgresql://nobody@127.0.0.1:1/x`,
    size: 1,
    applicationName: 'test',
  });
  atEnd(() => gone.end());
  const identity = Buffer.from(JSON.stringify({ identity: { org_id: orgId } })).toString('base64');
  const noDatabase = await serveHttp(
    { ...pipeline, database: { ...pipeline.database, pool: gone } },
    { TRUST_IDENTITY_HEADER_FROM: '127.0.0.1' },
  );
  const refused = await upload(
    noDatabase.url,
    { 'x-rh-identity': identity },
    archiveForm(Buffer.from('an archive')),
  );
  expect(refused.status).toBe(503);
  expect(noDatabase.received).toEqual(['failed']);
  expect((await upload(noDatabase.url, headers, archiveForm(Buffer.from('x')))).status).toBe(503);
  expect((await fetch(`${noDatabase.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${noDatabase.url}/readyz`)).status).toBe(503);
  expect(await kept()).toEqual({ keys: [], rowCount: 0 });
});
