import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { isPartitionMissing } from '../platform/database/partitions.ts';
import { markMiscounted, miscountedPieces } from './staging-counts.ts';
import { mostMissingNamed } from './staging-lock.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { ensurePartitions } from '../activities/ensure-partitions.ts';
import { doesNotFit, isOutOfRange } from './greatest-part.ts';

/** Live pieces that are not in staging as they were loaded: load them and ask again. */
export interface PiecesMissing {
  outcome: 'missing';
  pieceIds: number[];
}

/**
 * One transaction that computes something of a month from staging. What it reads is counted against the ledger; pieces of
 * which staging holds other rows than were loaded (a partition dropped or rows deleted by hand, a table restored without
 * its rows) are told, marked as not loaded, and returned to be loaded again: nothing is computed without them. A
 * partition that somebody dropped is made again, and the attempt fails so that the next one finds it.
 * @throws PipelineError `DataDoesNotFit` (not retried) when a number is too great for its column
 */
export async function inMonthTransaction<T>(
  deps: ActivityDependencies,
  { schema, sourceUuid, month }: { schema: string; sourceUuid: string; month: BillingMonth },
  work: (client: PoolClient) => Promise<T>,
  signal: AbortSignal,
): Promise<T | PiecesMissing> {
  try {
    return await inTenantTransaction(deps.pool, schema, work, signal);
  } catch (error) {
    if (isPartitionMissing(error)) await ensurePartitions(deps, { schema, months: [month] });
    if (isOutOfRange(error)) throw await doesNotFit(deps, { schema, sourceUuid, month }, error);
    const miscounted = miscountedPieces(error);
    if (miscounted === undefined) throw error;
    log.warn('staging does not hold the rows that the ledger says: the pieces are loaded again', {
      schema,
      month,
      pieceCount: miscounted.length,
      pieces: miscounted.slice(0, mostPiecesLogged),
    });
    const pieceIds = miscounted.map(({ pieceId }) => pieceId);
    await markMiscounted(deps.pool, schema, pieceIds, signal);
    return { outcome: 'missing', pieceIds: pieceIds.slice(0, mostMissingNamed) };
  }
}

const mostPiecesLogged = 20;
