import { patched, proxyActivities } from '@temporalio/workflow';
import { neverRetried } from '../domain/failures/failures.ts';
import type { Activities } from '../activities/index.ts';
import { fairnessKeyOf, priorityKeys } from '../domain/run/priority.ts';
import { mostNamesInHistory, taskQueues } from '../domain/run/run.ts';
import type { RunOptions } from '../domain/run/run.ts';
import type {
  WatchedTenants,
  WatchSettingsInput,
  WatchSettingsResult,
} from '../domain/run/watch-settings.ts';
import { bindActivities } from './activity-options.ts';
import { passControlFlow } from './control-flow.ts';
import { countedIfFailed } from './failed-runs.ts';
import { inParallel } from './in-parallel.ts';
import { endCleanUp, reasonOf } from './maintenance-activities.ts';
import { runOptionsOf } from './checked-input.ts';

/** Tenants that one activity looks at: one hanging tenant holds up no more than these, and a history stays short. */
const tenantsInBatch = 50;
/** Batches at a time; payloads need the slots and connections too. */
const mostBatchesPending = 4;

const noTenant = { orgId: 'settings', key: priorityKeys.monthUnknown };

/**
 * Find sources whose settings (enabled keys, tag mappings, cost categories, name, rules) differ from what the current month
 * was summarised with, and have each rebuilt once the settings have been left alone for a while. Run by a schedule,
 * because Koku's own API may change them too.
 *
 * @throws ApplicationFailure `CleanupIncomplete` after all tenants were tried, when some could not be looked at
 */
export async function watchSettings(input: WatchSettingsInput): Promise<WatchSettingsResult> {
  return countedIfFailed(() => watch(input));
}

async function watch(input: WatchSettingsInput): Promise<WatchSettingsResult> {
  const options = runOptionsOf(input.options);
  const { short } = bindActivities(options, noTenant);
  // Runs of earlier versions looked at all tenants in one activity.
  if (!patched('watch-settings-in-batches')) return short.requestResummarize(input);
  const { requestResummarize } = bindWatch(options);
  const watched: WatchedTenants = { tenantCount: 0, sourceCount: 0, failedTenants: [] };
  const batches = await short.tenantBatches({ tenantCount: tenantsInBatch });
  await inParallel(batches, mostBatchesPending, async (batch) => {
    try {
      const { tenantCount, sourceCount, failedTenants } = await requestResummarize({ ...input, batch });
      watched.tenantCount += tenantCount;
      watched.sourceCount += sourceCount;
      watched.failedTenants.push(...failedTenants);
    } catch (error) {
      passControlFlow(error);
      watched.failedTenants.push({
        orgId: `customers ${batch.firstId} to ${batch.lastId}`,
        reason: reasonOf(error),
      });
    }
  });
  const failed = watched.failedTenants.sort((a, b) => (a.orgId < b.orgId ? -1 : 1));
  const result = { ...watched, failedTenants: failed.slice(0, mostNamesInHistory) };
  return endCleanUp(short, 'The comparison of settings', failed, result);
}

/** Looking at a batch of tenants: it heartbeats after each, so that an attempt goes on where the one before ended. */
function bindWatch(options: RunOptions): Activities {
  return proxyActivities<Activities>({
    taskQueue: taskQueues.pipeline,
    startToCloseTimeout: '20 minutes',
    heartbeatTimeout: '30 seconds',
    scheduleToCloseTimeout: Math.min(options.sqlTimeoutMs, 3_600_000),
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: {
      initialInterval: options.retryInitialMs,
      backoffCoefficient: 2,
      maximumInterval: options.retryMaxMs,
      nonRetryableErrorTypes: [...neverRetried],
    },
    priority: { priorityKey: noTenant.key, fairnessKey: fairnessKeyOf(noTenant.orgId) },
  });
}
