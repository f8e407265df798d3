import { CreateBucketCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, expect, test } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { createArchiveFolder } from '../../support/archives.ts';
import { podPayload } from './ingress.ts';
import { createListening } from './listening.ts';
import type { Listening } from './listening.ts';

const rosTopic = 'hccm.ros.events';
let listening: Listening;
let client: S3Client;
let settings: Record<string, string>;

beforeAll(async () => {
  // Ends, after that, what cannot be forwarded.
  listening = await createListening({ OCP_ACTIVITY_TRANSFER_TIMEOUT: '20s' });
  const { s3, kafka, pipeline } = listening;
  process.env['AWS_ACCESS_KEY_ID'] = s3.accessKey;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretKey;
  client = new S3Client({ endpoint: s3.endpoint, forcePathStyle: true, region: 'us-east-1' });
  atEnd(() => {
    client.destroy();
  });
  await client.send(new CreateBucketCommand({ Bucket: 'ros-data' }));
  await kafka.createTopic(rosTopic, 1);
  // As an existing installation names them.
  settings = { REQUESTED_ROS_BUCKET: 'ros-data', S3_ENDPOINT: s3.endpoint, S3_REGION: 'us-east-1' };
  await pipeline.restartWorkers(settings);
});

/** What was announced to the receiver of the files. */
async function announced(): Promise<Record<string, unknown>[]> {
  return (await listening.kafka.read(rosTopic)).map((text) => JSON.parse(text) as Record<string, unknown>);
}

test('files of an announced payload are stored and announced, with the identity of its sender', async () => {
  const { pipeline, ingress, startListener } = listening;
  const { orgId, pool, schema } = pipeline.database;
  const sourceUuid = await pipeline.addSource('ros');
  const listener = await startListener(settings);
  const url = await ingress.store('ros-1', await podPayload('ros', 2, ['ros-a.csv', 'ros-b.csv']));
  await ingress.announce({
    request_id: 'ros-1',
    org_id: orgId,
    account: '10001',
    b64_identity: 'c2VuZGVy',
    url,
  });
  await listener.hasSaid('ros-1');
  const handle = pipeline.client.workflow.getHandle(`manifest:${orgId}:ros-1`);
  expect(await handle.result()).toMatchObject({ outcome: 'completed', rowCount: 2 });
  const [message, ...more] = await announced();
  expect(more).toEqual([]);
  // The tests' now is 5 November 2026.
  const keys = ['ros-a.csv', 'ros-b.csv'].map(
    (name) => `${schema}/source=${sourceUuid}/date=2026-11-05/${name}`,
  );
  const { rows } = await pool.query<{ id: string }>('select source_id::text as id from public.api_sources');
  expect(message).toEqual({
    request_id: 'ros-1',
    b64_identity: 'c2VuZGVy',
    metadata: {
      account: '10001',
      org_id: orgId,
      source_id: rows[0]?.id,
      provider_uuid: sourceUuid,
      cluster_uuid: 'ros',
      operator_version: '0a1b2c3d',
      cluster_alias: 'ros',
    },
    files: [expect.stringContaining('X-Amz-Expires=172800'), expect.stringContaining('X-Amz-Expires=172800')],
    object_keys: keys,
  });
  const [file = ''] = message?.['files'] as string[];
  expect(await (await fetch(file)).text()).toBe('container_name\nweb\n');
  const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: 'ros-data', Key: keys[0] }));
  const manifest = await pool.query<{ uuid: string }>(
    `select manifest ->> 'uuid' as uuid from public.payload_inbox where request_id = 'ros-1'`,
  );
  expect(Metadata).toEqual({ manifestid: manifest.rows[0]?.uuid });
  const identity = await pool.query('select b64_identity from public.payload_announcement');
  expect(identity.rows).toEqual([{ b64_identity: null }]);
});

test('a payload that no message announced has the identity of its organisation; one without files says nothing', async () => {
  const { pipeline } = listening;
  await pipeline.addSource('ros-file');
  const folder = await createArchiveFolder();
  const before = (await announced()).length;
  await pipeline.ingest(await folder.write(await podPayload('ros-file', 1)));
  expect(await announced()).toHaveLength(before);
  await pipeline.ingest(await folder.write(await podPayload('ros-file', 3, ['ros-c.csv'])));
  const message = (await announced())[before];
  const { orgId } = pipeline.database;
  expect(JSON.parse(Buffer.from(String(message?.['b64_identity']), 'base64').toString())).toEqual({
    identity: { account_number: '', org_id: orgId, type: 'System', internal: { org_id: orgId } },
  });
});

test('a bucket that does not exist stops nothing: the run ends, and without the files', async () => {
  const { pipeline } = listening;
  await pipeline.restartWorkers({ ...settings, REQUESTED_ROS_BUCKET: 'no-such-bucket' });
  await pipeline.addSource('ros-trouble');
  const folder = await createArchiveFolder();
  const before = (await announced()).length;
  const result = await pipeline.ingest(await folder.write(await podPayload('ros-trouble', 4, ['ros-d.csv'])));
  expect(result).toMatchObject({ outcome: 'completed', rowCount: 4, warnings: [] });
  expect(await announced()).toHaveLength(before);
});
