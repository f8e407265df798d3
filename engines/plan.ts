import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { firstDay, lastDay } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import type { EngineName, RulesProfile } from '../platform/config/config.ts';
import { scalar } from '../platform/database/scalar.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { piecesMissing } from '../summary/month-step.ts';
import type { PiecesMissing } from '../summary/month-step.ts';

/** The request for a plan. */
export interface PlanInput {
  sourceUuid: string;
  month: BillingMonth;
  /**
   * days to rebuild although nothing about them changed; rebuilding the whole month also applies the current rules
   * profile
   */
  force?: { from: UsageDay; until: UsageDay };
}

/** Whose month it is. */
export interface SourceOfMonth {
  reportPeriodId: number;
  clusterId: string;
  clusterAlias: string;
}

/** A day whose summary is rebuilt. */
export interface PlannedDay {
  usageDay: UsageDay;
  piecesHash: string;
  /** the daily relations are rebuilt first, from its live pieces; else they hold what those pieces add up to */
  areRelationsBehind: boolean;
  /** it is rebuilt although nothing about it changed */
  isForced: boolean;
}

/** Days to rebuild, in order, and what the ledger will record that they were built from. */
export interface DayPlan {
  outcome: 'planned';
  sourceUuid: string;
  source: SourceOfMonth;
  rules: RulesProfile;
  settingsHash: string;
  days: readonly PlannedDay[];
}

interface ChangedDay {
  usage_day: UsageDay;
  pieces_hash: string;
  missing_piece_ids: string[];
  are_relations_behind: boolean;
  unloaded_count: number;
  is_foreign: boolean;
}

const sql = {
  chooseLive: loadSql('summary/daily/choose_live_generations.sql'),
  changedDays: loadSql('summary/daily/changed_days.sql'),
  markProcessed: loadSql('summary/daily/mark_processed.sql'),
};

/**
 * Plan, from the ledger alone: choose the live generation of every (kind, day) of a source and month, and find the days
 * whose live pieces or settings differ from what their summary was built from. Runs in the transaction that rebuilds
 * and records them.
 *
 * @param profile current rules profile of the tenant; a month that was summarised before keeps its own
 * @param engine of the month; it decides where live pieces must be, in staging or in the lake
 * @returns undefined if no data ever arrived for the month
 * @throws PipelineError `DayNotOurs` (not retried) if another writer summarised a day that nobody adopted
 */
export async function planDays(
  client: PoolClient,
  input: PlanInput,
  profile: RulesProfile,
  engine: EngineName,
): Promise<DayPlan | PiecesMissing | undefined> {
  const { sourceUuid, force } = input;
  const monthStart = firstDay(input.month);
  const source = await sourceOfMonth(client, sourceUuid, monthStart);
  if (source === undefined) return undefined;
  const rules = await rulesOfMonth(client, input, profile);
  await client.query(sql.chooseLive, [sourceUuid, monthStart]);
  const settingsHash = await scalar<string>(client, 'select ocp_settings_hash($1, $2)', [
    rules,
    source.clusterAlias,
  ]);
  const { rows } = await client.query<ChangedDay>(sql.changedDays, [
    sourceUuid,
    monthStart,
    settingsHash,
    force?.from ?? null,
    force?.until ?? null,
    engine,
  ]);
  const { days, waiting, missing } = rebuildableDays(rows);
  if (missing.length > 0) return piecesMissing(missing);
  // On days that are not rebuilt too: the same lines under another manifest are already summarised.
  await client.query(sql.markProcessed, [sourceUuid, monthStart, waiting]);
  return {
    outcome: 'planned',
    sourceUuid,
    source,
    rules,
    settingsHash,
    days: days.map((day) => ({
      usageDay: day.usage_day,
      piecesHash: day.pieces_hash,
      areRelationsBehind: day.are_relations_behind,
      isForced: force !== undefined && force.from <= day.usage_day && day.usage_day <= force.until,
    })),
  };
}

/**
 * The changed days that can be rebuilt now, those that keep their summary until their pieces are loaded, and the pieces
 * that are not where the engine reads them, to be loaded first.
 *
 * @throws PipelineError `DayNotOurs` (not retried) if another writer summarised a day that nobody adopted
 */
function rebuildableDays(changed: readonly ChangedDay[]): {
  days: ChangedDay[];
  waiting: UsageDay[];
  missing: number[];
} {
  const foreign = changed.filter((day) => day.is_foreign).map((day) => day.usage_day);
  if (foreign[0] !== undefined)
    throw new PipelineError(
      'DayNotOurs',
      `${foreign.length} days from ${foreign[0]} on were summarised by another writer; to replace them, run: ` +
        `ocp-pipeline source adopt --from ${foreign[0]}`,
      { details: { days: foreign } },
    );
  const isWaiting = (day: ChangedDay) => day.are_relations_behind && day.unloaded_count > 0;
  const waiting = changed.filter(isWaiting).map((day) => day.usage_day);
  if (waiting.length > 0)
    log.warn('days keep their data because live pieces are not loaded', { days: waiting });
  const days = changed.filter((day) => !isWaiting(day));
  const missing = days
    .filter((day) => day.are_relations_behind)
    .flatMap((day) => day.missing_piece_ids.map(Number));
  return { days, waiting, missing };
}

/** Report period of the month and the source's current name; undefined if no data arrived for the month. */
async function sourceOfMonth(
  client: PoolClient,
  sourceUuid: string,
  monthStart: UsageDay,
): Promise<SourceOfMonth | undefined> {
  const { rows } = await client.query<SourceOfMonth>(
    `select period.id as "reportPeriodId", period.cluster_id as "clusterId", provider.name as "clusterAlias"
     from reporting_ocpusagereportperiod as period
     join public.api_provider as provider on provider.uuid = period.provider_id
     where period.provider_id = $1
         and period.report_period_start = $2::date::timestamp at time zone 'UTC'`,
    [sourceUuid, monthStart],
  );
  return rows[0];
}

/**
 * The first summary of a month decides its profile; later payloads keep it. Rebuilding the whole month applies the
 * current one, so a month never mixes profiles.
 */
async function rulesOfMonth(
  client: PoolClient,
  { sourceUuid, month, force }: PlanInput,
  profile: RulesProfile,
): Promise<RulesProfile> {
  const wholeMonth = force?.from === firstDay(month) && force.until === lastDay(month);
  return scalar<RulesProfile>(
    client,
    `insert into ocp_source_month as known (source_uuid, billing_month, rules)
     values ($1, $2, $3)
     on conflict (source_uuid, billing_month) do update
     set rules = case when $4 then excluded.rules else known.rules end
     returning rules`,
    [sourceUuid, firstDay(month), profile, wholeMonth],
  );
}

/** Days of a plan whose daily relations are not those of their live pieces, in order. */
export function daysBehind({ days }: DayPlan): UsageDay[] {
  return days.filter(({ areRelationsBehind }) => areRelationsBehind).map(({ usageDay }) => usageDay);
}
