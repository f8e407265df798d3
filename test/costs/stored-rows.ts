import { inTenantTransaction } from '../../platform/database/database.ts';
import type { TestDatabase } from '../support/database.ts';

/** Rows of a query in the tenant. */
export async function tenantRows<Row extends object>(
  database: TestDatabase,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return inTenantTransaction(database.pool, database.schema, async (client) => {
    const { rows } = await client.query<Row>(text, values);
    return rows;
  });
}

/** The tables that a cost model has rows in. */
export const costTables = [
  'cost_model',
  'cost_model_map',
  'price_list',
  'price_list_cost_model_map',
  'cost_model_rate',
] as const;

/** Every row of these tables as text, dates and ids included: equal when nothing was written. */
export async function allCostRows(database: TestDatabase): Promise<string[]> {
  const found = costTables.map((table) =>
    tenantRows<{ row: string }>(
      database,
      `select '${table} ' || t::text || t.xmin as row from ${table} as t`,
    ),
  );
  return (await Promise.all(found)).flatMap((rows) => rows.map(({ row }) => row)).sort();
}
