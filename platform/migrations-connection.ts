import pg from 'pg';
import type { Client } from 'pg';
import { SchemaError } from './schema-errors.ts';

/** What migrating reports while it works; a pino logger fits. */
export interface MigrationLog {
  info(fields: object, message: string): void;
}

/** The part of a pg client (or pool) that reading needs. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>;
}

const oldestServerVersion = 150_000;

/**
 * Run `work` on a connection of its own that holds the migration lock of `schema`; a second process waits for the first.
 * The lock belongs to the session and ends with the connection, also when this process dies.
 * A pooler in transaction mode between us and the server would break it: connect directly.
 *
 * @throws SchemaError `PostgresTooOld` when the server is older than PostgreSQL 15
 */
export async function withMigrationLock<T>(
  databaseUrl: string,
  schema: string,
  log: MigrationLog,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'ocp-pipeline migrate' });
  // A connection that breaks between two queries makes the next query fail, which is the error to report.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await requireServerVersion(client);
    // A role or database may limit statements to seconds; an index on a large table takes longer.
    await client.query('set statement_timeout = 0');
    await lock(client, schema, log);
    // DDL that waits makes everybody else wait behind it; rather give up and be started again.
    await client.query(`set lock_timeout = '60s'`);
    return await work(client);
  } finally {
    await client.end();
  }
}

async function lock(client: Client, schema: string, log: MigrationLog): Promise<void> {
  const key = `ocp-pipeline:migrate:${schema}`;
  const attempt = await client.query<{ held: boolean }>(
    'select pg_try_advisory_lock(hashtextextended($1, 0)) as held',
    [key],
  );
  if (attempt.rows[0]?.held === true) return;
  log.info({ schema }, 'waiting for another process that is migrating this schema');
  await client.query('set lock_timeout = 0');
  await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [key]);
}

async function requireServerVersion(client: Client): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    `select current_setting('server_version_num')::integer as number, current_setting('server_version') as version`,
  );
  assertServerVersion(rows[0] ?? { number: 0, version: 'unknown' }, `${client.host}:${client.port}`);
}

/**
 * @param found number as in `server_version_num` (15.4 is 150004) and its printed form
 * @param server where the server is, for the message
 * @throws SchemaError `PostgresTooOld`
 */
export function assertServerVersion(found: { number: number; version: string }, server: string): void {
  if (found.number < oldestServerVersion)
    throw new SchemaError(
      'PostgresTooOld',
      `PostgreSQL at ${server} is too old: version 15 or newer is required, found ${found.version}; upgrade the server`,
    );
}
