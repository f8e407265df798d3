import type { Pool } from 'pg';
import { relationTables } from '../domain/reports/relations.ts';
import { inTenantTransaction } from '../platform/database/database.ts';

/** Longer than any attempt takes: the time limits of an activity end it before. */
const maxWaiting = '24 hours';

/** Remove rows that wait for a transaction that will not come: their attempt was killed, or had to plan anew. */
export async function sweepWaiting(pool: Pool, schema: string, signal: AbortSignal): Promise<void> {
  for (const table of relationTables)
    await inTenantTransaction(
      pool,
      schema,
      (client) =>
        client.query(`delete from ${table}_waiting where waiting_since < now() - interval '${maxWaiting}'`),
      signal,
    );
}
