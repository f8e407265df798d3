import pg from 'pg';
import type { ClientBase, Pool, PoolClient } from 'pg';
import { beginPinned } from './session-settings.ts';

/**
 * PostgreSQL type ids whose JavaScript representation we choose: a date is a day, not an instant; a bigint is a count.
 */
const parsers = new Map<number, (text: string) => unknown>([
  [1082, (text) => text],
  [20, (text) => Number(text)],
]);
const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) =>
    (parsers.get(id) ?? pg.types.getTypeParser(id, format)) as (text: string) => string,
};

/**
 * Open a connection pool. Dates come back as `YYYY-MM-DD` text, bigints as numbers, timestamps as `Date`. A single
 * statement given to `pool.query` runs in its own transaction with our settings, like everything that goes through
 * {@link inTransaction}: no statement of ours depends on the settings of a role, a database or a pooler.
 *
 * @param options.size maximum number of connections
 * @param options.applicationName shown in `pg_stat_activity`
 * @param options.onIdleError called if an idle connection breaks; the pool replaces it by itself
 */
export function openPool(options: {
  url: string;
  size: number;
  applicationName: string;
  onIdleError?: (error: Error) => void;
}): Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.size,
    application_name: options.applicationName,
    connectionTimeoutMillis: 30_000,
    keepAlive: true,
    types,
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  const query = (text: string | pg.QueryConfig, values?: unknown[]) =>
    inTransaction(pool, (client) => client.query(text, values));
  pool.query = query as typeof pool.query;
  return pool;
}

/** A separate connection with our settings in the transactions that {@link transactionOn} starts on it. */
export async function openClient(options: { url: string; applicationName: string }): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: 30_000,
    keepAlive: true,
    types,
  });
  // If a connection breaks between two queries, the next query fails, which is the error to report.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Run `work` in one transaction with our settings, on a connection without an open transaction. */
export async function transactionOn<Client extends ClientBase, T>(
  client: Client,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  await beginPinned(client);
  try {
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/**
 * Run `work` in one transaction whose search path is the tenant schema, then `public`. Every statement is thereby
 * scoped to the tenant without naming the schema; the search path ends with the transaction. If `signal` aborts, the
 * running statement is cancelled from a second connection and the transaction rolls back.
 */
export async function inTenantTransaction<T>(
  pool: Pool,
  schema: string,
  work: (client: PoolClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return inTransaction(
    pool,
    async (client) => {
      await searchTenant(client, schema);
      return work(client);
    },
    signal,
  );
}

/**
 * As {@link inTenantTransaction}, but read only and with one snapshot for all statements, each of which may take
 * `timeoutMs`; see {@link inSnapshot}.
 */
export async function inTenantSnapshot<T>(
  pool: Pool,
  schema: string,
  timeoutMs: number,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  return inSnapshot(pool, timeoutMs, async (client) => {
    await searchTenant(client, schema);
    return work(client);
  });
}

/**
 * Run `work` in one read-only transaction with one snapshot for all statements, each of which may take `timeoutMs`. A
 * hot standby will do, and a role that can only read. No statement is compiled (jit), which takes longer than reading a
 * month, and each of its sorts may have 32 MB where the server allows less. The search path is `public`.
 */
export async function inSnapshot<T>(
  pool: Pool,
  timeoutMs: number,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  return inTransaction(
    pool,
    async (client) => {
      await client.query(
        `select set_config('statement_timeout', $1, true),
             set_config('jit', 'off', true),
             set_config(
                 'work_mem',
                 case
                     when pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('32MB') then '32MB'
                     else current_setting('work_mem')
                 end,
                 true
             )`,
        [String(timeoutMs)],
      );
      return work(client);
    },
    undefined,
    'snapshot',
  );
}

/**
 * From here to its end, the statements of the transaction are about a tenant: its schema comes first, then `public`.
 */
export async function searchTenant(client: ClientBase, schema: string): Promise<void> {
  await client.query(`select set_config('search_path', quote_ident($1) || ', public', true)`, [schema]);
}

/** As {@link inTenantTransaction}, without a tenant: for tables of `public`. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  signal?: AbortSignal,
  mode: 'write' | 'snapshot' = 'write',
): Promise<T> {
  signal?.throwIfAborted();
  const client = await pool.connect();
  let broken = false;
  const onError = () => {
    broken = true;
  };
  client.on('error', onError);
  let stopWatching = async () => Promise.resolve();
  try {
    const serverProcess = await beginPinned(client, mode);
    signal?.throwIfAborted();
    if (signal !== undefined) stopWatching = cancelOnAbort(pool, serverProcess, signal);
    const result = await work(client);
    signal?.throwIfAborted();
    await stopWatching();
    await client.query('commit');
    return result;
  } catch (error) {
    await stopWatching();
    await client.query('rollback').catch(onError);
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** Thrown by `work` to roll back deliberately and still return a result to the caller. */
export class RollBack<T> extends Error {
  readonly result: T;
  constructor(result: T) {
    super('rolled back on purpose');
    this.result = result;
  }
}

/**
 * Returns a function that stops watching, to be called before the transaction ends: it waits for a cancel request that
 * was already sent, which must not hit the next user of the server connection.
 */
function cancelOnAbort(pool: Pool, serverProcess: number, signal: AbortSignal): () => Promise<void> {
  let sent: Promise<unknown> = Promise.resolve();
  const cancel = () => {
    // If the cancel request fails, the statement just runs to its end.
    sent = pool.query('select pg_cancel_backend($1)', [serverProcess]).catch(() => undefined);
  };
  signal.addEventListener('abort', cancel, { once: true });
  return async () => {
    signal.removeEventListener('abort', cancel);
    await sent;
  };
}
