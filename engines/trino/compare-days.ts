import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { relationTables } from '../../domain/reports/relations.ts';
import { inTenantSnapshot, inTenantTransaction } from '../../platform/database/database.ts';
import { comparableDays, compareWaiting } from '../comparison.ts';
import type { DaysToCompare } from '../comparison.ts';
import type { CompareDays } from '../engine.ts';
import { endPredecessor, queryWaiting } from './query-days.ts';
import { openLake } from './lake.ts';
import { livePiecesOf } from './live-pieces.ts';
import { forgetLostFiles } from './lost-files.ts';

/** Time limit of the comparison of one relation. */
const maxCompareMs = 600_000;

/**
 * Query the relations of days into the waiting tables, compare them there, and remove them. Without a lock: both reads
 * of the ledger say the same, or the days are compared again.
 */
export const compareDaysFromLake: CompareDays = async (deps, given, attempt) => {
  const { pool } = deps;
  const lake = openLake(deps.config);
  await endPredecessor(lake);
  const before = await inTenantTransaction(pool, given.schema, (client) => stateOf(client, given));
  if (before.days.length === 0) return [];
  // Of a piece that is not in the lake yet, Trino would see no rows.
  if (before.files.length < before.pieces.length) return 'again';
  if (await forgetLostFiles(deps, given.schema, before.files, attempt.signal)) return 'again';
  const waiting = { attempt: randomUUID() };
  try {
    const { pieces, files } = before;
    await queryWaiting({ deps, lake, attempt }, { ...given, pieces, files }, waiting);
    return await inTenantSnapshot(pool, given.schema, maxCompareMs, async (client) => {
      const now = await stateOf(client, given);
      if (now.planHash !== before.planHash) return 'again';
      return compareWaiting(client, { ...given, days: now.days }, waiting.attempt);
    });
  } finally {
    await removeWaiting(pool, given.schema, waiting.attempt);
  }
};

async function stateOf(client: PoolClient, given: DaysToCompare) {
  const days = await comparableDays(client, given);
  return { days, ...(await livePiecesOf(client, { sourceUuid: given.sourceUuid, days })) };
}

/** What this misses, the sweep removes a day later. */
async function removeWaiting(pool: Pool, schema: string, attempt: string): Promise<void> {
  await inTenantTransaction(pool, schema, async (client) => {
    for (const table of relationTables)
      await client.query(`delete from ${table}_waiting where attempt = $1`, [attempt]);
  }).catch(() => undefined);
}
