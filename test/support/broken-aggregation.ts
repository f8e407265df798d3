import type { TestDatabase } from './database.ts';

const step = 'ocp_insert_unallocated_rows';
const hidden = 'hidden_step';

type Tenant = Pick<TestDatabase, 'pool' | 'schema'>;

/** From here on no day of a tenant can be aggregated: a function is missing, which no retry brings back. */
export async function breakAggregation({ pool, schema }: Tenant): Promise<void> {
  await pool.query(`alter function ${schema}.${step}(date, date, uuid) rename to ${hidden}`);
}

/** The inverse of {@link breakAggregation}. */
export async function mendAggregation({ pool, schema }: Tenant): Promise<void> {
  await pool.query(`alter function ${schema}.${hidden}(date, date, uuid) rename to ${step}`);
}
