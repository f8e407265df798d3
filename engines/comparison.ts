import type { Pool, PoolClient } from 'pg';
import { relationKeys, relationTables } from '../domain/reports/relations.ts';
import type { RelationTable } from '../domain/reports/relations.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import type { EngineName } from '../platform/config/config.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** Days of a source and month, to be computed by an engine beside the one that wrote them. */
export interface DaysToCompare {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  days: readonly UsageDay[];
}

/** Rows of a daily relation that only one engine has, or of which a value differs by more than a billionth. */
export interface RelationDifference {
  relation: RelationTable;
  rowCount: number;
  /** keys of the first few rows: names and ids of label sets */
  firstKeys: Readonly<Record<string, unknown>>[];
}

/** A day that both engines have computed from the same pieces. */
export interface ComparedDay {
  usageDay: UsageDay;
  /** none: it is equal */
  differences: RelationDifference[];
}

/** Days of a source and month as `status` shows them. */
export interface ComparedMonth {
  sourceUuid: string;
  /** null if the source is no longer registered */
  clusterAlias: string | null;
  month: BillingMonth;
  /** the engine that wrote nothing */
  shadow: EngineName;
  equalDayCount: number;
  differentDayCount: number;
  failedDayCount: number;
  differentRowCount: number;
  /** latest day with differences, and these */
  differentDay: UsageDay | null;
  differences: RelationDifference[] | null;
  /** why the latest failed day could not be compared */
  problem: string | null;
  /** ISO 8601, UTC */
  comparedAt: string;
}

const sql = {
  comparableDays: loadSql('engines/comparable_days.sql'),
  piecesMissing: loadSql('engines/pieces_missing.sql'),
  record: loadSql('engines/record_comparisons.sql'),
  list: loadSql('engines/list_comparisons.sql'),
};

/** Those days whose relations are what their live pieces add up to; another run brings the others up to date. */
export async function comparableDays(
  client: PoolClient,
  { sourceUuid, days }: Pick<DaysToCompare, 'sourceUuid' | 'days'>,
): Promise<UsageDay[]> {
  const inOrder = [...days].sort();
  const { rows } = await client.query<{ usage_day: UsageDay }>(sql.comparableDays, [
    sourceUuid,
    inOrder,
    inOrder[0],
    inOrder.at(-1),
  ]);
  return rows.map((row) => row.usage_day);
}

/** Live pieces of the days that the engine has to load first. */
export async function piecesToLoad(
  pool: Pool,
  { schema, sourceUuid, days }: DaysToCompare,
  engine: EngineName,
): Promise<number[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ piece_id: number }>(sql.piecesMissing, [sourceUuid, days, engine]),
  );
  return rows.map((row) => row.piece_id);
}

/** Compare the relations of some days with the waiting rows of an attempt; it only reads. */
export async function compareWaiting(
  client: PoolClient,
  { sourceUuid, days }: Pick<DaysToCompare, 'sourceUuid' | 'days'>,
  attempt: string,
): Promise<ComparedDay[]> {
  const compared = new Map(
    days.map((usageDay): [UsageDay, ComparedDay] => [usageDay, { usageDay, differences: [] }]),
  );
  for (const relation of relationTables) {
    const { rows } = await client.query<{
      usage_day: UsageDay;
      row_count: number;
      first_keys: RelationDifference['firstKeys'];
    }>('select * from ocp_relation_differences($1, $2, $3, $4, $5)', [
      relation,
      relationKeys[relation],
      attempt,
      sourceUuid,
      days,
    ]);
    for (const { usage_day, row_count: rowCount, first_keys: firstKeys } of rows)
      compared.get(usage_day)?.differences.push({ relation, rowCount, firstKeys });
  }
  return [...compared.values()];
}

/**
 * Record in the ledger what was compared, or that it could not be: the last comparison of a day counts. What another
 * run found during a comparison that failed stays.
 *
 * @param result.tookMs how long the failed comparison took, milliseconds
 */
export async function recordComparison(
  pool: Pool,
  { schema, sourceUuid }: Pick<DaysToCompare, 'schema' | 'sourceUuid'>,
  shadow: EngineName,
  result:
    | { compared: readonly ComparedDay[] }
    | { failedDays: readonly UsageDay[]; problem: string; tookMs: number },
): Promise<void> {
  const days =
    'compared' in result
      ? result.compared.map(({ usageDay, differences }) => ({
          usageDay,
          outcome: differences.length === 0 ? 'equal' : 'different',
          differences,
        }))
      : result.failedDays.map((usageDay) => ({ usageDay, outcome: 'failed', differences: [] }));
  await inTenantTransaction(pool, schema, (client) =>
    client.query(sql.record, [
      sourceUuid,
      shadow,
      days.map(({ usageDay }) => usageDay),
      days.map(({ outcome }) => outcome),
      days.map(({ differences }) => differences.reduce((sum, { rowCount }) => sum + rowCount, 0)),
      days.map(({ differences }) => JSON.stringify(differences)),
      'problem' in result ? result.problem : null,
      'tookMs' in result ? result.tookMs : 0,
    ]),
  );
}

/** What the comparisons of a tenant's days found last, latest month first. */
export async function listComparisons(pool: Pool, schema: string, limit: number): Promise<ComparedMonth[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<ComparedMonth>(sql.list, [limit]),
  );
  return rows;
}
