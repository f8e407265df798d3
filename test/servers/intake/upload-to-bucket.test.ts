import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { buffer } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { createToken } from '../../../platform/tenants/credentials.ts';
import { anotherManifest, createArchiveFolder, readPayload } from '../../support/archives.ts';
import { archiveForm, serveHttp, upload } from '../../support/http-app.ts';
import type { TestHttp } from '../../support/http-app.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { startBucket } from '../bucket.ts';
import type { Versitygw } from '../versitygw.ts';

let s3: Versitygw;
let client: S3Client;
let pipeline: TestPipeline;
let http: TestHttp;
let bearer: Record<string, string>;

beforeAll(async () => {
  ({ server: s3, client } = await startBucket('archive'));
  pipeline = await createTestPipeline({ OBJECT_STORE: 's3://archive', S3_ENDPOINT: s3.endpoint });
  http = await serveHttp(pipeline);
  const { orgId, pool } = pipeline.database;
  bearer = { authorization: `Bearer ${(await createToken(pool, { orgId })).secret}` };
  await pipeline.addSource('uploading');
});

/** An archive of a payload, whose file for resource optimisation is that many bytes of noise. */
async function archiveWith(noiseBytes: number): Promise<Buffer> {
  const payload = anotherManifest(await readPayload('nise-small'), {
    cluster_id: 'uploading',
    resource_optimization_files: ['noise.csv'],
  });
  const files = new Map([...payload.files, ['noise.csv', randomBytes(noiseBytes / 2).toString('hex')]]);
  const folder = await createArchiveFolder();
  return readFile(await folder.pack({ ...payload, files }));
}

const send = (archive: Buffer) => upload(http.url, bearer, archiveForm(archive));

async function archivedCount(): Promise<number> {
  const { rowCount } = await pipeline.database.pool.query('select from public.payload_inbox');
  return rowCount ?? NaN;
}

test('an upload goes in parts into the bucket, byte for byte, and through the workflow', async () => {
  // Hexadecimal digits are packed to half: more than one part of 5 MiB.
  const archive = await archiveWith(16_000_000);
  expect(archive.length).toBeGreaterThan(5 * 1024 * 1024);
  const answer = await send(archive);
  expect(answer.status).toBe(202);
  const { request_id: requestId } = (await answer.json()) as { request_id: string };
  const { orgId } = pipeline.database;
  const result: unknown = await pipeline.client.workflow.getHandle(`manifest:${orgId}:${requestId}`).result();
  expect(result).toMatchObject({ outcome: 'completed', daysSummarised: 3 });
  const { rows } = await pipeline.database.pool.query<{ object_key: string }>(
    'select object_key from public.payload_inbox where request_id = $1',
    [requestId],
  );
  const stored = await buffer(await pipeline.objectStore.get(rows[0]?.object_key ?? ''));
  expect(stored.equals(archive)).toBe(true);
});

test('a bucket that is away refuses uploads, and takes them when it is back', async () => {
  const archive = await archiveWith(2_000);
  const before = await archivedCount();
  await s3.stop();
  const refused = await send(archive);
  expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
  expect(await archivedCount()).toBe(before);
  await s3.start();
  expect((await send(archive)).status).toBe(202);
  expect(await archivedCount()).toBe(before + 1);
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'archive' }));
  expect(Uploads).toEqual([]);
});
