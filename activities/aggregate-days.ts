import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { addDays, firstDay, lastDay } from '../domain/time/usage-day.ts';
import type { RulesProfile } from '../platform/config/config.ts';
import { RollBack } from '../platform/database/database.ts';
import { addLogContext } from '../platform/observability/logging.ts';
import { dailySummaryTable } from '../domain/reports/summary-tables.ts';
import { measureAggregation } from '../platform/observability/metrics.ts';
import type { RebuildTable } from '../platform/observability/metrics.ts';
import { tryLockSource } from '../summary/source-lock.ts';
import { lockStaging, mostMissingNamed } from '../summary/staging-lock.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { refreshStagingStatistics } from '../summary/staging-statistics.ts';
import { tenantSettings } from '../platform/tenants/tenant.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import { inMonthTransaction } from '../summary/month-transaction.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import type { MonthInput, PiecesMissing } from '../summary/month-transaction.ts';

export interface AggregateDaysInput extends MonthInput {
  /** days to rebuild although nothing about them changed; the whole month also takes on the present rules profile */
  force?: { from: UsageDay; until: UsageDay };
}

export type AggregateDaysResult =
  /** another transaction of the source is running: ask again */
  { outcome: 'busy' } | PiecesMissing | { outcome: 'done'; dayCount: number; summaryRowCount: number };

interface ChangedDay {
  usage_day: UsageDay;
  pieces_hash: string;
  swept_piece_ids: string[];
  unloaded_count: number;
  is_foreign: boolean;
}

const sql = {
  chooseLive: loadSql('summary/daily/choose_live_generations.sql'),
  changedDays: loadSql('summary/daily/changed_days.sql'),
  recordDays: loadSql('summary/daily/record_days.sql'),
  markProcessed: loadSql('summary/daily/mark_processed.sql'),
};

/**
 * Bring the daily summary of a source and month up to date with the ledger: choose the live generation of every
 * (kind, day), and rebuild the days whose live pieces or settings differ from what they were built from. One transaction.
 * Which run asks does not matter; a second call finds nothing to do.
 *
 * @throws PipelineError `DayNotOurs` (not retried) when another writer summarised a day that nobody adopted
 */
export async function aggregateDays(
  deps: ActivityDependencies,
  input: AggregateDaysInput,
): Promise<AggregateDaysResult> {
  const overrides = await tenantSettings(deps.pool, input.schema);
  const profile = overrides.rules ?? deps.config.OCP_RULES;
  return measureAggregation((rebuild) =>
    withHeartbeat(async (_report, signal) => {
      await refreshStagingStatistics(deps.pool, input.schema, input.month, signal);
      try {
        return await inMonthTransaction(
          deps,
          input,
          (client) => rebuildChangedDays(client, input, profile, rebuild),
          signal,
        );
      } catch (error) {
        if (error instanceof RollBack) return error.result as AggregateDaysResult;
        throw error;
      }
    }),
  );
}

async function rebuildChangedDays(
  client: PoolClient,
  input: AggregateDaysInput,
  profile: RulesProfile,
  rebuild: RebuildTable,
): Promise<AggregateDaysResult> {
  const { sourceUuid } = input;
  const monthStart = firstDay(input.month);
  if (!(await tryLockSource(client, sourceUuid))) return { outcome: 'busy' };
  const source = await sourceOfMonth(client, sourceUuid, monthStart);
  // Nothing came for the month.
  if (source === undefined) return { outcome: 'done', dayCount: 0, summaryRowCount: 0 };
  addLogContext({ cluster_id: source.cluster_id });
  const rules = await rulesOfMonth(client, input, profile);
  await client.query(`select set_config('ocp.rules', $1, true)`, [rules]);
  // The sweep drops partitions: with this lock it cannot do so between the look at the ledger and the reading.
  await lockStaging(client);
  await client.query(sql.chooseLive, [sourceUuid, monthStart]);
  const settingsHash = await scalar<string>(client, 'select ocp_settings_hash($1, $2)', [
    rules,
    source.cluster_alias,
  ]);
  const { rows } = await client.query<ChangedDay>(sql.changedDays, [
    sourceUuid,
    monthStart,
    settingsHash,
    input.force?.from ?? null,
    input.force?.until ?? null,
  ]);
  const { days, waiting } = rebuildableDays(rows);
  // Also on days that are not rebuilt: the same lines under another manifest are summarised already.
  await client.query(sql.markProcessed, [sourceUuid, monthStart, waiting]);
  if (days.length === 0) return { outcome: 'done', dayCount: 0, summaryRowCount: 0 };

  let summaryRowCount = 0;
  for (const { from, until } of contiguousRanges(days.map((day) => day.usage_day))) {
    const { rowCount } = await rebuild(dailySummaryTable, async () => ({
      rowCount: await scalar<number>(
        client,
        'select populate_daily_summary_from_staging($1, $2, $3, $4, $5, $6)',
        [from, until, source.report_period_id, source.cluster_id, source.cluster_alias, sourceUuid],
      ),
    }));
    summaryRowCount += rowCount;
  }
  const usageDays = days.map((day) => day.usage_day);
  await client.query(sql.recordDays, [
    sourceUuid,
    usageDays,
    days.map((day) => day.pieces_hash),
    settingsHash,
    rules,
  ]);
  return { outcome: 'done', dayCount: days.length, summaryRowCount };
}

/**
 * The changed days that can be rebuilt now, and those that keep their summary until their pieces are loaded.
 * @throws RollBack with the pieces to load first, when the sweep has dropped some
 */
function rebuildableDays(changed: readonly ChangedDay[]): { days: ChangedDay[]; waiting: UsageDay[] } {
  const foreign = changed.filter((day) => day.is_foreign).map((day) => day.usage_day);
  if (foreign[0] !== undefined)
    throw new PipelineError(
      'DayNotOurs',
      `${foreign.length} days from ${foreign[0]} on were summarised by another writer; to replace them: ` +
        `ocp-pipeline source adopt --from ${foreign[0]}`,
      { details: { days: foreign } },
    );
  const waiting = changed.filter((day) => day.unloaded_count > 0).map((day) => day.usage_day);
  if (waiting.length > 0) log.warn('days keep their data: live pieces are not loaded', { days: waiting });
  const days = changed.filter((day) => day.unloaded_count === 0);
  const missing = days.flatMap((day) => day.swept_piece_ids.map(Number));
  if (missing.length > 0)
    throw new RollBack<AggregateDaysResult>({
      outcome: 'missing',
      pieceIds: missing.slice(0, mostMissingNamed),
    });
  return { days, waiting };
}

interface SourceOfMonth {
  report_period_id: number;
  cluster_id: string;
  cluster_alias: string;
}

/** Report period of the month and the source's present name; undefined when nothing arrived for the month. */
async function sourceOfMonth(
  client: PoolClient,
  sourceUuid: string,
  monthStart: UsageDay,
): Promise<SourceOfMonth | undefined> {
  const { rows } = await client.query<SourceOfMonth>(
    `select period.id as report_period_id, period.cluster_id, provider.name as cluster_alias
     from reporting_ocpusagereportperiod as period
     join public.api_provider as provider on provider.uuid = period.provider_id
     where period.provider_id = $1
         and period.report_period_start = $2::date::timestamp at time zone 'UTC'`,
    [sourceUuid, monthStart],
  );
  return rows[0];
}

/**
 * The first summary of a month decides its profile; payloads that come later keep it. Rebuilding the whole month takes on
 * the present one: a month is never of two profiles.
 */
async function rulesOfMonth(
  client: PoolClient,
  { sourceUuid, month, force }: AggregateDaysInput,
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

/** Days in order, as ranges without gaps. */
function contiguousRanges(days: readonly UsageDay[]): { from: UsageDay; until: UsageDay }[] {
  const ranges: { from: UsageDay; until: UsageDay }[] = [];
  for (const day of days) {
    const last = ranges.at(-1);
    if (last !== undefined && addDays(last.until, 1) === day) last.until = day;
    else ranges.push({ from: day, until: day });
  }
  return ranges;
}

async function scalar<T>(client: PoolClient, text: string, values: unknown[]): Promise<T> {
  const { rows } = await client.query<Record<string, T>>(text, values);
  const value = rows[0] && Object.values(rows[0])[0];
  if (value === undefined) throw new Error(`expected one value, found none: ${text}`);
  return value;
}
