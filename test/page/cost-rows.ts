import { randomUUID } from 'node:crypto';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { ensureMonthlyPartitions } from '../../platform/database/partitions.ts';
import type { TestDatabase } from '../support/database.ts';

/** What a project of a cluster costs on a day: its own cost, and what it receives or, as a pool, gives away. */
export interface CostRow {
  project: string;
  day: string;
  own: number;
  received?: number;
  /** the row has a cost category, which the project's other rows may not have */
  hasCategory?: boolean;
  /** the own cost is of a cloud's bill, in this currency */
  currency?: string;
}

const table = 'reporting_ocp_cost_summary_by_project_p';

/** Write costs by project as the summary does: a row for the own cost and one for the share. */
export async function addCosts(
  database: TestDatabase,
  cluster: { sourceUuid: string; clusterId: string },
  rows: readonly CostRow[],
): Promise<void> {
  const { pool, schema } = database;
  const months = [...new Set(rows.map(({ day }) => day.slice(0, 7)))];
  const own = await pool.connect();
  await ensureMonthlyPartitions(own, { schema, tables: summaryTableNames, months }).finally(() =>
    own.release(),
  );
  await inTenantTransaction(pool, schema, async (client) => {
    const { rows: found } = await client.query<{ id: number }>(
      'select id from reporting_ocp_cost_category order by id limit 1',
    );
    const columns = rows.flatMap(({ project, day, own, received, hasCategory, currency }) => {
      const ofRow = (more: Record<string, unknown>) => ({
        id: randomUUID(),
        cluster_id: cluster.clusterId,
        cluster_alias: 'alias',
        source_uuid: cluster.sourceUuid,
        namespace: project,
        usage_start: day,
        usage_end: day,
        cost_category_id: hasCategory === true ? found[0]?.id : null,
        ...more,
      });
      const cost =
        currency === undefined
          ? { cost_model_rate_type: 'Supplementary', cost_model_cpu_cost: own }
          : { infrastructure_raw_cost: own, raw_currency: currency };
      const share = { cost_model_rate_type: 'platform_distributed', distributed_cost: received };
      return [ofRow(cost), ...(received === undefined ? [] : [ofRow(share)])];
    });
    await client.query(`insert into ${table} select (jsonb_populate_recordset(null::${table}, $1)).*`, [
      JSON.stringify(columns),
    ]);
  });
}
