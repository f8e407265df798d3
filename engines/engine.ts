import type { PoolClient } from 'pg';
import type { EngineName, RulesProfile } from '../platform/config/config.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import type { PipelineError } from '../domain/failures/failures.ts';
import type { Attempt, MonthInput } from '../summary/month-step.ts';
import type { MiscountedPiece } from '../summary/staging-counts.ts';
import type { ComparedDay, DaysToCompare } from './comparison.ts';
import type { DayPlan, PlanInput } from './plan.ts';

/** A month whose relations an engine may have to rebuild. */
export interface MonthToPrepare extends PlanInput {
  schema: string;
  /** current rules profile of the tenant */
  profile: RulesProfile;
}

/**
 * Rebuild, in the caller's transaction, the daily relations of those days of a plan whose pieces changed.
 * @returns replan: the ledger is no longer as it was when the engine prepared; nothing was written
 */
export type RebuildRelations = (client: PoolClient, plan: DayPlan) => Promise<'rebuilt' | 'replan'>;

/**
 * Compute the relations of days beside the engine that wrote them, from the same pieces, and compare: nothing is
 * written that anybody else reads. Pieces that the engine does not have are left out of no day: they have to be loaded
 * before.
 *
 * @returns the days compared, without those that another run has yet to bring up to date; "again": something changed
 *   meanwhile, or files were lost
 */
export type CompareDays = (
  deps: ActivityDependencies,
  days: DaysToCompare,
  attempt: Attempt,
) => Promise<ComparedDay[] | 'again'>;

/** The error for pieces whose relations differ from what was loaded, however often the pieces are loaded. */
export type RowsNotKept = (
  deps: ActivityDependencies,
  month: MonthInput,
  pieces: readonly MiscountedPiece[],
) => Promise<PipelineError>;

/**
 * What turns line items into daily relations. Planning and recording are work on the ledger, and everything behind the
 * relations is SQL that exists once: the same for every engine.
 */
export interface Engine {
  name: EngineName;
  /** Runs before the transaction begins: what takes long and needs no lock. */
  prepare(deps: ActivityDependencies, month: MonthToPrepare, attempt: Attempt): Promise<RebuildRelations>;
  compareDays: CompareDays;
  notKept: RowsNotKept;
}
