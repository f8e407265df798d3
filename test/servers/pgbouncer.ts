import { chmod, chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { choosePostgresAccount } from '../../dev-stack/postgres-account.ts';
import { cacheDirectory, controlServer, requireProgram } from './server-control.ts';

/** A running pooler in front of one database. */
export interface Pgbouncer {
  /** URL of the database through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Start pgbouncer in transaction mode on a free loopback port, in front of the database that `url` names. It has few
 * server connections, so that clients take turns on them.
 *
 * @throws Error that says how to get pgbouncer when it is not installed
 */
export async function startPgbouncer(url: string, serverConnections: number): Promise<Pgbouncer> {
  await requireProgram(join(cacheDirectory(), 'pgbouncer', 'pgbouncer'));
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pgbouncer-'));
  await chmod(directory, 0o755);
  // It refuses root, and the account that it runs as instead may not enter root's cache.
  const binaries = join(directory, 'bin');
  await cp(join(cacheDirectory(), 'pgbouncer'), binaries, { recursive: true, verbatimSymlinks: true });
  const account = await choosePostgresAccount(join(directory, 'data'), () => undefined);
  const { hostname, port: serverPort, username, password, pathname } = new URL(url);
  const users = join(directory, 'users.txt');
  await writeFile(users, `"${username}" "${password}"\n`, { mode: 0o600 });
  return startOnFreePorts([0], async ([port = 0]) => {
    const file = join(directory, 'pgbouncer.ini');
    await writeFile(
      file,
      `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${serverConnections}
max_client_conn = 500
query_wait_timeout = 60
`,
    );
    if (account !== undefined)
      for (const path of [directory, users, file]) await chown(path, account.uid, account.gid);
    const pooled = new URL(url);
    pooled.host = `127.0.0.1:${port}`;
    pooled.pathname = pathname;
    const control = controlServer(
      {
        name: 'pgbouncer',
        command: join(binaries, 'pgbouncer'),
        args: [file],
        workingDirectory: directory,
        environment: { PATH: process.env['PATH'], LD_LIBRARY_PATH: binaries },
        logFile: join(directory, 'pgbouncer.log'),
        account,
      },
      () => answers(pooled.href),
      'SIGINT',
    );
    await control.start();
    return {
      url: pooled.href,
      stop: async () => {
        await control.stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  });
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
