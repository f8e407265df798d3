import type { PoolClient } from 'pg';
import type { SettingsChange } from '../domain/run/resummarize.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** A recalculation that Koku's API has asked for. */
export type DelayedTask = Required<SettingsChange> & { sourceUuid: string; month: BillingMonth };

const delayedTasksSql = loadSql('summary/settings/delayed_tasks.sql');

/**
 * Take the recalculations that Koku's API has put down for a tenant, where its table exists: its own workers are not
 * there to do them. A row goes once all its months were requested, in the caller's transaction; rows of other sources,
 * of months of which we have no day, and of other tasks stay.
 *
 * @param request starts the recalculation of a month; repeated if the transaction fails afterwards
 * @returns recalculations requested; several rows about the same make one
 */
export async function takeDelayedTasks(
  client: PoolClient,
  schema: string,
  currentMonth: BillingMonth,
  request: (task: DelayedTask) => Promise<void>,
): Promise<number> {
  const known = await client.query<{ exists: boolean }>(
    `select to_regclass('public.delayed_celery_tasks') is not null as exists`,
  );
  if (known.rows[0]?.exists !== true) return 0;
  const { rows } = await client.query<DelayedTask & { taskId: string }>(delayedTasksSql, [
    schema,
    currentMonth,
  ]);
  const requested = new Set<string>();
  for (const { sourceUuid, month, settingsHash, step } of rows) {
    const key = [sourceUuid, month, step].join(' ');
    if (!requested.has(key)) await request({ sourceUuid, month, settingsHash, step });
    requested.add(key);
  }
  await client.query('delete from public.delayed_celery_tasks where id = any($1::bigint[])', [
    rows.map(({ taskId }) => taskId),
  ]);
  return requested.size;
}
