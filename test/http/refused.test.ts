import { request } from 'node:http';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../platform/tenants/credentials.ts';
import { archiveForm, serveHttp, upload } from '../support/http-app.ts';
import { basic, createRefusals, expectNothingKept, expectRefused, noteWhatIsKept } from './refusals.ts';
import type { Refusals } from './refusals.ts';

let pipeline: Refusals['pipeline'];
let database: Refusals['database'];
let issuer: Refusals['issuer'];
let http: Refusals['http'];
let archive: Refusals['archive'];
let bearer: Refusals['bearer'];
beforeAll(async () => {
  ({ pipeline, database, issuer, http, archive, bearer } = await createRefusals());
});
beforeEach(noteWhatIsKept);

describe('a sender acts for its own only:', () => {
  test('an archive of another cluster', async () => {
    const { orgId, pool } = database;
    const client = await createClient(pool, { orgId, clusterId: 'ours' });
    const answer = await upload(http.url, basic(client.name, client.secret), archiveForm(archive));
    await expectRefused(answer, 403, 'the archive is of cluster theirs');
  });

  test('an organisation sees and registers nothing of another', async () => {
    const taken = await pipeline.addSource('of-the-first-org');
    await noteWhatIsKept();
    const other = { authorization: `Bearer ${await issuer.token('other')}` };
    const api = `${http.url}/api/cost-management/v1/sources`;
    const listed = await fetch(`${api}?filter[source_ref]=of-the-first-org`, { headers: other });
    expect(await listed.json()).toMatchObject({ meta: { count: 0 }, data: [] });
    const named = await fetch(`${api}?filter[org_id]=${database.orgId}`, { headers: other });
    await expectRefused(named, 403, 'for organisation other only');
    const post = (body: object) =>
      fetch(api, {
        method: 'POST',
        headers: { ...other, 'content-type': 'application/json' },
        body: JSON.stringify({ source_type_id: '1', name: 'mine now', ...body }),
      });
    await expectRefused(
      await post({ source_ref: 'x', org_id: database.orgId }),
      403,
      'organisation other only',
    );
    await expectRefused(await post({ source_ref: 'of-the-first-org' }), 400, 'another organisation');
    const { rows } = await database.pool.query<{ source_id: number }>(
      'select source_id from public.api_sources where provider_id = $1',
      [taken],
    );
    const application = await fetch(api.replace('sources', 'applications'), {
      method: 'POST',
      headers: { ...other, 'content-type': 'application/json' },
      body: JSON.stringify({ source_id: String(rows[0]?.source_id), application_type_id: '0' }),
    });
    await expectRefused(application, 400, 'there is no source');
  });

  test('a cluster asks and registers nothing of another', async () => {
    await pipeline.addSource('neighbour', 'Neighbour');
    await noteWhatIsKept();
    const { orgId, pool } = database;
    const client = await createClient(pool, { orgId, clusterId: 'ours' });
    const headers = { ...basic(client.name, client.secret), 'content-type': 'application/json' };
    const api = `${http.url}/api/cost-management/v1/sources`;
    const asked = await fetch(`${api}?filter[source_ref]=neighbour`, { headers });
    await expectRefused(asked, 403, 'for cluster ours only');
    expect(await (await fetch(api, { headers })).json()).toMatchObject({ data: [] });
    const body = JSON.stringify({ source_type_id: '1', name: 'x', source_ref: 'neighbour' });
    const posted = await fetch(api, { method: 'POST', headers, body });
    await expectRefused(posted, 403, 'for cluster ours only');
  });
});

describe('a body', () => {
  const tooLarge = () => Buffer.alloc(1_000_001, 1);

  test('that is too large, whether it says so before or not', async () => {
    await expectRefused(await upload(http.url, bearer, archiveForm(tooLarge())), 413, 'larger than');
    const form = new Response(archiveForm(tooLarge()));
    const chunked = await fetch(`${http.url}/api/ingress/v1/upload`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': form.headers.get('content-type') ?? '' },
      body: form.body,
      duplex: 'half',
    });
    await expectRefused(chunked, 413, 'larger than');
  });

  // Each has a server of its own, whose other limit is far: the other uploads here may take their time.
  test.each<[string, Record<string, string>]>([
    ['that pauses', { OCP_UPLOAD_STALL: '300ms' }],
    ['that drips', { OCP_UPLOAD_TIMEOUT: '2s' }],
  ])('%s', async (name, limit) => {
    const slow = await serveHttp(pipeline, limit);
    const boundary = 'b';
    const head =
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.tar.gz"\r\n` +
      'content-type: application/vnd.redhat.hccm.tar+tgz\r\n\r\n';
    const answer = await new Promise<Response>((resolve, reject) => {
      const sending = request(
        `${slow.url}/api/ingress/v1/upload`,
        {
          method: 'POST',
          headers: { ...bearer, 'content-type': `multipart/form-data; boundary=${boundary}` },
        },
        (received) => {
          const chunks: Buffer[] = [];
          received.on('data', (chunk: Buffer) => chunks.push(chunk));
          received.on('end', () => {
            clearInterval(dripping);
            sending.destroy();
            resolve(new Response(Buffer.concat(chunks), { status: received.statusCode ?? 0 }));
          });
        },
      );
      sending.on('error', reject);
      sending.write(head);
      const dripping = name === 'that drips' ? setInterval(() => sending.write('x'), 100) : undefined;
    });
    await expectRefused(answer, 408, 'too slowly');
  });

  test.each([
    ['of another service', { type: 'application/vnd.redhat.advisor.payload+tgz' }, 415, 'vnd.redhat.hccm'],
    ['of another type', { type: 'application/gzip' }, 415, 'vnd.redhat.hccm'],
    ['with a path in the file name', { name: '../../etc/passwd' }, 400, 'contains a path'],
    ['with a Windows path in the file name', { name: 'C:\\a.tar.gz' }, 400, 'contains a path'],
    ['in another field', { field: 'archive' }, 400, 'named file or upload, found "archive"'],
  ])('%s', async (_name, part, status, sentence) => {
    await expectRefused(await upload(http.url, bearer, archiveForm(archive, part)), status, sentence);
  });

  test('with two archives', async () => {
    const form = archiveForm(archive);
    const type = 'application/vnd.redhat.hccm.tar+tgz';
    form.append('file', new Blob([new Uint8Array(archive)], { type }), 'second.tar.gz');
    await expectRefused(await upload(http.url, bearer, form), 400, 'another one named "file"');
  });

  test('without an archive', async () => {
    const form = new FormData();
    form.append('metadata', '{}');
    await expectRefused(await upload(http.url, bearer, form), 400, 'a part named file or upload');
    const json = { ...bearer, 'content-type': 'application/json' };
    await expectRefused(await upload(http.url, json, '{}'), 415, 'multipart/form-data');
    await expectRefused(await upload(http.url, json, '{'), 400, 'JSON');
    const multipart = { ...bearer, 'content-type': 'multipart/form-data; boundary=x' };
    await expectRefused(await upload(http.url, multipart, 'no multipart at all'), 400, '');
    const unnamed = { ...bearer, 'content-type': 'multipart/form-data' };
    await expectRefused(await upload(http.url, unnamed, 'no boundary'), 400, '');
  });

  test('that ends early', async () => {
    const boundary = 'b';
    const body =
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.tar.gz"\r\n` +
      'content-type: application/vnd.redhat.hccm.tar+tgz\r\n\r\nhalf an archive';
    const headers = { ...bearer, 'content-type': `multipart/form-data; boundary=${boundary}` };
    await expectRefused(await upload(http.url, headers, body), 400, '');
  });

  test('with metadata before and after the archive is accepted', async () => {
    const form = new FormData();
    form.append('metadata', '{"a": 1}');
    for (const [name, value] of archiveForm(archive)) form.append(name, value);
    form.append('metadata', '{}');
    expect((await upload(http.url, bearer, form)).status).toBe(202);
  });
});

test('the connection test needs a login and keeps nothing', async () => {
  const json = { 'content-type': 'application/json' };
  const test = '{"test":"test"}';
  await expectRefused(await upload(http.url, json, test), 401, 'no credentials');
  expect((await upload(http.url, { ...bearer, ...json }, test)).status).toBe(200);
  const form = { ...bearer, 'content-type': 'application/x-www-form-urlencoded' };
  expect((await upload(http.url, form, 'test=test')).status).toBe(200);
  await expectNothingKept();
});
