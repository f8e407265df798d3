import type { PoolClient } from 'pg';
import { stagingTables } from '../domain/reports/report-kind.ts';

/**
 * Keep the sweep from dropping partitions of staging until the transaction ends. Taken before a look at the ledger, it
 * makes sure that what the ledger says is staged can still be read.
 */
export async function lockStaging(client: PoolClient): Promise<void> {
  await client.query(`lock table ${stagingTables.join(', ')} in access share mode`);
}
