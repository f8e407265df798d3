import { inTransaction } from '../platform/database/database.ts';
import { resolveFailures } from '../payload/open-failures.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { eraseAddress } from '../payload/inbox.ts';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';
import { removeTemporaryOfRun } from '../payload/run-objects.ts';

export interface RecordFailureInput {
  orgId: string;
  requestId: string;
  errorType: string;
  reason: string;
  /** an operator abandoned the run, so nobody has to be alerted about its failure */
  abandoned?: boolean;
}

/**
 * Record a payload that could not be processed in `ingest_failure`. Rerun: the same failure is recorded at most once a
 * minute.
 */
export async function recordFailure(deps: ActivityDependencies, input: RecordFailureInput): Promise<void> {
  await removeTemporaryOfRun(deps.objectStore);
  await inTransaction(deps.pool, async (client) => {
    const { orgId, requestId, abandoned = false } = input;
    await eraseAddress(client, orgId, requestId);
    if (abandoned) await resolveFailures(client, { orgId, requestId }, 'abandoned');
    await client.query(
      `insert into public.ingest_failure (org_id, request_id, error_type, reason, resolved_at, resolution)
       select $1::text, $2::text, $3::text, $4::text,
           case when $5 then now() end, case when $5 then 'abandoned' end
       where not exists (
           select 1
           from public.ingest_failure
           where org_id = $1
               and request_id = $2
               and error_type = $3
               and reason = $4
               and failed_at > now() - interval '1 minute'
       )`,
      [input.orgId, input.requestId, input.errorType, withoutSecrets(input.reason), abandoned],
    );
  });
}
