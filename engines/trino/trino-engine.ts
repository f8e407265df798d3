import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { inTenantTransaction, RollBack } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import type { ActivityDependencies } from '../../platform/runtime/dependencies.ts';
import type { Engine, MonthToPrepare, RebuildRelations } from '../engine.ts';
import { daysBehind, planDays } from '../plan.ts';
import type { DayPlan } from '../plan.ts';
import { compareDaysFromLake } from './compare-days.ts';
import { openLake } from './lake.ts';
import { livePiecesOf } from './live-pieces.ts';
import type { LakeFile } from './live-pieces.ts';
import { filesNotKept } from './files-not-kept.ts';
import { forgetLostFiles } from './lost-files.ts';
import type { LivePiece } from './live-lines.ts';
import { endPredecessor, queryWaiting } from './query-days.ts';

/** A plan whose pieces are all in the lake. */
interface QueryPlan {
  plan: DayPlan;
  pieces: LivePiece[];
  files: LakeFile[];
  planHash: string;
}

/**
 * The daily relations from Parquet files, by Trino. A query takes too long for the source's lock, so the engine is
 * optimistic: it plans, queries into the waiting tables without a lock, and moves the rows if the plan is still the
 * same when it holds the lock. Otherwise the rows are left to the sweep, and the step is asked again.
 */
export const trinoEngine: Engine = {
  name: 'trino',
  prepare: async (deps, month, attempt) => {
    const { signal } = attempt;
    const lake = openLake(deps.config);
    await endPredecessor(lake);
    const planned = await planQuery(deps, month, signal);
    // After files were lost, the step's own plan says which pieces have to be converted again.
    if (planned === undefined || (await forgetLostFiles(deps, month.schema, planned.files, signal)))
      return (_client, plan) => Promise.resolve(daysBehind(plan).length === 0 ? 'rebuilt' : 'replan');
    const waiting = randomUUID();
    const { pieces, files } = planned;
    await queryWaiting({ deps, lake, attempt }, { ...month, pieces, files }, { attempt: waiting });
    return apply(planned.planHash, waiting);
  },
  compareDays: compareDaysFromLake,
  notKept: (_deps, month, pieces) => Promise.resolve(filesNotKept(month, pieces)),
};

/** The plan as it is now, rolled back; undefined if there is nothing to query, or not yet. */
async function planQuery(
  { pool }: ActivityDependencies,
  month: MonthToPrepare,
  signal: AbortSignal,
): Promise<QueryPlan | undefined> {
  try {
    return await inTenantTransaction(
      pool,
      month.schema,
      async (client) => {
        throw new RollBack(await queryPlan(client, month));
      },
      signal,
    );
  } catch (error) {
    if (error instanceof RollBack) return error.result as QueryPlan | undefined;
    throw error;
  }
}

async function queryPlan(client: PoolClient, month: MonthToPrepare): Promise<QueryPlan | undefined> {
  if (!(await tryLock(client, 'source', month.sourceUuid))) return undefined;
  const plan = await planDays(client, month, month.profile, 'trino');
  // The step's own plan says what is missing.
  if (plan?.outcome !== 'planned' || daysBehind(plan).length === 0) return undefined;
  return { plan, ...(await livePiecesOf(client, { sourceUuid: plan.sourceUuid, days: daysBehind(plan) })) };
}

function apply(planHash: string, attempt: string): RebuildRelations {
  return async (client, plan) => {
    const days = daysBehind(plan);
    const present = await livePiecesOf(client, { sourceUuid: plan.sourceUuid, days });
    if (present.planHash !== planHash) return 'replan';
    await client.query('select ocp_apply_waiting($1, $2, $3)', [attempt, plan.sourceUuid, days]);
    return 'rebuilt';
  };
}
