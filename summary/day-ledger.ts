import type { PoolClient } from 'pg';
import { stepNamed } from '../domain/run/steps.ts';
import type { StepName } from '../domain/run/steps.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';

/**
 * Days of a source and month for which a step is behind their summary, in order.
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
         and ${columnOf(step)} is distinct from version
     order by usage_day`,
    [sourceUuid, monthStart],
  );
  return rows.map((row) => row.usage_day);
}

/** Note that a step was done for the present version of days; later steps that read what it wrote are behind again. */
export async function recordStep(
  client: PoolClient,
  step: StepName,
  sourceUuid: string,
  days: readonly UsageDay[],
): Promise<void> {
  const takenBack = stepNamed(step).takesBack.map((column) => `, ${column} = null`);
  await client.query(
    `update ocp_day
     set ${columnOf(step)} = version${takenBack.join('')}
     where source_uuid = $1
         and usage_day = any($2::date[])`,
    [sourceUuid, days],
  );
}

/** Names of columns come from the list of steps, never from outside. */
function columnOf(step: StepName): string {
  const { column } = stepNamed(step);
  if (column === null) throw new Error(`step ${step} keeps no note in ocp_day`);
  return column;
}
