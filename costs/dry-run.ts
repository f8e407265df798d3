import { setTimeout as pause } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { firstDay } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction, RollBack } from '../platform/database/database.ts';
import { lockHolder, tryLock } from '../platform/database/locks.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { applyCosts } from './apply-costs.ts';
import { applyModelIn } from './apply-model.ts';
import type { Applied, ApplyOptions } from './apply-model.ts';
import type { CostModel } from './cost-model.ts';
import { findModel } from './stored-models.ts';

/** Cost of a project by one rate, or by one kind of distribution. */
export interface CostChange {
  sourceUuid: string;
  project: string;
  /** name of the rate, `markup`, or a kind of distribution such as `platform_distributed` */
  rate: string;
  before: number;
  after: number;
}

/** What applying a document would change. */
export interface DryRun {
  applied: Applied;
  month: BillingMonth;
  /** sources that have days in the month */
  pricedSources: string[];
  /** in the currency of the model; only what differs, largest first */
  changes: CostChange[];
}

interface BreakdownRow {
  project: string;
  rate: string;
  cost: number;
}

const breakdownSql = loadSql('costs/cost_breakdown.sql');
const lockWaitMs = 30_000;
const lockPauseMs = 200;

/**
 * What applying a document would do to the costs of the current month: the document is applied and the days are priced,
 * by the code that does both in earnest, before and after, and the transaction is rolled back.
 *
 * @throws PipelineError `ConfigInvalid` as `applyModel`, or when somebody else writes the source for half a minute
 */
export async function tryModel(
  pool: Pool,
  schema: string,
  model: CostModel,
  options: ApplyOptions & { month: BillingMonth },
): Promise<DryRun> {
  try {
    return await inTenantTransaction(pool, schema, async (client) => {
      const sources = await affectedSources(client, model, options);
      for (const sourceUuid of sources) await lockSource(client, sourceUuid);
      const days = await daysOf(client, sources, options.month);
      const before = await price(client, days);
      const applied = await applyModelIn(client, model, options);
      const after = await price(client, days);
      throw new RollBack<DryRun>({
        applied,
        month: options.month,
        pricedSources: [...days.keys()],
        changes: differences(before, after),
      });
    });
  } catch (error) {
    if (error instanceof RollBack) return error.result as DryRun;
    throw error;
  }
}

/** Sources that have the model now, and those that would get it. */
async function affectedSources(
  client: PoolClient,
  { name }: CostModel,
  { sources }: ApplyOptions,
): Promise<string[]> {
  const known = await findModel(client, name);
  const { rows } = await client.query<{ provider_uuid: string }>(
    'select provider_uuid from cost_model_map where cost_model_id = $1',
    [known?.uuid ?? null],
  );
  const uuids = [...rows.map((row) => row.provider_uuid), ...sources.map(({ sourceUuid }) => sourceUuid)];
  return [...new Set(uuids)].sort();
}

/** Runs of the source answer "busy" meanwhile, and come again. */
async function lockSource(client: PoolClient, sourceUuid: string): Promise<void> {
  const deadline = performance.now() + lockWaitMs;
  while (!(await tryLock(client, 'source', sourceUuid))) {
    if (performance.now() > deadline)
      throw new PipelineError(
        'ConfigInvalid',
        `source ${sourceUuid} is being written by ${await lockHolder(client, 'source', sourceUuid)}; ` +
          'try the dry run again when that has ended',
      );
    await pause(lockPauseMs);
  }
}

async function daysOf(
  client: PoolClient,
  sources: readonly string[],
  month: BillingMonth,
): Promise<Map<string, UsageDay[]>> {
  const { rows } = await client.query<{ sourceUuid: string; days: UsageDay[] }>(
    `select source_uuid::text as "sourceUuid", array_agg(usage_day::text order by usage_day) as days
     from ocp_day
     where source_uuid = any($1::uuid[])
         and usage_day >= $2::date
         and usage_day < ($2::date + interval '1 month')::date
     group by source_uuid
     order by source_uuid`,
    [sources, firstDay(month)],
  );
  return new Map(rows.map(({ sourceUuid, days }) => [sourceUuid, days]));
}

type Breakdown = Map<string, Omit<CostChange, 'before' | 'after'> & { cost: number }>;

async function price(client: PoolClient, days: ReadonlyMap<string, UsageDay[]>): Promise<Breakdown> {
  const costs: Breakdown = new Map();
  for (const [sourceUuid, of] of days) {
    // The current month is not over: free GPUs are not distributed yet.
    await applyCosts(client, { sourceUuid, days: of, isMonthOver: false });
    const { rows } = await client.query<BreakdownRow>(breakdownSql, [sourceUuid, of]);
    for (const row of rows)
      costs.set(JSON.stringify([sourceUuid, row.project, row.rate]), { sourceUuid, ...row });
  }
  return costs;
}

function differences(before: Breakdown, after: Breakdown): CostChange[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  const changes = keys.flatMap((key): CostChange[] => {
    const [old, now] = [before.get(key), after.get(key)];
    const of = now ?? old;
    if (of === undefined || old?.cost === now?.cost) return [];
    const { sourceUuid, project, rate } = of;
    return [{ sourceUuid, project, rate, before: old?.cost ?? 0, after: now?.cost ?? 0 }];
  });
  const size = ({ before: old, after: now }: CostChange) => Math.abs(now - old);
  return changes.sort((a, b) => size(b) - size(a) || (a.project + a.rate < b.project + b.rate ? -1 : 1));
}
