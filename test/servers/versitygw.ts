import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { cacheDirectory, controlServer, requireProgram } from './server-control.ts';
import type { ServerControl } from './server-control.ts';

/** A running S3 server. */
export interface Versitygw extends ServerControl {
  /** `http://127.0.0.1:port`; stays the same after `stop` and `start`. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * Start the S3 server versitygw on a free loopback port, region us-east-1, and wait until it answers.
 *
 * @param directory holds the buckets, one folder each, and the server's log; created when absent
 * @throws Error that says how to get versitygw when it is not installed
 */
export async function startVersitygw(directory: string): Promise<Versitygw> {
  const program = await requireProgram(join(cacheDirectory(), 'versitygw'));
  const buckets = join(directory, 'buckets');
  await mkdir(buckets, { recursive: true });
  const accessKey = randomBytes(10).toString('hex');
  const secretKey = randomBytes(20).toString('hex');
  return startOnFreePorts([0], async ([port = 0]) => {
    const endpoint = `http://127.0.0.1:${port}`;
    const address = `127.0.0.1:${port}`;
    const command = {
      name: 'versitygw',
      command: program,
      args: ['--port', address, '--region', 'us-east-1', '--health', '/health', '--quiet', 'posix', buckets],
      workingDirectory: directory,
      environment: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
      logFile: join(directory, 'versitygw.log'),
    };
    const control = controlServer(command, () => answers(`${endpoint}/health`), 'SIGTERM');
    await control.start();
    return { endpoint, accessKey, secretKey, ...control };
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}
