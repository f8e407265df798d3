import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Client } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import { openClient, transactionOn } from '../database/database.ts';
import { lockHolder, tryLock } from '../database/locks.ts';
import { assertEncoding, assertServerVersion, readServerFacts } from './server-facts.ts';

/** Progress reports of a migration; a pino logger fits. */
export interface MigrationLog {
  info(fields: object, message: string): void;
}

/** The part of a pg client (or pool) that reading needs. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>;
}

/** What {@link inMigration} logs while it waits, which is all that people need to know. */
export const waitingMessage = 'waiting for another process that is migrating this schema';

/** How long to wait for another process that migrates the same schema, and how often to check and to log it. */
export interface MigrationPatience {
  maxWaitMs: number;
  lookEveryMs: number;
  sayEveryMs: number;
}

const patience: MigrationPatience = { maxWaitMs: 600_000, lookEveryMs: 500, sayEveryMs: 15_000 };

/**
 * Lend `work` a separate connection, to a server and database that this program supports. Everything runs in
 * transactions ({@link transactionOn}, {@link inMigration}) and no session state remains, so a pooler in transaction
 * mode may be in between.
 *
 * @throws PipelineError `PostgresTooOld` if the server is older than PostgreSQL 15
 * @throws PipelineError `EncodingUnsupported` if the database is not UTF8
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
 * Run `work` in one transaction that holds the migration lock of `schema`. The lock ends with the transaction, even if
 * this process dies. While another process holds it, it is polled, never waited for inside the server, and each wait is
 * logged.
 *
 * @throws PipelineError `MigrationBusy` if the lock could not be acquired within ten minutes, naming its holder
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
      // DDL that waits makes everybody behind it wait; better to give up and be started again.
      await client.query(`set local lock_timeout = '60s'`);
      return { result: await work() };
    });
    if (done !== undefined) return done.result;
    const waitedMs = Math.round(performance.now() - startedAt);
    const holder = await transactionOn(client, () => lockHolder(client, 'migration', schema));
    if (waitedMs >= maxWaitMs)
      throw new PipelineError(
        'MigrationBusy',
        `Schema "${schema}" could not be migrated: for ${Math.round(waitedMs / 1000)} s another process has been ` +
          `migrating it (${holder}); if that process hangs, end it, or terminate its session with pg_terminate_backend, and try again`,
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
