import { defineSearchAttributeKey } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, patched, workflowInfo } from '@temporalio/workflow';
import type { FailedTenant, Tenant } from '../domain/run/cleanup.ts';
import type { BoundActivities } from './activity-options.ts';
import { passControlFlow } from './control-flow.ts';
import { inParallel } from './in-parallel.ts';

const scheduledStart = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/**
 * The time for which a schedule started this run, so that a late or backfilled run decides as the planned one would
 * have.
 */
export function scheduledTime(): string | undefined {
  return workflowInfo().typedSearchAttributes.get(scheduledStart)?.toISOString();
}

/** Number of tenants handed to the workers at a time; well below the server's limit of 2,000 pending activities. */
const maxPending = 500;

/**
 * Process every tenant. A failure is recorded and does not stop the others. A tenant that is retried holds no worker
 * slot, so the others do not wait for it.
 */
export async function forEachTenant(
  tenants: readonly Tenant[],
  work: (tenant: Tenant) => Promise<void>,
): Promise<FailedTenant[]> {
  const failed: FailedTenant[] = [];
  await inParallel(tenants, maxPending, async (tenant) => {
    try {
      await work(tenant);
    } catch (error) {
      passControlFlow(error);
      failed.push({ orgId: tenant.orgId, reason: reasonOf(error) });
    }
  });
  return failed.sort((a, b) => (a.orgId < b.orgId ? -1 : 1));
}

/** The failure of a tenant, short enough for history. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 300);
}

/**
 * End a run over all tenants, after every tenant was tried: record how it ended, which alerts until a later run
 * succeeds.
 *
 * @param what the run in words
 * @throws ApplicationFailure `CleanupIncomplete` with the result as details, if some tenants failed
 */
export async function endCleanUp<T extends { tenantCount: number }>(
  { recordCleanUp }: BoundActivities['short'],
  what: string,
  failed: readonly FailedTenant[],
  result: T,
): Promise<T> {
  const first = failed[0];
  // Runs of earlier versions recorded nothing.
  if (patched('record-clean-up'))
    await recordCleanUp({
      workflow: workflowInfo().workflowType,
      tenantCount: result.tenantCount,
      failedTenantCount: failed.length,
      reason: first === undefined ? null : `${first.orgId}: ${first.reason}`,
    });
  if (first === undefined) return result;
  throw ApplicationFailure.create({
    type: 'CleanupIncomplete',
    message: `${what} failed for ${failed.length} organisations and succeeded for the others; ${first.orgId}: ${first.reason}`,
    nonRetryable: true,
    details: [result],
  });
}
