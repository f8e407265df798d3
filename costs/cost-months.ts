import type { Pool } from 'pg';
import { addDays, addMonths, firstDay } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import type { EngineName } from '../platform/config/config.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** What the costs of a source and month are based on. */
export interface CostMonth {
  sourceUuid: string;
  clusterId: string;
  month: BillingMonth;
  /** what makes its daily relations; null: not decided */
  engine: EngineName | null;
  modelUuid: string | null;
  /** null: no model, or one that was removed since */
  modelName: string | null;
  /** null: none is valid in the month, or it was removed since */
  priceList: string | null;
  priceListVersion: number | null;
  /** since when they are based on this model, list and version; null: never computed */
  since: Date | null;
  appliedAt: Date | null;
  /** days that we summarised, and those of them without costs of their present summary */
  dayCount: number;
  unpricedDayCount: number;
  /** the settings differ from those that the costs were computed with */
  hasChanged: boolean;
  /** models that the source has now, by name; with more than one it is not priced */
  models: string[];
  /** free GPUs: due: distributed; month: once the month is over; days: once every day is ours; null: never */
  freeGpus: 'due' | 'month' | 'days' | null;
  /** days of another writer that they wait for */
  foreignDays: UsageDay[];
}

const costMonthsSql = loadSql('costs/cost_months.sql');

/** The months of a tenant of which we have days, newest first. */
export async function listCostMonths(
  pool: Pool,
  schema: string,
  { today, limit }: { today: UsageDay; limit: number },
): Promise<CostMonth[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<CostMonth>(costMonthsSql, [today, limit]),
  );
  return rows;
}

/** What costs are based on, in words. */
export function basisOf({ modelName, modelUuid, priceList, priceListVersion }: CostMonth): string {
  if (modelUuid === null) return 'no cost model';
  const list =
    priceList === null ? 'no valid price list' : `"${priceList}" version ${String(priceListVersion)}`;
  return `${modelName ?? 'a removed model'}, ${list}`;
}

/** What a reader of the costs should know, one sentence each. */
export function remarksOf(month: CostMonth, orgId: string): string[] {
  const { models, dayCount, unpricedDayCount, hasChanged, since, freeGpus, foreignDays, clusterId } = month;
  const remarks: string[] = [];
  if (models.length > 1)
    remarks.push(
      `not priced: it has ${models.length} cost models (${models.join(', ')}); take all but one away: ` +
        `ocp-pipeline cost-model assign NAME --remove --org ${orgId} --cluster ${clusterId}`,
    );
  if (unpricedDayCount > 0) remarks.push(`${unpricedDayCount} of ${dayCount} days are not priced yet`);
  else if (hasChanged && since !== null)
    remarks.push(
      'the cost model has changed since; cost-model apply --from-month, or resummarize, applies it',
    );
  if (freeGpus === 'month')
    remarks.push(`free GPUs are distributed on ${addDays(firstDay(addMonths(month.month, 1)), 1)}`);
  if (freeGpus === 'days')
    remarks.push(
      `free GPUs are not distributed: another writer has ${foreignDays.length} days from ${foreignDays[0] ?? ''} on; ` +
        `ocp-pipeline source adopt --org ${orgId} --cluster ${clusterId} --from ${foreignDays[0] ?? ''}`,
    );
  return remarks;
}
