import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import type { PipelineError } from '../domain/failures/failures.ts';
import { stepNamed } from '../domain/run/steps.ts';
import type { Step, StepName } from '../domain/run/steps.ts';
import { firstDay, usageDayOf } from '../domain/time/usage-day.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { inTenantTransaction, RollBack } from '../platform/database/database.ts';
import { tryLock } from '../platform/database/locks.ts';
import { isPartitionMissing } from '../platform/database/partitions.ts';
import { measureAggregation } from '../platform/observability/metrics.ts';
import type { RebuildTable } from '../platform/observability/metrics.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import type { HeartbeatDetails } from '../platform/temporal/heartbeat.ts';
import type { LedgerMonth } from './day-ledger.ts';
import { ensurePartitionsOf } from './ensure-partitions.ts';
import { doesNotFit, isOutOfRange } from './greatest-part.ts';
import { requireSource } from './require-source.ts';
import { markMiscounted, miscountedPieces } from './staging-counts.ts';
import type { MiscountedPiece } from './staging-counts.ts';
import { lockStaging } from './staging-lock.ts';

/** Input of every step of a source and month. */
export interface MonthInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  /** pieces that the run has reloaded so often that another time is useless; absent if there are none */
  loadedInVain?: readonly number[];
}

/** Live pieces that are not in staging as they were loaded: reload them and ask again. */
export interface PiecesMissing {
  outcome: 'missing';
  pieceIds: number[];
}

/** Another transaction of the source is running, or has changed what was prepared: ask again. */
export interface Busy {
  outcome: 'busy';
}

/** Result of a step. */
export type StepAnswer<Done extends object> = Busy | PiecesMissing | ({ outcome: 'done' } & Done);

/** What work before the transaction begins gets: whether it goes on, and how it says where it is. */
export interface Attempt {
  signal: AbortSignal;
  report: (details: HeartbeatDetails) => void;
}

/** What a step does besides the work in its transaction. */
interface Around {
  /** runs before the transaction begins */
  prepare?: (attempt: Attempt) => Promise<void>;
  /** the error for pieces that were reloaded in vain; of a step that counts what was loaded */
  notKept?: (pieces: readonly MiscountedPiece[]) => Promise<PipelineError>;
}

/** What a step works with, inside its transaction. */
export interface StepMonth extends LedgerMonth {
  /** rebuilds one table and measures it */
  rebuild: RebuildTable;
}

/**
 * A step of a source and month: measured, with heartbeats, in one transaction that first checks that the source is
 * still registered, acquires the source's lock or returns "busy", and keeps the sweep from what the step reads. If
 * `work` returns that pieces are missing, or that it has to be asked again, the transaction is rolled back.
 *
 * What is read from staging is counted against the ledger, and relations are compared with control sums. Pieces of
 * which staging holds other rows than were loaded (a partition dropped, rows deleted or changed by hand, a table
 * restored without its rows), or relations that do not add up to them, are logged, marked as not loaded, and
 * returned to be reloaded: nothing is computed without them. A partition that somebody dropped is recreated, and the
 * attempt fails so that the next one finds it.
 *
 * @throws PipelineError `DataDoesNotFit` (not retried) if a number is too large for its column
 * @throws PipelineError `StagingMiscounted` (not retried) if a miscounted piece was reloaded in vain
 * @throws PipelineError `SourceVanished` (not retried) if the source is no longer registered
 */
export async function runStep<Done extends object>(
  deps: ActivityDependencies,
  name: StepName,
  input: MonthInput,
  work: (month: StepMonth) => Promise<Done | PiecesMissing | Busy>,
  { prepare, notKept }: Around = {},
): Promise<StepAnswer<Done>> {
  const step = stepNamed(name);
  return measured(step, (rebuild) =>
    withHeartbeat(async (report, signal) => {
      await prepare?.({ signal, report });
      try {
        return await inTenantTransaction(
          deps.pool,
          input.schema,
          (client) =>
            inTransaction(step, client, input, (month) =>
              work({ ...month, today: usageDayOf(deps.now()), rebuild }),
            ),
          signal,
        );
      } catch (error) {
        if (error instanceof RollBack) return error.result as PiecesMissing | Busy;
        return piecesToReload(deps, input, { error, notKept }, signal);
      }
    }),
  );
}

/** Only rebuilding summary tables counts as aggregation. */
function measured<T>(step: Step, work: (rebuild: RebuildTable) => Promise<T>): Promise<T> {
  return step.rebuildsTables ? measureAggregation(work) : work((_table, statement) => statement());
}

async function inTransaction<Done extends object>(
  step: Step,
  client: PoolClient,
  { schema, sourceUuid, month }: MonthInput,
  work: (month: Omit<StepMonth, 'rebuild' | 'today'>) => Promise<Done | PiecesMissing | Busy>,
): Promise<StepAnswer<Done>> {
  await requireSource(client, { schema, sourceUuid });
  if (!(await tryLock(client, 'source', sourceUuid))) return { outcome: 'busy' };
  // The sweep drops partitions: this lock prevents it between reading the ledger and reading the rows.
  if (step.readsStaging) await lockStaging(client);
  await client.query('select ocp_raise_settings()');
  const result = await work({ client, sourceUuid, monthStart: firstDay(month) });
  if (isMissing(result)) throw new RollBack(piecesMissing(result.pieceIds));
  if (isBusy(result)) throw new RollBack(result);
  return { outcome: 'done', ...result };
}

function isBusy(result: object): result is Busy {
  return 'outcome' in result && result.outcome === 'busy';
}

function isMissing(result: object): result is PiecesMissing {
  return 'outcome' in result && result.outcome === 'missing';
}

/**
 * Missing pieces that a step returns at once, so that the result stays small in history; the rest is returned next
 * time.
 */
const maxMissingNamed = 500;
const maxPiecesLogged = 20;

/** The result that pieces have to be loaded first. */
export function piecesMissing(pieceIds: readonly number[]): PiecesMissing {
  return { outcome: 'missing', pieceIds: pieceIds.slice(0, maxMissingNamed) };
}

/** The pieces with a wrong count, marked as not loaded; rethrows the step's failure if it was something else. */
async function piecesToReload(
  deps: ActivityDependencies,
  { schema, sourceUuid, month, loadedInVain = [] }: MonthInput,
  { error, notKept }: { error: unknown; notKept: Around['notKept'] },
  signal: AbortSignal,
): Promise<PiecesMissing> {
  if (isPartitionMissing(error)) await ensurePartitionsOf(deps.pool, schema, [month]);
  if (isOutOfRange(error)) throw await doesNotFit(deps, { schema, sourceUuid, month }, error);
  const miscounted = miscountedPieces(error);
  if (miscounted === undefined || notKept === undefined) throw error;
  log.warn('staging or the relations do not hold what the ledger says was loaded; the pieces are reloaded', {
    schema,
    month,
    pieceCount: miscounted.length,
    pieces: miscounted.slice(0, maxPiecesLogged),
  });
  const pieceIds = miscounted.map(({ pieceId }) => pieceId);
  await markMiscounted(deps.pool, schema, miscounted, signal);
  const inVain = miscounted.filter(({ pieceId }) => loadedInVain.includes(pieceId));
  if (inVain.length > 0) throw await notKept(inVain);
  return piecesMissing(pieceIds);
}
