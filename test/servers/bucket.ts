import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { atEnd } from '../support/at-end.ts';
import { startVersitygw } from './versitygw.ts';
import type { Versitygw } from './versitygw.ts';

/** An S3 server with a bucket. */
export interface Bucket {
  server: Versitygw;
  /** a client of the test's own */
  client: S3Client;
  /** as the AWS SDK finds them in the environment, here and in processes that get them */
  credentials: Record<string, string>;
}

/** Start an S3 server with a bucket until the tests of the file have ended. */
export async function startBucket(name: string): Promise<Bucket> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-s3-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const server = await startVersitygw(directory);
  atEnd(() => server.stop());
  const credentials = {
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
    AWS_REGION: 'us-east-1',
  };
  Object.assign(process.env, credentials);
  const client = new S3Client({ endpoint: server.endpoint, forcePathStyle: true });
  atEnd(() => {
    client.destroy();
  });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return { server, client, credentials };
}
