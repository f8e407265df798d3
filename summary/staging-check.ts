import type { Pool } from 'pg';
import { reportKinds } from '../domain/reports/report-kind.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** A month of a source for which the rows in staging differ from the ledger. */
export interface MiscountedMonth {
  orgId: string;
  clusterId: string;
  month: BillingMonth;
  reportKind: ReportKind;
  /** days that differ, and the first of them */
  dayCount: number;
  firstDay: UsageDay;
  /** rows of the pieces that differ, by the ledger and in staging */
  expected: number;
  found: number;
}

const miscountedDaysSql = loadSql('status/miscounted_days.sql');
/** Time limit for counting one kind: a check must not become a load of its own. */
const maxCountTime = '10s';
const maxMonths = 100;

/**
 * Count the rows of every live piece of a tenant that the ledger lists as staged, kind by kind.
 * @returns the months that differ, and the kinds with more rows than can be counted in ten seconds
 */
export async function checkStaging(
  pool: Pool,
  schema: string,
): Promise<{ miscounted: MiscountedMonth[]; notCounted: ReportKind[] }> {
  const miscounted: MiscountedMonth[] = [];
  const notCounted: ReportKind[] = [];
  for (const reportKind of reportKinds) {
    try {
      const rows = await inTenantTransaction(pool, schema, async (client) => {
        await client.query(`set local statement_timeout = '${maxCountTime}'`);
        return (
          await client.query<Omit<MiscountedMonth, 'reportKind'>>(miscountedDaysSql, [reportKind, maxMonths])
        ).rows;
      });
      miscounted.push(...rows.map((row) => ({ ...row, reportKind })));
    } catch (error) {
      if ((error as { code?: unknown }).code !== '57014') throw error;
      notCounted.push(reportKind);
    }
  }
  return { miscounted, notCounted };
}
