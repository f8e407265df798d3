import { inTenantTransaction } from '../platform/database/database.ts';
import { DEFAULT_RETENTION_MONTHS } from '../domain/time/retention.ts';
import type { RetentionMonths } from '../domain/time/retention.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

const minMonths = 3;
const maxMonths = 120;

/**
 * Months kept, including the current one: `RETAIN_NUM_MONTHS` if it differs from its default, else the tenant's own
 * setting, else the default. Used for payloads, for rows and by the purge, which must agree (DOMAIN §1.7, §10.4): a
 * setting that cannot be read is no reason to remove data or to leave it out.
 */
export async function retentionMonths(deps: ActivityDependencies, schema: string): Promise<RetentionMonths> {
  const configured = deps.config.RETAIN_NUM_MONTHS;
  if (configured !== DEFAULT_RETENTION_MONTHS) return { months: configured };
  try {
    const { rows } = await inTenantTransaction(deps.pool, schema, (client) =>
      client.query<{ data_retention_months: number }>(
        'select data_retention_months from tenant_settings order by id',
      ),
    );
    const months = rows[0]?.data_retention_months ?? DEFAULT_RETENTION_MONTHS;
    if (rows.length <= 1 && months >= minMonths && months <= maxMonths) return { months };
    return {
      unreadable: `tenant_settings.data_retention_months: expected one row with ${minMonths} to ${maxMonths}, found ${rows.map((row) => row.data_retention_months).join(', ')}`,
    };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // Class 42: the table or column is missing or not readable. Anything else is an outage, and retried.
    if (code?.startsWith('42') === true) return { unreadable: `tenant_settings: ${message}` };
    throw error;
  }
}
