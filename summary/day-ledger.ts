import type { PoolClient } from 'pg';
import { stepNamed } from '../domain/run/steps.ts';
import type { StepName } from '../domain/run/steps.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';

/**
 * Days of a source and month for which a step is behind their summary, or was done with other values of its own
 * settings, in order.
 *
 * @param monthStart first day of the month
 */
export async function daysBehind(
  client: PoolClient,
  step: StepName,
  sourceUuid: string,
  monthStart: UsageDay,
): Promise<UsageDay[]> {
  const { rows } = await client.query<{ usage_day: UsageDay }>(
    `select usage_day
     from ocp_day
     where source_uuid = $1
         and usage_day >= $2::date
         and usage_day < ($2::date + interval '1 month')::date
         and (${isBehind(step).join(' or ')})
     order by usage_day`,
    [sourceUuid, monthStart],
  );
  return rows.map((row) => row.usage_day);
}

/**
 * Record that a step was done for the current version of days of a month, with the current settings; later steps that
 * read its output are behind again.
 */
export async function recordStep(
  client: PoolClient,
  step: StepName,
  sourceUuid: string,
  days: readonly UsageDay[],
): Promise<void> {
  const { settings, takesBack } = stepNamed(step);
  const noted = [
    `${columnOf(step)} = version`,
    ...(settings === null
      ? []
      : [`${settings.column} = (select ${settings.hash}($1, min(day)) from unnest($2::date[]) as day)`]),
    ...takesBack.map((column) => `${column} = null`),
  ];
  await client.query(
    `update ocp_day
     set ${noted.join(', ')}
     where source_uuid = $1
         and usage_day = any($2::date[])`,
    [sourceUuid, days],
  );
}

function isBehind(step: StepName): string[] {
  const { settings } = stepNamed(step);
  const behind = [`${columnOf(step)} is distinct from version`];
  if (settings !== null)
    behind.push(`${settings.column} is distinct from (select ${settings.hash}($1, $2::date))`);
  return behind;
}

/** Column names come from the list of steps, never from outside. */
function columnOf(step: StepName): string {
  const { column } = stepNamed(step);
  if (column === null) throw new Error(`step ${step} has no version column in ocp_day`);
  return column;
}
