import type { Client } from '@temporalio/client';
import { blockedRunsQuery, ofOrganisation } from '../domain/run/search-attributes.ts';
import { runAddress } from '../domain/run/run-address.ts';
import type { BlockedRuns } from '../api/status.ts';
import { searchAttributes } from '../workflows/search-attributes.ts';

/** How long Temporal may take; the rest of the answer does not wait longer. */
const patienceMs = 3_000;
const maxRuns = 100;

/**
 * Runs of an organisation that wait for an operator's decision; null with a reason if Temporal is not configured, or
 * does not answer.
 * @param uiAddress of the Temporal UI, for links to the runs
 */
export async function blockedRunsOf(
  client: Client | undefined,
  orgId: string,
  uiAddress: string | undefined,
): Promise<BlockedRuns> {
  if (client === undefined) return { runs: null, reason: 'Temporal is not configured' };
  try {
    return await client.withDeadline(Date.now() + patienceMs, async () => {
      const runs = [];
      const query = `${blockedRunsQuery} and ${ofOrganisation(orgId)}`;
      for await (const run of client.workflow.list({ query })) {
        runs.push({
          workflowId: run.workflowId,
          clusterId: run.typedSearchAttributes.get(searchAttributes.clusterId),
          startedAt: run.startTime.toISOString(),
          url:
            uiAddress === undefined ? null : runAddress(uiAddress, client.options.namespace, run.workflowId),
        });
        if (runs.length >= maxRuns) break;
      }
      return { runs };
    });
  } catch {
    return { runs: null, reason: 'Temporal does not answer' };
  }
}
