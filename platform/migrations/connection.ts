import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Client } from 'pg';
import { openClient, transactionOn } from '../database/database.ts';
import { lockHolder, tryLock } from '../database/locks.ts';
import { SchemaError } from '../database/schema-errors.ts';
import { assertEncoding, assertServerVersion, readServerFacts } from './server-facts.ts';

/** What migrating reports while it works; a pino logger fits. */
export interface MigrationLog {
  info(fields: object, message: string): void;
}

/** The part of a pg client (or pool) that reading needs. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>;
}

/** What {@link inMigration} tells its log while it waits; the only thing that people need to hear. */
export const waitingMessage = 'waiting for another process that is migrating this schema';

/** How long to wait for another process that migrates the same schema, and how often to look and to say so. */
export interface MigrationPatience {
  maxWaitMs: number;
  lookEveryMs: number;
  sayEveryMs: number;
}

const patience: MigrationPatience = { maxWaitMs: 600_000, lookEveryMs: 500, sayEveryMs: 15_000 };

/**
 * Lend a connection of its own to `work`, to a server and database that this program can work with. Everything runs in
 * transactions ({@link transactionOn}, {@link inMigration}) and nothing stays on the session, so that a pooler in transaction
 * mode may stand between.
 *
 * @throws SchemaError `PostgresTooOld` when the server is older than PostgreSQL 15
 * @throws SchemaError `EncodingUnsupported` when the database is not UTF8
 */
export async function onMigrationConnection<T>(
  databaseUrl: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await openClient({ url: databaseUrl, applicationName: 'ocp-pipeline migrate' });
  try {
    await transactionOn(client, requireUsableServer);
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Run `work` in one transaction that holds the migration lock of `schema`. The lock ends with the transaction, also when
 * this process dies. While another process holds it, it is asked for again and again, never waited for inside the server,
 * and each wait is said.
 *
 * @throws SchemaError `MigrationBusy` when the lock was not to be had in ten minutes, naming who holds it
 */
export async function inMigration<T>(
  client: Client,
  schema: string,
  log: MigrationLog,
  work: () => Promise<T>,
  { maxWaitMs, lookEveryMs, sayEveryMs }: MigrationPatience = patience,
): Promise<T> {
  const startedAt = performance.now();
  let saidAt = -Infinity;
  for (;;) {
    const done = await transactionOn(client, async () => {
      if (!(await tryLock(client, 'migration', schema))) return undefined;
      // DDL that waits makes everybody else wait behind it; rather give up and be started again.
      await client.query(`set local lock_timeout = '60s'`);
      return { result: await work() };
    });
    if (done !== undefined) return done.result;
    const waitedMs = Math.round(performance.now() - startedAt);
    const holder = await transactionOn(client, () => lockHolder(client, 'migration', schema));
    if (waitedMs >= maxWaitMs)
      throw new SchemaError(
        'MigrationBusy',
        `Schema "${schema}" could not be migrated: for ${Math.round(waitedMs / 1000)} s another process has been ` +
          `migrating it (${holder}); when that one hangs, end it, or its session with pg_terminate_backend, and start again`,
      );
    if (performance.now() - saidAt >= sayEveryMs) {
      saidAt = performance.now();
      log.info({ schema, holder, waitedMs }, waitingMessage);
    }
    await delay(lookEveryMs);
  }
}

async function requireUsableServer(client: Client): Promise<void> {
  const found = await readServerFacts(client);
  assertServerVersion(found, `${client.host}:${client.port}`);
  assertEncoding(found);
}
