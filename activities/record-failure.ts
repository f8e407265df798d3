import { inTransaction } from '../platform/database.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { eraseAddress } from '../platform/inbox.ts';
import { withoutSecrets } from './failure.ts';
import { removeTemporaryOfRun } from './run-objects.ts';

export interface RecordFailureInput {
  orgId: string;
  requestId: string;
  errorType: string;
  reason: string;
}

/** Enter a payload that could not be taken into `ingest_failure`. Rerun: the same failure is entered once a minute at most. */
export async function recordFailure(deps: ActivityDependencies, input: RecordFailureInput): Promise<void> {
  await removeTemporaryOfRun(deps.objectStore);
  await inTransaction(deps.pool, async (client) => {
    await eraseAddress(client, input.orgId, input.requestId);
    await client.query(
      `insert into public.ingest_failure (org_id, request_id, error_type, reason)
       select $1::text, $2::text, $3::text, $4::text
       where not exists (
           select 1
           from public.ingest_failure
           where org_id = $1
               and request_id = $2
               and error_type = $3
               and reason = $4
               and failed_at > now() - interval '1 minute'
       )`,
      [input.orgId, input.requestId, input.errorType, withoutSecrets(input.reason)],
    );
  });
}
