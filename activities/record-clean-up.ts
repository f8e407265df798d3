import { recordCleanUpRun } from '../payload/open-failures.ts';
import type { EndedCleanUp } from '../payload/open-failures.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';

export type RecordCleanUpInput = EndedCleanUp;

/** Record how a run over all tenants ended, which the gauge shows until a later run succeeds. Rerun: the same row. */
export async function recordCleanUp(deps: ActivityDependencies, input: RecordCleanUpInput): Promise<void> {
  const reason = input.reason === null ? null : withoutSecrets(input.reason);
  await recordCleanUpRun(deps.pool, { ...input, reason });
}
