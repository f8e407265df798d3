import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import type { UsageDay } from '../domain/time/usage-day.ts';
import type { RulesProfile } from '../platform/config/config.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { recordDiscrepancies } from '../platform/observability/metrics.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { forgetCachedAnswers } from '../summary/cached-answers.ts';
import { recordStep } from '../summary/day-ledger.ts';
import { runStep } from '../summary/month-step.ts';
import type { MonthInput, StepAnswer, StepMonth } from '../summary/month-step.ts';

/** dayCount: days validated now; warningCount: checks that they failed */
export type ValidateDaysResult = StepAnswer<{ dayCount: number; warningCount: number }>;

/**
 * A check of one day: a value that the daily relations or an identity demand, and the one that the daily summary holds.
 */
export interface DayCheck {
  check_name: string;
  expected: number;
  found: number;
  /** magnitude of the values that were summed: rounding errors grow with it */
  scale: number;
}

interface DayBehind {
  usage_day: UsageDay;
  version: number;
  rules: RulesProfile;
  is_current: boolean;
}

interface DayWarnings {
  usageDay: UsageDay;
  version: number;
  failed: DayCheck[];
}

const sql = {
  plans: loadSql('summary/settings/summary_plans.sql'),
  hashedJoins: loadSql('summary/validate/hashed_joins.sql'),
  daysBehind: loadSql('summary/validate/days_behind.sql'),
  podUsage: loadSql('summary/validate/pod_usage.sql'),
  storageUsage: loadSql('summary/validate/storage_usage.sql'),
  distributedCost: loadSql('summary/validate/distributed_cost.sql'),
  hoursSentTwice: loadSql('summary/validate/hours_sent_twice.sql'),
  forgetWarnings: loadSql('summary/validate/forget_warnings.sql'),
  noteWarnings: loadSql('summary/validate/note_warnings.sql'),
};

/**
 * Compare the daily summary with the daily relations for the days of a source and month whose summary is newer than
 * its validation: row counts, CPU and memory hours, claims, and the identities that capacity and distributed cost obey.
 * A discrepancy is recorded in `ocp_validation_warning` and logged as a warning; it never blocks anything.
 * Then Koku's cached answers about the tenant are deleted.
 * A day whose pieces or settings have changed since it was summarised is left to the run that rebuilds it.
 * One transaction. Rerun: replaces the days' warnings; a second call finds no day behind.
 */
export async function validateDays(
  deps: ActivityDependencies,
  input: MonthInput,
): Promise<ValidateDaysResult> {
  const answer = await runStep(deps, 'validate', input, validateBehind);
  if (answer.outcome !== 'done') return answer;
  const { validated } = answer;
  const warnings = validated.filter(({ failed }) => failed.length > 0);
  for (const { usageDay, version, failed } of warnings)
    log.warn('daily summary differs from the daily relations', {
      sourceUuid: input.sourceUuid,
      usageDay,
      version,
      checks: failed.map(({ check_name: check, expected, found }) => ({ check, expected, found })),
    });
  const warningCount = warnings.reduce((count, { failed }) => count + failed.length, 0);
  recordDiscrepancies(warningCount);
  // The last step of every chain: whatever the run has changed is committed.
  await forgetCachedAnswers(deps, input.schema);
  return { outcome: 'done', dayCount: validated.length, warningCount };
}

async function validateBehind(month: StepMonth): Promise<{ validated: DayWarnings[] }> {
  const { client, sourceUuid, monthStart } = month;
  const behind = await client.query<DayBehind>(sql.daysBehind, [sourceUuid, monthStart]);
  const days = behind.rows.filter((day) => day.is_current);

  await client.query(sql.plans);
  await client.query(sql.hashedJoins);
  const validated: DayWarnings[] = [];
  for (let first = 0; first < days.length; first += daysAtOnce) {
    const some = days.slice(first, first + daysAtOnce);
    const [from, until] = [some[0]?.usage_day, some.at(-1)?.usage_day];
    await client.query('select ocp_gather_labels($1, $2, $3)', [from, until, sourceUuid]);
    for (const day of some) {
      const checks = await checksOfDay(client, sourceUuid, day);
      validated.push({ usageDay: day.usage_day, version: day.version, failed: checks.filter(isDiscrepancy) });
    }
  }
  await recordWarnings(month, validated);
  return { validated };
}

/**
 * Days whose labels are gathered together: that takes a few milliseconds, however few there are. Every day then reads
 * the labels of all, so that it must not be many.
 */
const daysAtOnce = 7;

/** One day at a time: memory use does not grow with the number of days behind. */
async function checksOfDay(client: PoolClient, sourceUuid: string, day: DayBehind): Promise<DayCheck[]> {
  const { usage_day: usageDay, rules } = day;
  const results = [
    await client.query<DayCheck>(sql.podUsage, [sourceUuid, usageDay, rules]),
    await client.query<DayCheck>(sql.storageUsage, [sourceUuid, usageDay, rules]),
    await client.query<DayCheck>(sql.distributedCost, [sourceUuid, usageDay]),
    await client.query<DayCheck>(sql.hoursSentTwice, [sourceUuid, usageDay]),
  ];
  return results.flatMap(({ rows }) => rows);
}

/**
 * Whether two values differ by more than rounding: 1e-9 of the summed magnitude, or 1e-6 if that is more. A value that
 * is not a number is a discrepancy.
 */
export function isDiscrepancy({ expected, found, scale }: Omit<DayCheck, 'check_name'>): boolean {
  const withinRounding = Math.abs(found - expected) <= Math.max(1e-6, 1e-9 * scale);
  return !withinRounding;
}

async function recordWarnings(month: StepMonth, validated: readonly DayWarnings[]): Promise<void> {
  if (validated.length === 0) return;
  const { client, sourceUuid } = month;
  const days = validated.map(({ usageDay }) => usageDay);
  await client.query(sql.forgetWarnings, [sourceUuid, days]);
  const failed = validated.flatMap((day) =>
    day.failed.map((check) => ({ usageDay: day.usageDay, ...check })),
  );
  if (failed.length > 0)
    await client.query(sql.noteWarnings, [
      sourceUuid,
      failed.map(({ usageDay }) => usageDay),
      failed.map(({ check_name }) => check_name),
      failed.map(({ expected }) => expected),
      failed.map(({ found }) => found),
    ]);
  await recordStep(month, 'validate', days);
}
