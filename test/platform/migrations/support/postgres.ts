import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { postgresUrl, startPostgres, stopPostgres } from '../../../../dev-stack/postgres-server.ts';

/** A throw-away PostgreSQL server that hands out fresh databases. */
export interface TestPostgres {
  /** Create an empty database and return its URL. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Start a throw-away PostgreSQL on a free loopback port, or use the one that `TEST_POSTGRES_URL` names (a superuser
 * URL).
 *
 * @throws Error that holds the server's own messages when it does not start
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const given = process.env['TEST_POSTGRES_URL'];
  const server = given === undefined ? await startEmbedded() : { url: given, stop: () => Promise.resolve() };
  const databases: string[] = [];
  return {
    createDatabase: async () => {
      const name = `migrations_${process.pid}_${databases.length}`;
      await execute(server.url, `create database ${name}`);
      databases.push(name);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    stop: async () => {
      if (given !== undefined)
        for (const name of databases)
          await execute(server.url, `drop database if exists ${name} with (force)`);
      await server.stop();
    },
  };
}

/** Run one SQL text on a connection of its own. @returns the rows of its only statement */
export async function execute<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  return withClient(url, async (client) => (await client.query<Row>(text, values)).rows);
}

/** A login role without any right, and the URL of the database for it. */
export async function createRole(url: string, prefix: string): Promise<{ name: string; url: string }> {
  const name = `${prefix}_${process.pid}`;
  await execute(url, `create role ${name} login password 'throw-away'`);
  const asRole = new URL(url);
  asRole.username = name;
  asRole.password = 'throw-away';
  return { name, url: asRole.href };
}

/** Lend a connection to `work` and close it afterwards. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function startEmbedded(): Promise<{ url: string; stop: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-migrations-'));
  // as root the server runs as another user, who must be able to enter
  await chmod(directory, 0o755);
  const password = 'throwaway';
  const server = await startPostgres({
    directory: join(directory, 'data'),
    logFile: join(directory, 'postgres.log'),
    password,
    wantedPort: 0,
    settings: { fsync: 'off', max_connections: '100' },
    environment: process.env,
    say: () => undefined,
  });
  const endWithProcess = (): void => {
    try {
      process.kill(server.pid, 'SIGQUIT');
    } catch {
      // It has ended already.
    }
  };
  process.once('exit', endWithProcess);
  return {
    url: postgresUrl(server.port, password, 'postgres'),
    stop: async () => {
      await stopPostgres(server);
      process.off('exit', endWithProcess);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
