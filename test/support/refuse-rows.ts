import type { Pool } from 'pg';

/** Which changes of a table fail, and how. */
export interface Refused {
  schema: string;
  table: string;
  event: 'insert' | 'update' | 'delete';
  /** condition on `new` and `old`; absent: every row */
  when?: string;
  message?: string;
  /** SQLSTATE; absent: that of `raise exception` */
  code?: string;
}

let triggerCount = 0;

/**
 * Let changes of a table fail, until they are mended. The trigger stays and its function is replaced: dropping the
 * trigger of a partitioned table locks the parent, then its partitions, and with a run that is tried again meanwhile
 * that is a deadlock.
 *
 * @returns mends it
 */
export async function refuseRows(pool: Pool, refused: Refused): Promise<() => Promise<void>> {
  const { schema, table, event, when = 'true', message = 'refused by a test', code = 'P0001' } = refused;
  triggerCount += 1;
  const name = `refuse_${triggerCount}`;
  const define = (body: string) =>
    pool.query(
      `create or replace function ${schema}.${name}() returns trigger language plpgsql as $$ begin ${body}; end $$`,
    );
  await define(`raise exception '${message}' using errcode = '${code}'`);
  await pool.query(
    `create trigger ${name} before ${event} on ${schema}.${table} for each row when (${when})
     execute function ${schema}.${name}()`,
  );
  return async () => {
    await define('return coalesce(new, old)');
  };
}
