import type { Pool } from 'pg';
import { inTenantTransaction } from '../platform/database/database.ts';

/** What Koku takes where nobody has chosen a currency. */
export const fallbackCurrency = 'USD';

/**
 * The currency of a cost model whose document names none: the one that the organisation chose in Koku
 * (`user_settings`, which only databases of Koku have), else {@link fallbackCurrency}. Koku's cost-models API takes the
 * same.
 */
export async function organisationCurrency(pool: Pool, schema: string): Promise<string> {
  return inTenantTransaction(pool, schema, async (client) => {
    const { rows: tables } = await client.query<{ isThere: boolean }>(
      `select to_regclass('user_settings') is not null as "isThere"`,
    );
    if (tables[0]?.isThere !== true) return fallbackCurrency;
    const { rows } = await client.query<{ currency: string | null }>(
      `select settings ->> 'currency' as currency from user_settings limit 1`,
    );
    return rows[0]?.currency ?? fallbackCurrency;
  });
}
