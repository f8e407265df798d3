import type { PoolClient } from 'pg';
import { loadSql } from '../platform/database/sql-files.ts';
import type { DayPlan } from './plan.ts';

const recordDaysSql = loadSql('summary/daily/record_days.sql');

/**
 * Record, in the transaction that rebuilt them, what the days of a plan were built from, and increment their versions.
 */
export async function recordDays(client: PoolClient, plan: DayPlan): Promise<void> {
  await client.query(recordDaysSql, [
    plan.sourceUuid,
    plan.days.map((day) => day.usageDay),
    plan.days.map((day) => day.piecesHash),
    plan.settingsHash,
    plan.rules,
  ]);
}
