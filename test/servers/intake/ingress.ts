import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { buildPayload } from '../../support/payload-builder.ts';
import { packPayload } from '../../support/archives.ts';
import { atEnd } from '../../support/at-end.ts';
import type { KafkaServer } from '../kafka.ts';
import type { Versitygw } from '../versitygw.ts';

/** Topics of a test. */
export const announceTopic = 'platform.upload.announce';
export const answerTopic = 'platform.upload.validation';

const bucket = 'ingress';

/** What the ingress of an installation does: stores an archive and announces it with a presigned address. */
export interface Ingress {
  /** Store bytes. @returns a presigned address of the object */
  store: (name: string, bytes: Buffer) => Promise<string>;
  /** A presigned address of an object that does not exist. */
  missing: () => Promise<string>;
  /** Send a message as an ingress does. */
  announce: (body: Record<string, unknown> | string, service?: string) => Promise<void>;
}

/** Create it on an S3 server and a broker. */
export async function createIngress(s3: Versitygw, kafka: KafkaServer): Promise<Ingress> {
  const client = new S3Client({
    endpoint: s3.endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
  });
  atEnd(() => client.destroy());
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const signed = (key: string) =>
    getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: 600 });
  return {
    store: async (name, bytes) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes }));
      return signed(name);
    },
    missing: () => signed(randomUUID()),
    announce: (body, service = 'hccm') =>
      kafka.send(announceTopic, {
        // No key in common: messages spread over the partitions.
        key: randomUUID(),
        value: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { service },
      }),
  };
}

/** A payload with one pod for some hours of 1 October 2026, packed. @param ros names of resource-optimisation files */
export async function podPayload(
  clusterId: string,
  hours: number,
  ros: readonly string[] = [],
): Promise<Buffer> {
  const pod_usage = Array.from({ length: hours }, (_, hour) => ({
    hour: `2026-10-01 ${String(hour).padStart(2, '0')}:00`,
    namespace: 'shop',
    pod: 'web',
    node: 'node-1',
    pod_usage_cpu_core_seconds: 3_600,
    pod_request_cpu_core_seconds: 3_600,
    node_capacity_cpu_cores: 4,
    node_capacity_cpu_core_seconds: 14_400,
  }));
  const { manifest, files } = buildPayload({ pod_usage }, { clusterId });
  return packPayload({
    manifest: { ...manifest, resource_optimization_files: ros },
    files: new Map([...files, ...ros.map((name) => [name, 'container_name\nweb\n'] as const)]),
  });
}
