import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { isPartitionMissing } from '../platform/database/partitions.ts';
import { ensurePartitionsOf } from './ensure-partitions.ts';
import { markMiscounted, miscountedPieces, stagingNotKept } from './staging-counts.ts';
import { mostMissingNamed } from './staging-lock.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { doesNotFit, isOutOfRange } from './greatest-part.ts';
import { requireSource } from './require-source.ts';

/** What every step of a month is asked with. */
export interface MonthInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  /** pieces that the run has loaded again so often that once more is no use; absent when there are none */
  loadedInVain?: readonly number[];
}

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
 *
 * @throws PipelineError `DataDoesNotFit` (not retried) when a number is too great for its column
 * @throws PipelineError `StagingMiscounted` (not retried) when a piece is miscounted that was loaded again in vain
 * @throws PipelineError `SourceVanished` (not retried) when the source is no longer registered
 */
export async function inMonthTransaction<T>(
  deps: ActivityDependencies,
  { schema, sourceUuid, month, loadedInVain = [] }: MonthInput,
  work: (client: PoolClient) => Promise<T>,
  signal: AbortSignal,
): Promise<T | PiecesMissing> {
  try {
    return await inTenantTransaction(
      deps.pool,
      schema,
      async (client) => {
        await requireSource(client, { schema, sourceUuid });
        return work(client);
      },
      signal,
    );
  } catch (error) {
    if (isPartitionMissing(error)) await ensurePartitionsOf(deps.pool, schema, [month]);
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
    const inVain = miscounted.filter(({ pieceId }) => loadedInVain.includes(pieceId));
    if (inVain.length > 0) throw await stagingNotKept(deps.pool, schema, inVain);
    return { outcome: 'missing', pieceIds: pieceIds.slice(0, mostMissingNamed) };
  }
}

const mostPiecesLogged = 20;
