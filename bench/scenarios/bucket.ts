import { randomBytes } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { stopProcess } from '../../dev-stack/process-identity.ts';
import { startServerProcess } from '../../dev-stack/server-process.ts';
import type { BenchServers } from '../servers.ts';

/** A bucket on an S3 server of its own. */
interface Bucket {
  /** settings of a process that keeps its objects there */
  environment: Record<string, string>;
  stop(): Promise<void>;
}

const bucketName = 'bench';

/**
 * Start versitygw with an empty bucket.
 * @returns undefined if it is not installed (test/servers/install.sh does that)
 */
export async function startBucket(
  { track }: Pick<BenchServers, 'track'>,
  directory: string,
): Promise<Bucket | undefined> {
  const { XDG_CACHE_HOME: cache = '' } = process.env;
  const program = join(isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'ocp-pipeline', 'versitygw');
  const isInstalled = await access(program).then(
    () => true,
    () => false,
  );
  if (!isInstalled) return undefined;
  const buckets = join(directory, 'buckets');
  await mkdir(buckets, { recursive: true });
  const accessKeyId = randomBytes(10).toString('hex');
  const secretAccessKey = randomBytes(20).toString('hex');
  const { endpoint, identity } = await startOnFreePorts([0], async ([port = 0]) => {
    const address = `127.0.0.1:${port}`;
    const server = await startServerProcess({
      name: 'versitygw',
      command: program,
      args: ['--port', address, '--region', 'us-east-1', '--health', '/health', '--quiet', 'posix', buckets],
      workingDirectory: directory,
      environment: { ...process.env, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
      logFile: join(directory, 'versitygw.log'),
    });
    await track(server.identity);
    await server.waitUntil(
      () =>
        fetch(`http://${address}/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
      30_000,
    );
    return { endpoint: `http://${address}`, identity: server.identity };
  });
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucketName }));
  client.destroy();
  return {
    environment: {
      OBJECT_STORE: `s3://${bucketName}`,
      S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: 'us-east-1',
    },
    stop: () => stopProcess(identity, 'versitygw', [{ signal: 'SIGKILL', graceMs: 5_000 }]),
  };
}
