import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { startOnFreePorts } from './ports.ts';
import { choosePostgresAccount, requireReachable } from './postgres-account.ts';
import type { Account } from './postgres-account.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { commandLineOf, identifyProcess, isErrno, stopProcess } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { ServerEnded, startServerProcess, withoutVariables } from './server-process.ts';

const run = promisify(execFile);
const superuser = 'postgres';
const startTimeoutMs = 60_000;
const connectTimeoutMs = 3_000;
const crashPatienceMs = 10_000;
const crashRetryMs = 250;

/** A running PostgreSQL on 127.0.0.1. */
export interface PostgresServer extends ProcessIdentity {
  port: number;
}

/** Where a cluster lives and how to run it. */
export interface PostgresCluster {
  /** Absolute path of the data directory; initialised if it does not exist. Its parent must exist. */
  directory: string;
  logFile: string;
  /** Password of user `postgres`; letters and digits only. */
  password: string;
  /** Preferred port; another free one is used if it is taken. 0 for any. */
  wantedPort: number;
  /** Server settings besides the fixed ones, such as `max_connections`. */
  settings: Readonly<Record<string, string>>;
  environment: NodeJS.ProcessEnv;
  say: (line: string) => void;
}

/**
 * Start PostgreSQL on a cluster, initialising the cluster first if it does not exist.
 *
 * UTF-8 with code-point collation, independent of the installed locales; loopback TCP only, no socket in /tmp. The
 * caller ensures that nobody else starts the same cluster concurrently.
 *
 * @throws PipelineError `EmbeddedServerFailed` with the server's last log lines if it does not start
 */
export async function startPostgres(cluster: PostgresCluster): Promise<PostgresServer> {
  const binaries = await findPostgresBinaries();
  const account = await choosePostgresAccount(cluster.directory, cluster.say);
  if (account !== undefined) {
    await requireReachable(account, dirname(cluster.directory), binaries.postgres);
  }
  if (!existsSync(join(cluster.directory, 'PG_VERSION'))) {
    cluster.say(`initialising PostgreSQL in ${cluster.directory}`);
    await initialise(cluster, binaries.initdb, account);
  }
  const afterCrash = await forgetEndedServer(cluster.directory);
  const patienceEndsAt = Date.now() + (afterCrash ? crashPatienceMs : 0);
  for (;;) {
    try {
      return await startOnFreePorts(
        [cluster.wantedPort],
        ([port = 0]) => startOnPort(cluster, binaries.postgres, account, port),
        lostPort,
      );
    } catch (error) {
      // Sessions of a killed server take a moment to notice, and hold its shared memory until then.
      if (Date.now() > patienceEndsAt) {
        throw error;
      }
      await delay(crashRetryMs);
    }
  }
}

/** Another process had the port, and may have released it since. */
function lostPort(error: unknown): boolean {
  return error instanceof ServerEnded && error.message.includes('could not create any TCP/IP sockets');
}

async function startOnPort(
  cluster: PostgresCluster,
  postgres: string,
  account: Account | undefined,
  port: number,
): Promise<PostgresServer> {
  const server = await startServerProcess({
    name: 'PostgreSQL',
    command: postgres,
    args: ['-D', cluster.directory, '-p', String(port), ...settingArguments(cluster.settings)],
    workingDirectory: '/',
    environment: withoutVariables(cluster.environment, 'PG'),
    logFile: cluster.logFile,
    account,
  });
  try {
    await server.waitUntil(() => isReady(cluster.directory, server.identity.pid), startTimeoutMs);
  } catch (error) {
    await stopPostgres({ ...server.identity, port });
    throw error;
  }
  return { ...server.identity, port };
}

/**
 * Find the server that runs on a cluster, whoever started it. The cluster's pid file is trusted only if that process's
 * command line contains the cluster, because pids are reused.
 */
export async function findPostgres(directory: string): Promise<PostgresServer | undefined> {
  const lines = await readPidFile(directory);
  const port = Number(lines[3]);
  const identity = await serverOf(lines, directory);
  return identity !== undefined && isPositive(port) ? { ...identity, port } : undefined;
}

/** Whether the server accepts our password and answers a query within a few seconds. */
export async function answersPostgres(server: PostgresServer, password: string): Promise<boolean> {
  try {
    await withClient(postgresUrl(server.port, password, 'postgres'), (client) => client.query('select 1'));
    return true;
  } catch {
    return false;
  }
}

/** Create a database unless it exists. */
export async function ensureDatabase(server: PostgresServer, password: string, name: string): Promise<void> {
  await withClient(postgresUrl(server.port, password, 'postgres'), async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) {
      await client.query(`create database ${client.escapeIdentifier(name)}`);
    }
  });
}

/**
 * Stop a server: open transactions are rolled back; if that takes long, stop immediately, with recovery at the next
 * start.
 */
export async function stopPostgres(server: PostgresServer): Promise<void> {
  await stopProcess(server, 'PostgreSQL', [
    { signal: 'SIGINT', graceMs: 20_000 },
    { signal: 'SIGQUIT', graceMs: 10_000 },
  ]);
}

/** Connection URL of one database on a loopback server. */
export function postgresUrl(port: number, password: string, database: string): string {
  return `postgresql://${superuser}:${password}@127.0.0.1:${port}/${database}`;
}

async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  // A server that goes away would otherwise end this process through an unhandled error event.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

/** Initialise next to the final place and move it there, so that an interrupted run leaves no incomplete cluster. */
async function initialise(
  cluster: PostgresCluster,
  initdb: string,
  account: Account | undefined,
): Promise<void> {
  const workshop = `${cluster.directory}.initialising`;
  const fresh = join(workshop, 'cluster');
  const passwordFile = join(workshop, 'password');
  await rm(workshop, { recursive: true, force: true });
  try {
    await mkdir(workshop, { mode: 0o700 });
    await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    if (account !== undefined) {
      await chown(workshop, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    const identity = [`--username=${superuser}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    const collation = [
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ];
    await run(initdb, [`--pgdata=${fresh}`, ...identity, ...collation], {
      ...account,
      cwd: '/',
      env: withoutVariables(cluster.environment, 'PG'),
    });
    await rename(fresh, cluster.directory);
  } catch (error) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      `PostgreSQL could not be initialised in ${cluster.directory}: ${String(error)}`,
      {
        cause: error,
      },
    );
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

function settingArguments(settings: Readonly<Record<string, string>>): string[] {
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC', ...settings };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function isReady(directory: string, pid: number): Promise<boolean> {
  const lines = await readPidFile(directory);
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

/**
 * Remove the pid file of a server that was killed. PostgreSQL would do so only if no process has that pid, but after a
 * restart of the machine or container another program may have it, and a killed process stays a zombie if its parent
 * does not reap it. PostgreSQL still refuses to start next to sessions of the old server: it finds their shared memory
 * by the directory.
 *
 * @returns whether there was such a file
 */
async function forgetEndedServer(directory: string): Promise<boolean> {
  const lines = await readPidFile(directory);
  if (lines.length === 0 || (await serverOf(lines, directory)) !== undefined) return false;
  await rm(join(directory, 'postmaster.pid'), { force: true });
  return true;
}

/** The process that a pid file names, when it runs on the cluster. */
async function serverOf(pidFile: readonly string[], directory: string): Promise<ProcessIdentity | undefined> {
  const pid = Number(pidFile[0]);
  const identity = isPositive(pid) ? await identifyProcess(pid) : undefined;
  const runsCluster = (await commandLineOf(pid)).includes(`-D ${directory} -p`);
  return runsCluster ? identity : undefined;
}

function isPositive(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

async function readPidFile(directory: string): Promise<string[]> {
  try {
    return (await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      return [];
    }
    throw error;
  }
}
