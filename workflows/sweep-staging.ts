import type { SweepStagingInput, SweepStagingResult, SweptTenant } from '../domain/run/cleanup.ts';
import { maxNamesInHistory } from '../domain/run/run.ts';
import { bindActivities } from './activity-options.ts';
import { countedIfFailed } from './failed-runs.ts';
import { endCleanUp, forEachTenant, scheduledTime } from './every-tenant.ts';
import { runOptionsOf } from './checked-input.ts';

/**
 * Drop what staging no longer needs, in every tenant. Run by a schedule each night; safe to start by hand.
 *
 * @throws ApplicationFailure `CleanupIncomplete` after all tenants were tried, if some failed
 */
export async function sweepStaging(input: SweepStagingInput = {}): Promise<SweepStagingResult> {
  return countedIfFailed(() => sweep(input));
}

async function sweep(input: SweepStagingInput): Promise<SweepStagingResult> {
  const { maintenance, short } = bindActivities(runOptionsOf(input.options));
  const nowIso = input.nowIso ?? scheduledTime();
  const tenants = await maintenance.listTenants({});
  const swept: SweptTenant[] = [];
  const busy: string[] = [];
  const failed = await forEachTenant(tenants, async (tenant) => {
    const result = await maintenance.sweepTenant({
      ...tenant,
      ...(input.retentionDays === undefined ? {} : { retentionDays: input.retentionDays }),
      ...(nowIso === undefined ? {} : { nowIso }),
    });
    swept.push(result);
    busy.push(...result.busy.map((name) => `${tenant.schema}.${name}`));
  });
  await maintenance.removeTemporaryObjects({});
  const sum = (of: (tenant: SweptTenant) => number) => swept.reduce((total, tenant) => total + of(tenant), 0);
  const result: SweepStagingResult = {
    tenantCount: tenants.length,
    droppedCount: sum((tenant) => tenant.droppedCount),
    sweptPieceCount: sum((tenant) => tenant.sweptPieceCount ?? 0),
    labelSetCount: sum((tenant) => tenant.labelSetCount),
    pinnedCount: sum((tenant) => tenant.pinnedCount),
    busyCount: sum((tenant) => tenant.busyCount),
    busy: busy.sort().slice(0, maxNamesInHistory),
    failedTenants: failed.slice(0, maxNamesInHistory),
  };
  return endCleanUp(short, 'The sweep of staging', failed, result);
}
