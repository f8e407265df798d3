import type { PoolClient } from 'pg';

/**
 * Try to take the lock that every transaction takes which rewrites summaries of a source; it ends with the transaction.
 * "Busy" is an ordinary answer: the workflow sleeps and asks again, so no connection waits and no error is counted.
 */
export async function tryLockSource(client: PoolClient, sourceUuid: string): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_try_advisory_xact_lock(hashtextextended('ocp-source:' || $1, 0)) as locked`,
    [sourceUuid],
  );
  return rows[0]?.locked === true;
}
