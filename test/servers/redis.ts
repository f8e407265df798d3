import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { cacheDirectory, controlServer, requireProgram } from './server-control.ts';
import type { ServerControl } from './server-control.ts';

/** A running Redis, which Valkey descends from. */
export interface RedisServer extends ServerControl {
  readonly port: number;
  readonly password: string;
  /** A client of a database; the caller disconnects it. */
  client: (database: number) => Redis;
}

/** Start it on a free loopback port, with a password, in memory. @param directory of its log; created when absent */
export async function startRedis(directory: string): Promise<RedisServer> {
  const folder = join(cacheDirectory(), 'redis');
  const program = await requireProgram(join(folder, 'redis-server'));
  await mkdir(directory, { recursive: true });
  const password = randomBytes(12).toString('hex');
  return startOnFreePorts([0], async ([port = 0]) => {
    const client = (database: number) =>
      new Redis({ port, password, db: database, lazyConnect: true, retryStrategy: () => null }).on(
        'error',
        () => undefined, // its commands fail
      );
    const command = {
      name: 'redis-server',
      command: program,
      args: ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', password, '--save', ''],
      workingDirectory: directory,
      environment: { ...process.env, LD_LIBRARY_PATH: folder },
      logFile: join(directory, 'redis.log'),
    };
    const answers = async () => {
      const asking = client(0);
      try {
        await asking.ping();
        return true;
      } catch {
        return false;
      } finally {
        asking.disconnect();
      }
    };
    const control = controlServer(command, answers, 'SIGTERM');
    await control.start();
    return { port, password, client, ...control };
  });
}
