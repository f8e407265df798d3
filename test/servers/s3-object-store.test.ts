import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ObjectStoreError, checkObjectStore, openObjectStore } from '../../platform/object-store/index.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { bodyOf, mebibyte, stallingBody } from '../platform/object-store/bodies.ts';
import { collect, describeObjectStore } from '../platform/object-store/contract.ts';
import { startVersitygw } from './versitygw.ts';
import type { Versitygw } from './versitygw.ts';

const bucket = 'payloads';
const bigByteCount = 20 * mebibyte;
let directory = '';
let server: Versitygw;
let client: S3Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocp-versitygw-'));
  server = await startVersitygw(directory);
  // As in production: the AWS SDK finds its credentials in the environment.
  process.env['AWS_ACCESS_KEY_ID'] = server.accessKey;
  process.env['AWS_SECRET_ACCESS_KEY'] = server.secretKey;
  process.env['AWS_REGION'] = 'us-east-1';
  client = new S3Client({ endpoint: server.endpoint, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(async () => {
  client.destroy();
  await server.stop();
  await rm(directory, { recursive: true });
});

const openBucket = (url = `s3://${bucket}`): ObjectStore =>
  openObjectStore({ url, s3: { endpoint: server.endpoint } });

async function unfinishedUploads(): Promise<string[]> {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return (Uploads ?? []).map(({ Key }) => Key ?? '');
}

for (const url of [`s3://${bucket}`, `s3://${bucket}/koku/ocp é`])
  describeObjectStore(url, () =>
    Promise.resolve({
      store: openBucket(url),
      leftovers: unfinishedUploads,
      close: () => Promise.resolve(),
    }),
  );

test('a prefix hides the rest of the bucket, and other writers find the objects below it', async () => {
  await openBucket(`s3://${bucket}/one`).put('a/b', Buffer.from('x'));
  await openBucket(`s3://${bucket}/one-more`).put('c', Buffer.from('x'));
  const found = await collect(openBucket(`s3://${bucket}/one`), '');
  expect(found.map(({ key }) => key)).toEqual(['a/b']);
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'one/a/b' }));
  expect(head.ContentLength).toBe(1);
});

test('objects that cannot be named as keys, such as a console’s folder markers, are not listed', async () => {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'markers/folder/', Body: Buffer.alloc(0) }));
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'markers/object', Body: 'x' }));
  const found = await collect(openBucket(`s3://${bucket}/markers`), '');
  expect(found.map(({ key }) => key)).toEqual(['object']);
});

test.each([
  ['a small body in one request', 1000, false],
  ['a big body in parts', bigByteCount, true],
])('%s, with its metadata', async (_, byteCount, hasParts) => {
  await openBucket().put('with-metadata', bodyOf('m', byteCount), { metadata: { manifestid: '42' } });
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'with-metadata' }));
  expect(head.Metadata).toEqual({ manifestid: '42' });
  // The entity tag of an object that was put together from parts ends in "-<number of parts>".
  expect(head.ETag?.includes('-')).toBe(hasParts);
});

describe('when things go wrong', () => {
  const failureOf = async (work: Promise<unknown>): Promise<Error> => {
    const failure = await work.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ObjectStoreError);
    return failure as Error;
  };

  afterEach(async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = server.secretKey;
    await server.stop();
    await server.start();
  });

  test('a missing bucket is named, and is not taken for a missing object', async () => {
    const store = openBucket('s3://no-such-bucket/p');
    for (const attempt of [
      () => store.get('a'),
      () => store.put('a', Buffer.from('a')),
      () => store.assertUsable(),
      () => collect(store, ''),
    ]) {
      const { message } = await failureOf(attempt());
      expect(message).toContain(`s3://no-such-bucket/p at ${server.endpoint}`);
      expect(message).toContain('NoSuchBucket, HTTP 404); create the bucket');
    }
  });

  test('wrong credentials are reported without repeating them', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'not-the-secret';
    const result = await checkObjectStore(openBucket());
    expect(result).toMatchObject({ ok: false, failedStep: 'write' });
    expect(result.ok ? '' : result.message).toContain(
      'SignatureDoesNotMatch, HTTP 403); check AWS_ACCESS_KEY_ID',
    );
    // Everything a logger could find in it; the S3 client's own errors hold the request with its signature.
    const everything = inspect(result, { depth: Infinity, showHidden: true });
    expect(everything).toContain('[cause]');
    for (const secret of ['not-the-secret', server.secretKey, server.accessKey, 'AWS4-HMAC-SHA256'])
      expect(everything).not.toContain(secret);
  });

  test('a key below an object is refused with the reason', async () => {
    const store = openBucket();
    await store.put('tree/a', Buffer.from('a'));
    const { message } = await failureOf(store.put('tree/a/b', Buffer.from('b')));
    expect(message).toContain('a part of this key is itself an object');
  });

  test('a server that is down is an error that says so, and works again when it is back', async () => {
    const store = openBucket();
    await store.put('survivor', Buffer.from('still here'));
    await server.stop();
    const { message } = await failureOf(store.head('survivor'));
    expect(message).toContain(
      `at ${server.endpoint}: looking for survivor failed (ECONNREFUSED); check S3_ENDPOINT`,
    );
    expect(await checkObjectStore(store)).toMatchObject({ ok: false, failedStep: 'write' });
    await server.start();
    expect(await store.head('survivor')).toEqual({ byteCount: 10 });
  });

  test('a connection that breaks during a read fails the stream instead of ending it early', async () => {
    const store = openBucket();
    await store.put('long', bodyOf('l', 64 * mebibyte));
    const stream = await store.get('long');
    const reading = (async () => {
      let seen = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        if (seen === 0) await server.kill();
        seen += chunk.length;
      }
    })();
    const { message } = await failureOf(reading);
    expect(message).toContain('reading long failed');
  });

  test('a server that dies during an upload fails it and the old object survives', async () => {
    const store = openBucket();
    await store.put('kept', Buffer.from('old'));
    const { body, reached } = stallingBody('k', bigByteCount);
    const uploading = failureOf(store.put('kept', body));
    await reached;
    await server.kill();
    body.push(Buffer.alloc(bigByteCount, 'k'));
    body.push(null);
    const { message } = await uploading;
    expect(message).toContain('writing kept failed');
    expect(body.destroyed).toBe(true);
    await server.start();
    expect(await store.head('kept')).toEqual({ byteCount: 3 });
  });

  test('an abort does not wait for a server that has stopped answering', async () => {
    const store = openBucket();
    await store.put('stuck', Buffer.from('old'));
    server.pause();
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const uploading = store.put('stuck', bodyOf('s', 1000), { signal: controller.signal });
    const settled = expect(uploading).rejects.toBe(reason);
    controller.abort(reason);
    await settled;
    server.resume();
    expect(await store.head('stuck')).toEqual({ byteCount: 3 });
  });
});
