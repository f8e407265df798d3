import type { PoolClient } from 'pg';
import { stagingTables } from '../domain/reports/report-kind.ts';

/**
 * Keep the sweep from dropping partitions of staging until the transaction ends. Acquired before reading the ledger, it
 * guarantees that what the ledger lists as staged can still be read.
 */
export async function lockStaging(client: PoolClient): Promise<void> {
  await client.query(`lock table ${stagingTables.join(', ')} in access share mode`);
}
