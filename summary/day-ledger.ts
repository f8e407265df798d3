import type { PoolClient } from 'pg';
import { stepNamed } from '../domain/run/steps.ts';
import type { StepName } from '../domain/run/steps.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';

/** A source and month, in a transaction that may write its ledger. */
export interface LedgerMonth {
  client: PoolClient;
  sourceUuid: string;
  /** first day of the month */
  monthStart: UsageDay;
  /** day of the clock that the settings of steps depend on */
  today: UsageDay;
}

/**
 * Days of a source and month for which a step is behind their summary, or was done with other values of its own
 * settings, in order.
 *
 * @param hash of the step's own settings, {@link settingsHash}
 */
export async function daysBehind(
  { client, sourceUuid, monthStart }: LedgerMonth,
  step: StepName,
  hash?: string,
): Promise<UsageDay[]> {
  const { settings } = stepNamed(step);
  const behind = [`${columnOf(step)} is distinct from version`];
  const values: unknown[] = [sourceUuid, monthStart];
  if (settings !== null) {
    behind.push(`${settings.column} is distinct from nullif($3, '')`);
    values.push(hashGiven(step, hash));
  }
  const { rows } = await client.query<{ usage_day: UsageDay }>(
    `select usage_day
     from ocp_day
     where source_uuid = $1
         and usage_day >= $2::date
         and usage_day < ($2::date + interval '1 month')::date
         and (${behind.join(' or ')})
     order by usage_day`,
    values,
  );
  return rows.map((row) => row.usage_day);
}

/** Hash of the settings that a step owns, as they are now. */
export async function settingsHash(
  { client, sourceUuid, monthStart, today }: LedgerMonth,
  step: StepName,
): Promise<string> {
  const { settings } = stepNamed(step);
  if (settings === null) throw new Error(`step ${step} owns no settings`);
  const { rows } = await client.query<{ hash: string }>(
    `select coalesce(${settings.hash}($1, $2::date, $3::date), '') as hash`,
    [sourceUuid, monthStart, today],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`${settings.hash} returned no row`);
  return row.hash;
}

/**
 * Record that a step was done for the current version of days of a month; later steps that read its output are behind
 * again.
 *
 * @param hash of the step's own settings as it read them, {@link settingsHash}; those of now may be others already
 */
export async function recordStep(
  { client, sourceUuid }: LedgerMonth,
  step: StepName,
  days: readonly UsageDay[],
  hash?: string,
): Promise<void> {
  const { settings, takesBack } = stepNamed(step);
  const noted = [`${columnOf(step)} = version`, ...takesBack.map((column) => `${column} = null`)];
  const values: unknown[] = [sourceUuid, days];
  if (settings !== null) {
    noted.push(`${settings.column} = nullif($3, '')`);
    values.push(hashGiven(step, hash));
  }
  await client.query(
    `update ocp_day
     set ${noted.join(', ')}
     where source_uuid = $1
         and usage_day = any($2::date[])`,
    values,
  );
}

/** Empty: the settings have no hash. */
function hashGiven(step: StepName, hash: string | undefined): string {
  if (hash === undefined) throw new Error(`step ${step} must say which settings it read`);
  return hash;
}

/** Column names come from the list of steps, never from outside. */
function columnOf(step: StepName): string {
  const { column } = stepNamed(step);
  if (column === null) throw new Error(`step ${step} has no version column in ocp_day`);
  return column;
}
