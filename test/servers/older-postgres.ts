import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { choosePostgresAccount } from '../../dev-stack/postgres-account.ts';
import type { Account } from '../../dev-stack/postgres-account.ts';
import { cacheDirectory, controlServer, requireProgram } from './server-control.ts';
import type { ServerControl } from './server-control.ts';

const run = promisify(execFile);
/**
 * Debian has the oldest supported version; the others are the embedded binaries, which install.sh puts into the cache.
 */
const installed = (version: PostgresVersion): string =>
  version === 15 ? '/usr/lib/postgresql/15' : join(cacheDirectory(), `postgresql-${version}`);
const superuser = 'postgres';

/** Versions that are tested beside the embedded stack's own. */
export type PostgresVersion = 15 | 16 | 17;

/** A running PostgreSQL of one of these versions. */
export interface OlderPostgres extends ServerControl {
  /** Superuser URL of database `postgres`. */
  readonly url: string;
  /** End it and remove its data. */
  stop(): Promise<void>;
}

/**
 * Start a throw-away PostgreSQL on a free loopback port; as user postgres when this is root, because PostgreSQL refuses
 * to run as root.
 *
 * @throws Error that says how to get it when it is not installed
 */
export async function startOlderPostgres(version: PostgresVersion): Promise<OlderPostgres> {
  await requireProgram(join(installed(version), 'bin', 'postgres'));
  const directory = await mkdtemp(join(tmpdir(), `ocp-postgres${version}-`));
  await chmod(directory, 0o755);
  // The account that it runs as may not enter root's cache.
  const programs = version === 15 ? installed(version) : join(directory, 'programs');
  if (version !== 15) await cp(installed(version), programs, { recursive: true, verbatimSymlinks: true });
  const initdb = join(programs, 'bin', 'initdb');
  const server = join(programs, 'bin', 'postgres');
  const data = join(directory, 'data');
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const account = await choosePostgresAccount(data, () => undefined);
    const password = await createCluster(initdb, directory, data, account);
    return await startOnFreePorts([0], async ([port = 0]) => {
      const url = `postgresql://${superuser}:${password}@127.0.0.1:${port}/postgres`;
      const settings = [
        `port=${port}`,
        'listen_addresses=127.0.0.1',
        'unix_socket_directories=',
        'max_connections=200',
        // The data are thrown away.
        'fsync=off',
        'full_page_writes=off',
        'synchronous_commit=off',
      ];
      const command = {
        name: `PostgreSQL ${version}`,
        command: server,
        args: ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
        workingDirectory: directory,
        environment: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
        logFile: join(directory, 'postgres.log'),
        account,
      };
      // SIGINT: end the sessions and shut down, without waiting for clients that stay connected.
      const control = controlServer(command, () => answers(url), 'SIGINT');
      await control.start();
      const stop = async (): Promise<void> => {
        await control.stop();
        await remove();
      };
      return { url, ...control, stop };
    });
  } catch (error) {
    await remove();
    throw error;
  }
}

/** @returns the superuser's password */
async function createCluster(
  initdb: string,
  directory: string,
  data: string,
  account: Account | undefined,
): Promise<string> {
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account !== undefined)
    for (const path of [directory, passwordFile]) await chown(path, account.uid, account.gid);
  const options = ['--username', superuser, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
  await run(initdb, ['-D', data, ...options, '--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'], {
    cwd: directory,
    ...account,
  });
  await rm(passwordFile);
  return password;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
