import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import { stepNamed } from '../domain/run/steps.ts';
import type { Step, StepName } from '../domain/run/steps.ts';
import { firstDay } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction, RollBack } from '../platform/database/database.ts';
import { tryLock } from '../platform/database/locks.ts';
import { isPartitionMissing } from '../platform/database/partitions.ts';
import { measureAggregation } from '../platform/observability/metrics.ts';
import type { RebuildTable } from '../platform/observability/metrics.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import { ensurePartitionsOf } from './ensure-partitions.ts';
import { doesNotFit, isOutOfRange } from './greatest-part.ts';
import { requireSource } from './require-source.ts';
import { markMiscounted, miscountedPieces, stagingNotKept } from './staging-counts.ts';
import { lockStaging } from './staging-lock.ts';

/** What every step of a source and month is asked with. */
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

/** What a step answers. */
export type StepAnswer<Done extends object> =
  /** another transaction of the source is running: ask again */
  { outcome: 'busy' } | PiecesMissing | ({ outcome: 'done' } & Done);

/** What a step works with, in its transaction. */
export interface StepMonth {
  client: PoolClient;
  sourceUuid: string;
  monthStart: UsageDay;
  /** rebuilds one table and measures it */
  rebuild: RebuildTable;
}

/**
 * A step of a source and month: measured, with heartbeats, in one transaction that first sees that the source is still
 * registered, takes the source's lock or answers "busy", and keeps the sweep from what the step reads. When `work` answers
 * that pieces are missing, the transaction is rolled back.
 *
 * What is read from staging is counted against the ledger; pieces of which it holds other rows than were loaded (a partition
 * dropped or rows deleted by hand, a table restored without its rows) are told, marked as not loaded, and returned to be
 * loaded again: nothing is computed without them. A partition that somebody dropped is made again, and the attempt fails so
 * that the next one finds it.
 *
 * @param prepare done before the transaction begins
 * @throws PipelineError `DataDoesNotFit` (not retried) when a number is too great for its column
 * @throws PipelineError `StagingMiscounted` (not retried) when a piece is miscounted that was loaded again in vain
 * @throws PipelineError `SourceVanished` (not retried) when the source is no longer registered
 */
export async function runStep<Done extends object>(
  deps: ActivityDependencies,
  name: StepName,
  input: MonthInput,
  work: (month: StepMonth) => Promise<Done | PiecesMissing>,
  prepare: (signal: AbortSignal) => Promise<void> = () => Promise.resolve(),
): Promise<StepAnswer<Done>> {
  const step = stepNamed(name);
  return measured(step, (rebuild) =>
    withHeartbeat(async (_report, signal) => {
      await prepare(signal);
      try {
        return await inTenantTransaction(
          deps.pool,
          input.schema,
          (client) => inTransaction(step, client, input, (month) => work({ ...month, rebuild })),
          signal,
        );
      } catch (error) {
        if (error instanceof RollBack) return error.result as PiecesMissing;
        return piecesToReload(deps, input, error, signal);
      }
    }),
  );
}

/** Only the rebuilding of summary tables counts as aggregation. */
function measured<T>(step: Step, work: (rebuild: RebuildTable) => Promise<T>): Promise<T> {
  return step.rebuildsTables ? measureAggregation(work) : work((_table, statement) => statement());
}

async function inTransaction<Done extends object>(
  step: Step,
  client: PoolClient,
  { schema, sourceUuid, month }: MonthInput,
  work: (month: Omit<StepMonth, 'rebuild'>) => Promise<Done | PiecesMissing>,
): Promise<StepAnswer<Done>> {
  await requireSource(client, { schema, sourceUuid });
  if (!(await tryLock(client, 'source', sourceUuid))) return { outcome: 'busy' };
  // The sweep drops partitions: with this lock it cannot do so between the look at the ledger and the reading.
  if (step.readsStaging) await lockStaging(client);
  const result = await work({ client, sourceUuid, monthStart: firstDay(month) });
  if (isMissing(result)) throw new RollBack(piecesMissing(result.pieceIds));
  return { outcome: 'done', ...result };
}

function isMissing(result: object): result is PiecesMissing {
  return 'outcome' in result && result.outcome === 'missing';
}

/** Missing pieces that a step names in one answer, so that it stays small in history; the rest is asked for again. */
const maxMissingNamed = 500;
const maxPiecesLogged = 20;

/** The answer that pieces have to be loaded first. */
export function piecesMissing(pieceIds: readonly number[]): PiecesMissing {
  return { outcome: 'missing', pieceIds: pieceIds.slice(0, maxMissingNamed) };
}

/** The pieces whose count was wrong, marked as not loaded; throws what the step failed with when it was something else. */
async function piecesToReload(
  deps: ActivityDependencies,
  { schema, sourceUuid, month, loadedInVain = [] }: MonthInput,
  error: unknown,
  signal: AbortSignal,
): Promise<PiecesMissing> {
  if (isPartitionMissing(error)) await ensurePartitionsOf(deps.pool, schema, [month]);
  if (isOutOfRange(error)) throw await doesNotFit(deps, { schema, sourceUuid, month }, error);
  const miscounted = miscountedPieces(error);
  if (miscounted === undefined) throw error;
  log.warn('staging does not hold the rows that the ledger says: the pieces are loaded again', {
    schema,
    month,
    pieceCount: miscounted.length,
    pieces: miscounted.slice(0, maxPiecesLogged),
  });
  const pieceIds = miscounted.map(({ pieceId }) => pieceId);
  await markMiscounted(deps.pool, schema, pieceIds, signal);
  const inVain = miscounted.filter(({ pieceId }) => loadedInVain.includes(pieceId));
  if (inVain.length > 0) throw await stagingNotKept(deps.pool, schema, inVain);
  return piecesMissing(pieceIds);
}
