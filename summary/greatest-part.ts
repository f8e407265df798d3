import { PipelineError } from '../domain/failures/failures.ts';
import { firstDay, lastDay } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction, RollBack } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

interface GreatestPart {
  column_name: string;
  amount: number;
  unit: string;
  most: number;
  usage_day: UsageDay;
  /** null, as the file: the day is no longer in staging */
  manifest_id: number | null;
  file_name: string | null;
}

const sql = {
  chooseLive: loadSql('summary/daily/choose_live_generations.sql'),
  greatestPart: loadSql('summary/daily/greatest_part.sql'),
};

/** PostgreSQL's `numeric_value_out_of_range`. */
export function isOutOfRange(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === '22003';
}

/**
 * Find out what made a number of a month too large for the summary tables. Every single value fits
 * (`domain/reports/report-kind.ts`), so it is a sum of implausible values, or a value in staging that was accepted
 * before the limits were what they are now. Nothing is changed.
 * @returns `DataDoesNotFit`, not retried, which names the file, day and column with the largest contribution (day and
 *   column only, if the day is no longer in staging); the error itself if the month has no data
 */
export async function doesNotFit(
  { pool }: ActivityDependencies,
  { schema, sourceUuid, month }: { schema: string; sourceUuid: string; month: BillingMonth },
  error: Error,
): Promise<Error> {
  const part = await greatestPart();
  if (part === undefined) return error;
  const { column_name: column, amount, unit, most, usage_day: usageDay } = part;
  const { file_name: fileName, manifest_id: manifestId } = part;
  const isStaged = fileName !== null && manifestId !== null;
  const where = isStaged ? ` in file ${fileName} of manifest ${manifestId}` : ' (no longer in staging)';
  const advice = isStaged
    ? 'Decide "abandon" for the run of that manifest, and have the report sent again with plausible numbers'
    : 'Have the reports of that day sent again with plausible numbers, then decide "retry"';
  return new PipelineError(
    'DataDoesNotFit',
    `The numbers of ${month} of source ${sourceUuid} do not fit the summary tables (${error.message}). The largest contribution: ` +
      `${column} of ${usageDay}${where} comes to ${amount.toPrecision(3)} ${unit}; ` +
      `a column must stay below ${most}. ${advice}`,
    { details: { column, usageDay, ...(isStaged && { fileName, manifestId }) }, cause: error },
  );

  async function greatestPart(): Promise<GreatestPart | undefined> {
    try {
      return await inTenantTransaction(pool, schema, async (client) => {
        // The choices of the failed transaction were rolled back with it.
        await client.query(sql.chooseLive, [sourceUuid, firstDay(month)]);
        const { rows } = await client.query<GreatestPart>(sql.greatestPart, [
          sourceUuid,
          firstDay(month),
          lastDay(month),
        ]);
        throw new RollBack(rows[0]);
      });
    } catch (thrown) {
      if (thrown instanceof RollBack) return thrown.result as GreatestPart | undefined;
      throw thrown;
    }
  }
}
