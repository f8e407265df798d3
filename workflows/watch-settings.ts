import { patched } from '@temporalio/workflow';
import { priorityKeys } from '../domain/run/priority.ts';
import { maxNamesInHistory } from '../domain/run/run.ts';
import type {
  WatchedTenants,
  WatchSettingsInput,
  WatchSettingsResult,
} from '../domain/run/watch-settings.ts';
import { bindActivities } from './activity-options.ts';
import { passControlFlow } from './control-flow.ts';
import { countedIfFailed } from './failed-runs.ts';
import { inParallel } from './in-parallel.ts';
import { endCleanUp, reasonOf } from './every-tenant.ts';
import { runOptionsOf } from './checked-input.ts';

/** Tenants that one activity checks: a hanging tenant delays only these, and the history stays short. */
const tenantsInBatch = 50;
/** Concurrent batches; payloads need the slots and connections too. */
const maxBatchesPending = 4;

const noTenant = { orgId: 'settings', key: priorityKeys.monthUnknown };

/**
 * Find sources whose settings (enabled keys, tag mappings, cost categories, name, rules) differ from what the current
 * month was summarised with, and have each rebuilt once the settings have been unchanged for a while. Run by a
 * schedule, because Koku's own API may change them too.
 *
 * @throws ApplicationFailure `CleanupIncomplete` after all tenants were tried, if some could not be checked
 */
export async function watchSettings(input: WatchSettingsInput): Promise<WatchSettingsResult> {
  return countedIfFailed(() => watch(input));
}

async function watch(input: WatchSettingsInput): Promise<WatchSettingsResult> {
  const options = runOptionsOf(input.options);
  const { short, watch: watching } = bindActivities(options, noTenant);
  // Runs of earlier versions checked all tenants in one activity.
  if (!patched('watch-settings-in-batches')) return watching.requestResummarize(input);
  const watched: WatchedTenants = { tenantCount: 0, sourceCount: 0, failedTenants: [] };
  const batches = await short.tenantBatches({ tenantCount: tenantsInBatch });
  await inParallel(batches, maxBatchesPending, async (batch) => {
    try {
      const { tenantCount, sourceCount, failedTenants } = await watching.requestResummarize({
        ...input,
        batch,
      });
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
  const result = { ...watched, failedTenants: failed.slice(0, maxNamesInHistory) };
  return endCleanUp(short, 'The comparison of settings', failed, result);
}
