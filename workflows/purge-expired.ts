import { ActivityFailure, ApplicationFailure, sleep, TimeoutFailure } from '@temporalio/workflow';
import { addCounts, nothingPurged, purgedSoFar } from '../domain/run/cleanup.ts';
import type {
  FailedTenant,
  PurgedCounts,
  PurgedTenant,
  PurgeExpiredInput,
  PurgeExpiredResult,
  Tenant,
} from '../domain/run/cleanup.ts';
import { maxNamesInHistory } from '../domain/run/run.ts';
import { bindActivities } from './activity-options.ts';
import { passControlFlow } from './control-flow.ts';
import { countedIfFailed } from './failed-runs.ts';
import { endCleanUp, forEachTenant, scheduledTime } from './every-tenant.ts';
import { runOptionsOf } from './checked-input.ts';

const defaultBusyPauseMs = 60_000;
const maxBusyPauseMs = 30 * 60_000;
const defaultBusyAttempts = 10;

/**
 * Remove the months that are older than each tenant's retention. Run by a schedule each month; safe to start by hand.
 * The next run is a month away, so a tenant whose tables are in use is retried.
 *
 * @throws ApplicationFailure `CleanupIncomplete` after all tenants were tried, if some failed
 */
export async function purgeExpired(input: PurgeExpiredInput = {}): Promise<PurgeExpiredResult> {
  return countedIfFailed(() => purgeTenants(input));
}

async function purgeTenants(input: PurgeExpiredInput): Promise<PurgeExpiredResult> {
  const { maintenance, short } = bindActivities(runOptionsOf(input.options));
  const nowIso = input.nowIso ?? scheduledTime();
  const tenants = await maintenance.listTenants({});
  const skipped: FailedTenant[] = [];
  let counts = nothingPurged;

  async function purgeOnce(tenant: Tenant): Promise<PurgedTenant> {
    try {
      return await maintenance.purgeTenant({ ...tenant, ...(nowIso === undefined ? {} : { nowIso }) });
    } catch (error) {
      passControlFlow(error);
      // What was removed from a tenant before it failed is part of the result.
      counts = addCounts(counts, countsOf(error));
      throw error;
    }
  }

  async function purge(tenant: Tenant): Promise<void> {
    let pauseMs = input.busyPauseMs ?? defaultBusyPauseMs;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await purgeOnce(tenant);
      if (answer.outcome === 'skipped') {
        skipped.push({ orgId: tenant.orgId, reason: answer.reason });
        return;
      }
      counts = addCounts(counts, answer.counts);
      if (answer.outcome === 'done') return;
      if (attempt >= (input.busyAttempts ?? defaultBusyAttempts))
        throw ApplicationFailure.create({
          type: 'CleanupIncomplete',
          message: `in use after ${attempt} attempts: ${answer.busy.join(', ')}; start purgeExpired again later`,
        });
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, maxBusyPauseMs);
    }
  }

  const failed = await forEachTenant(tenants, purge);
  const result: PurgeExpiredResult = {
    ...counts,
    tenantCount: tenants.length,
    skippedTenants: skipped.sort((a, b) => (a.orgId < b.orgId ? -1 : 1)).slice(0, maxNamesInHistory),
    failedTenants: failed.slice(0, maxNamesInHistory),
  };
  return endCleanUp(short, 'The purge of expired months', failed, result);
}

/** What all attempts removed, from the failure of the last one or from its last heartbeat. */
function countsOf(error: unknown): PurgedCounts {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) return purgedSoFar(cause.lastHeartbeatDetails);
  return purgedSoFar(cause instanceof ApplicationFailure ? cause.details?.[0] : undefined);
}
