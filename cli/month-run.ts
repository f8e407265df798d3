import { WorkflowNotFoundError } from '@temporalio/client';
import type {
  Client,
  WorkflowExecutionDescription,
  WorkflowHandle,
  WorkflowResultType,
} from '@temporalio/client';
import type { OpenFailure } from '../domain/run/decision.ts';
import type { recalculateCosts, resummarize } from '../workflows/index.ts';
import { openFailuresQuery } from '../workflows/messages.ts';
import { searchAttributes } from '../workflows/search-attributes.ts';
import { awaitRun } from './await-run.ts';
import type { Ask } from './await-run.ts';
import { decideAll } from './decide.ts';
import { freesMonth, idleEngine } from './idle-queue.ts';
import type { Output } from './output.ts';

/** Workflows that bring one source and month up to date without a payload. */
export type MonthWorkflow = typeof resummarize | typeof recalculateCosts;

/** Their types, as Temporal has them. */
export const monthWorkflows: readonly string[] = ['resummarize', 'recalculateCosts'];

/** A run of a month that waits for an operator. */
export interface BlockedMonth {
  workflowId: string;
  outcome: 'blocked';
  failures: OpenFailure[];
}

/** The result of a run of a month, or that it waits for an operator. */
export type MonthEnd<Result> = { outcome: 'completed'; result: Result } | BlockedMonth;

/**
 * Wait for the run of a month, and say when it waits for workers.
 * @throws the failure of the run; the signal's reason if it aborts: the run continues
 */
export async function followMonth<Run extends MonthWorkflow>(
  output: Output,
  handle: WorkflowHandle<Run>,
  signal: AbortSignal,
): Promise<MonthEnd<WorkflowResultType<Run>>> {
  let said: string | undefined;
  const end = await awaitRun(handle, signal, async (ask): Promise<BlockedMonth | undefined> => {
    const { blocked, problem } = await lookAt(handle, ask);
    if (problem !== undefined && problem !== said) output.say(`${handle.workflowId}: ${problem}`);
    said = problem;
    return blocked;
  });
  if ('stop' in end) return end.stop;
  if ('failure' in end) throw end.failure;
  return { outcome: 'completed', result: end.result };
}

/** What a run waits for: a decision, or workers. */
async function lookAt<Run extends MonthWorkflow>(
  handle: WorkflowHandle<Run>,
  ask: Ask,
): Promise<{ blocked?: BlockedMonth; problem?: string }> {
  const description = await ask(() => handle.describe());
  if (description === undefined) return {};
  if (!isBlocked(description)) {
    const pending = description.raw.pendingActivities ?? [];
    const problem = await ask(() => idleEngine(handle.client, pending, freesMonth));
    return problem === undefined ? {} : { problem };
  }
  const failures = await ask(() => handle.query(openFailuresQuery));
  if (failures === undefined)
    return { problem: 'blocked, and no worker answers why; start one: ocp-pipeline worker' };
  const { workflowId } = handle;
  // None: somebody has decided just now.
  return failures.length === 0 ? {} : { blocked: { workflowId, outcome: 'blocked', failures } };
}

/** Whether a running run waits for a decision. */
function isBlocked({ typedSearchAttributes }: WorkflowExecutionDescription): boolean {
  return typedSearchAttributes.get(searchAttributes.pipelineState) === 'blocked';
}

/** That a run waits for a decision, why, and how to decide; for people. */
export function blockedText({ workflowId, failures }: BlockedMonth): string {
  return [
    `${workflowId}: blocked, waiting for a decision (${howToDecide(workflowId)})`,
    ...failures.map((failure) => `  ${failure.failureId} (${failure.errorType}): ${failure.message}`),
  ].join('\n');
}

/** What to do about a blocked run of a month, in one phrase. */
export function howToDecide(workflowId: string): string {
  return `mend the cause, then ocp-pipeline replay ${workflowId} --decide retry, or abandon`;
}

/** The last run of a month with this id; undefined if there is none, or if it is another kind of run. */
export async function findMonthRun(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    return monthWorkflows.includes(description.type) ? description : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/**
 * Before a run of a month is asked for again: one that is blocked is retried, so that it can be joined. One whose work
 * waits for an engine without workers is replaced, because only a new one asks which engine the month has now.
 *
 * @returns what to do about a run in progress
 */
export async function resume(
  client: Client,
  workflowId: string,
  output: Output,
): Promise<'USE_EXISTING' | 'TERMINATE_EXISTING'> {
  const earlier = await findMonthRun(client, workflowId);
  if (earlier?.status.name !== 'RUNNING') return 'USE_EXISTING';
  if (isBlocked(earlier)) {
    output.say('An earlier run of it is blocked: it goes on');
    await decideAll(client, workflowId, {}, output);
    return 'USE_EXISTING';
  }
  if (!(await waitsForEngine(client, earlier))) return 'USE_EXISTING';
  output.say('An earlier run of it waits for workers of an engine: it is replaced');
  return 'TERMINATE_EXISTING';
}

/**
 * When a whole month is rebuilt anyway: end the rebuild that a change of settings has started, if its work waits for an
 * engine without workers. It would do the same, and nothing else ends its wait once the organisation has left the
 * engine. Should the new run fail, the next comparison of settings asks for another one.
 */
export async function endIdle(client: Client, workflowId: string, output: Output): Promise<void> {
  const earlier = await findMonthRun(client, workflowId);
  if (earlier?.status.name !== 'RUNNING' || !(await waitsForEngine(client, earlier))) return;
  output.say(`${workflowId} waits for workers of an engine: it is ended, because this run does its work`);
  await client.workflow
    .getHandle(workflowId, earlier.runId)
    .terminate('the whole month is rebuilt: ocp-pipeline resummarize')
    .catch((error: unknown) => {
      // It has ended by itself.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
}

async function waitsForEngine(client: Client, { raw }: WorkflowExecutionDescription): Promise<boolean> {
  return (await idleEngine(client.workflow, raw.pendingActivities ?? [], freesMonth)) !== undefined;
}
