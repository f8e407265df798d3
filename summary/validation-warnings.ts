import type { Pool } from 'pg';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** A check that the summary of a day failed when it was validated last. */
export interface ValidationWarning {
  sourceUuid: string;
  /** null if the source is no longer registered */
  clusterAlias: string | null;
  usageDay: UsageDay;
  /** version of the day's summary that was checked */
  version: number;
  /** what was compared; the unit is in the name */
  checkName: string;
  /** value computed from staging, or required by an identity */
  expected: number;
  /** value in the daily summary */
  found: number;
  /** ISO 8601, UTC */
  notedAt: string;
}

export interface ValidationWarningFilter {
  sourceUuid?: string;
  /** first day */
  from?: UsageDay;
  /** last day, included */
  until?: UsageDay;
  /** maximum number of rows */
  limit: number;
}

const listWarningsSql = loadSql('summary/validate/list_warnings.sql');

/** Warnings of a tenant's sources, latest day first. */
export async function listValidationWarnings(
  pool: Pool,
  schema: string,
  { sourceUuid, from, until, limit }: ValidationWarningFilter,
): Promise<ValidationWarning[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<ValidationWarning>(listWarningsSql, [
      sourceUuid ?? null,
      from ?? null,
      until ?? null,
      limit,
    ]),
  );
  return rows;
}
