import { setTimeout as delay } from 'node:timers/promises';
import { Context, log } from '@temporalio/activity';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { piecesToLoad, recordComparison } from '../engines/comparison.ts';
import type { ComparedDay } from '../engines/comparison.ts';
import { engineOfMonth, engineOfTenant, shadowOfMonth } from '../engines/engine-of-month.ts';
import type { Attempt } from '../summary/month-step.ts';
import { engines } from '../engines/engines.ts';
import type { EngineName } from '../platform/config/config.ts';
import { recordComparedDays } from '../platform/observability/metrics.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { failureMessage } from '../platform/temporal/activity-failure.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import { tenantSettings } from '../platform/tenants/tenant.ts';
import { ensurePartitionsOf } from '../summary/ensure-partitions.ts';
import { convertReportDay, ledgerPiece } from './convert-report-day.ts';
import { stagePiece } from './load-report-day.ts';

export interface CompareEnginesInput {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  /** days whose relations the month's own engine has just built */
  days: UsageDay[];
}

export interface CompareEnginesResult {
  /** off: the tenant is no longer in shadow; failed: the shadow could not do it, which is logged and recorded */
  outcome: 'off' | 'equal' | 'different' | 'failed';
  /** days compared; another run compares those that it changed meanwhile */
  dayCount: number;
  differentRowCount: number;
}

/** Rebuilds of the same days that may come in between. */
const maxTries = 10;
const pauseMs = 2_000;

/**
 * For a tenant in shadow: compute the daily relations of days with the engine that their month is not on, and compare
 * them with those that are there, to a billionth. Differences are logged, counted and recorded; relations and summaries
 * are not touched. So are failures of the shadow: this activity fails only when it is stopped, and its caller goes on
 * without it.
 */
export async function compareEngines(
  deps: ActivityDependencies,
  input: CompareEnginesInput,
): Promise<CompareEnginesResult> {
  const { schema, sourceUuid, days } = input;
  const settings = await tenantSettings(deps.pool, schema);
  const own = await engineOfMonth(deps.pool, input, engineOfTenant(deps.config, settings));
  const shadow = shadowOfMonth(settings, own);
  if (shadow === undefined) return { outcome: 'off', dayCount: 0, differentRowCount: 0 };
  const begunAt = performance.now();
  try {
    const compared = await withHeartbeat((report, signal) =>
      compareWith(deps, input, shadow, { report, signal }),
    );
    await recordComparison(deps.pool, input, shadow, { compared });
    return tell(input, shadow, compared);
  } catch (error) {
    if (Context.current().cancellationSignal.aborted) throw error;
    const problem = failureMessage(error);
    log.warn('the shadow engine could not compute days; their tables are those of the other engine', {
      schema,
      provider_uuid: sourceUuid,
      engine: shadow,
      days,
      problem,
    });
    recordComparedDays(shadow, 'failed', days.length);
    await recordComparison(deps.pool, input, shadow, {
      failedDays: days,
      problem,
      tookMs: performance.now() - begunAt,
    });
    return { outcome: 'failed', dayCount: 0, differentRowCount: 0 };
  }
}

async function compareWith(
  deps: ActivityDependencies,
  input: CompareEnginesInput,
  shadow: EngineName,
  attempt: Attempt,
): Promise<ComparedDay[]> {
  for (let tries = 1; tries <= maxTries; tries += 1) {
    await loadMissing(deps, input, shadow, attempt);
    const compared = await engines[shadow].compareDays(deps, input, attempt);
    if (compared !== 'again') return compared;
    await delay(pauseMs, undefined, { signal: attempt.signal });
  }
  throw new Error(
    `each of ${maxTries} tries met another run of the cluster, which held its lock or rebuilt the days meanwhile; ` +
      'rebuild the month to compare them: ocp-pipeline resummarize',
  );
}

/** One piece after the other: the payloads of others come first. */
async function loadMissing(
  deps: ActivityDependencies,
  input: CompareEnginesInput,
  shadow: EngineName,
  { signal, report: beat }: Attempt,
): Promise<void> {
  const { schema, month } = input;
  const pieceIds = await piecesToLoad(deps.pool, input, shadow);
  if (pieceIds.length > 0 && shadow === 'postgres') await ensurePartitionsOf(deps.pool, schema, [month]);
  for (const pieceId of pieceIds) {
    signal.throwIfAborted();
    const piece = { schema, pieceId };
    const report = (rows: number) => {
      beat({ rows });
    };
    if (shadow === 'trino')
      await convertReportDay(deps, piece, await ledgerPiece(deps, piece), { report, signal });
    else await stagePiece(deps, piece, { load: {}, report: beat, signal });
  }
}

function tell(
  { schema, sourceUuid }: CompareEnginesInput,
  shadow: EngineName,
  compared: readonly ComparedDay[],
): CompareEnginesResult {
  const different = compared.filter(({ differences }) => differences.length > 0);
  for (const { usageDay, differences } of different)
    for (const { relation, rowCount, firstKeys } of differences)
      log.warn('the shadow engine computes other rows of a daily relation', {
        schema,
        provider_uuid: sourceUuid,
        engine: shadow,
        relation,
        day: usageDay,
        row_count: rowCount,
        first_keys: firstKeys,
      });
  recordComparedDays(shadow, 'equal', compared.length - different.length);
  recordComparedDays(shadow, 'different', different.length);
  return {
    outcome: different.length === 0 ? 'equal' : 'different',
    dayCount: compared.length,
    differentRowCount: different
      .flatMap(({ differences }) => differences)
      .reduce((sum, { rowCount }) => sum + rowCount, 0),
  };
}
