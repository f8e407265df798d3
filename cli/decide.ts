import type { Client } from '@temporalio/client';
import type { DecisionAction } from '../domain/run/decision.ts';
import { expectWorkersOf } from '../platform/temporal/worker-deployment.ts';
import { openFailuresQuery, resolveFailureUpdate } from '../workflows/messages.ts';
import type { Output } from './output.ts';

/** A decision about everything that a run waits for. */
interface Decision {
  /** if absent: retry */
  decide?: DecisionAction | undefined;
  /** reason, for the history of the run */
  note?: string | undefined;
}

/**
 * Decide about every open failure of a running run. Failures that cannot be skipped are left open, so that skipping a
 * file decides about nothing else.
 *
 * @throws PipelineError `ConfigInvalid` if no worker can execute the run
 */
export async function decideAll(
  client: Client,
  workflowId: string,
  { decide: action = 'retry', note }: Decision,
  output: Output,
): Promise<void> {
  await expectWorkersOf(client, workflowId);
  const handle = client.workflow.getHandle(workflowId);
  const failures = await handle.query(openFailuresQuery);
  if (failures.length === 0) output.say(`${workflowId} is running; nothing waits for a decision`);
  for (const { failureId, canSkip } of failures) {
    if (action === 'skip' && !canSkip) {
      output.say(`left open, because only files can be skipped: ${failureId}`);
      continue;
    }
    const decision = { failureId, action, ...(note === undefined ? {} : { note }) };
    await handle.executeUpdate(resolveFailureUpdate, { args: [decision] });
    output.say(`${action}: ${failureId}`);
  }
}
