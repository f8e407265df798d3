import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { OpenFailure } from '../domain/run/decision.ts';
import { blockedRunsQuery, ofOrganisation } from '../domain/run/search-attributes.ts';
import { engineQueues } from '../domain/run/run.ts';
import { isPolled } from '../platform/temporal/worker-deployment.ts';
import { openFailuresQuery } from '../workflows/messages.ts';
import { searchAttributes } from '../workflows/search-attributes.ts';
import { freesMonth, idleEngine } from './idle-queue.ts';
import { howToDecide, monthWorkflows } from './month-run.ts';

/** A run of a month that does nothing until somebody acts. */
export interface StuckMonth {
  workflowId: string;
  orgId?: string;
  month?: string;
  state: 'blocked' | 'waiting for workers';
  /** what to do */
  problem: string;
  /** what waits for a decision; absent if no worker answers */
  failures?: OpenFailure[];
}

/** Runs of months: a condition on the list of runs. */
const ofMonths = `WorkflowType in (${monthWorkflows.map((name) => `"${name}"`).join(', ')})`;
/** How long workers have to say why a run is blocked. */
const answerMs = 5_000;
/** Maximum number of running runs that are asked whether they wait for workers. */
const maxAsked = 200;

/**
 * Runs of months that wait for a decision, or for workers of an engine. Needs no worker.
 * @param options.org only of this organisation
 * @param options.limit maximum number
 */
export async function stuckMonths(
  client: Client,
  { org, limit }: { org: string | undefined; limit: number },
): Promise<StuckMonth[]> {
  const ofOrg = org === undefined ? '' : ` and ${ofOrganisation(org)}`;
  const blocked = await listed(client, `${blockedRunsQuery} and ${ofMonths}${ofOrg}`, limit);
  const stuck = await Promise.all(blocked.map((run) => blockedMonth(client, run)));
  if (stuck.length >= limit || (await isPolled(client, engineQueues.trino))) return stuck;
  const known = new Set(stuck.map(({ workflowId }) => workflowId));
  const running = await listed(client, `ExecutionStatus="Running" and ${ofMonths}${ofOrg}`, maxAsked);
  const others = running.filter(({ workflowId }) => !known.has(workflowId));
  const waiting = await Promise.all(others.map((run) => waitingMonth(client, run)));
  return [...stuck, ...waiting.filter((month) => month !== undefined)].slice(0, limit);
}

async function waitingMonth(client: Client, run: WorkflowExecutionInfo): Promise<StuckMonth | undefined> {
  const { raw } = await client.workflow.getHandle(run.workflowId, run.runId).describe();
  const problem = await idleEngine(client, raw.pendingActivities ?? [], freesMonth);
  return problem === undefined ? undefined : { ...about(run), state: 'waiting for workers', problem };
}

async function listed(client: Client, query: string, limit: number): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  if (limit === 0) return found;
  for await (const run of client.workflow.list({ query, pageSize: Math.min(limit, maxAsked) }))
    if (found.push(run) >= limit) break;
  return found;
}

async function blockedMonth(client: Client, run: WorkflowExecutionInfo): Promise<StuckMonth> {
  const handle = client.workflow.getHandle(run.workflowId, run.runId);
  const failures = await client
    .withDeadline(Date.now() + answerMs, () => handle.query(openFailuresQuery))
    .catch(() => undefined);
  return {
    ...about(run),
    state: 'blocked',
    problem: howToDecide(run.workflowId),
    ...(failures === undefined ? {} : { failures }),
  };
}

function about({ workflowId, typedSearchAttributes }: WorkflowExecutionInfo) {
  const orgId = typedSearchAttributes.get(searchAttributes.orgId);
  const month = typedSearchAttributes.get(searchAttributes.billingMonth);
  return { workflowId, ...(orgId === undefined ? {} : { orgId }), ...(month === undefined ? {} : { month }) };
}

/** Lines of `status`. */
export function stuckMonthLines(runs: readonly StuckMonth[]): string[] {
  return runs.flatMap(({ workflowId, orgId, month, state, problem, failures = [] }) => [
    `Run of ${month ?? 'a month'} of organisation ${orgId ?? '?'} (${workflowId}): ` +
      (state === 'blocked' ? `blocked: ${problem}` : problem),
    ...failures.map(({ failureId, errorType, message }) => `  ${failureId} (${errorType}): ${message}`),
  ]);
}
