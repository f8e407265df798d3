import { basename } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Pool } from 'pg';
import { fairnessKeyOf } from '../domain/run/priority.ts';
import { ingestWorkflowId, taskQueues } from '../domain/run/run.ts';
import type { IngestManifestInput, IngestManifestResult, RunOptions } from '../domain/run/run.ts';
import { isIngested } from '../payload/ingested-payload.ts';
import type { Config } from '../platform/config/config.ts';
import type { ingestManifest } from '../workflows/index.ts';
import { searchAttributes } from '../workflows/search-attributes.ts';

/** A run that was started, or that existed. */
export interface StartedWorkflow {
  handle: WorkflowHandle<typeof ingestManifest>;
  /** set if the same payload was processed before: nothing was started */
  earlier?: IngestManifestResult;
  /** why it was started although Temporal has a record of the payload's success */
  startedBecause?: string;
  /** set if a run of the payload was in progress: nothing was started; whether it waits for a decision */
  joined?: { blocked: boolean };
}

/** The limits of a run, as configured now; they become part of its input, so that a replay has the same ones. */
export function runOptions(config: Config): RunOptions {
  return {
    manifestWaitMs: config.OCP_MANIFEST_WAIT,
    manifestPollMaxMs: config.OCP_MANIFEST_POLL_MAX,
    loadConcurrency: config.OCP_LOAD_CONCURRENCY,
    transferTimeoutMs: config.OCP_ACTIVITY_TRANSFER_TIMEOUT,
    sqlTimeoutMs: config.OCP_ACTIVITY_SQL_TIMEOUT,
    blockedWaitMs: config.BLOCKED_WAIT,
    retryInitialMs: config.OCP_ACTIVITY_RETRY_INITIAL,
    retryMaxMs: config.OCP_ACTIVITY_RETRY_MAX,
  };
}

/** Which run to start. */
export interface WorkflowStart {
  orgId: string;
  requestId: string;
  inboxId: string;
  /** what is shown of the payload: a name without secrets */
  payload: string;
  /** start again although the same payload was processed before */
  again?: boolean;
}

/**
 * Start the workflow of a payload in the inbox. A run in progress is joined; one that succeeded is not started again
 * unless requested; one that failed, or ignored its payload, is.
 *
 * @throws ServiceError or a gRPC error if Temporal cannot be reached or refuses
 */
export async function startWorkflow(
  { client, pool, config }: { client: Client; pool: Pool; config: Config },
  { orgId, requestId, inboxId, payload, again }: WorkflowStart,
): Promise<StartedWorkflow> {
  const input: IngestManifestInput = { orgId, requestId, inboxId, options: runOptions(config) };
  const workflowId = ingestWorkflowId(orgId, requestId);
  const start = (workflowIdReusePolicy: 'ALLOW_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY') =>
    client.workflow.start<typeof ingestManifest>('ingestManifest', {
      workflowId,
      taskQueue: taskQueues.pipeline,
      args: [input],
      workflowIdReusePolicy,
      priority: { fairnessKey: fairnessKeyOf(orgId) },
      // Whether an existing run was joined is determined below.
      workflowIdConflictPolicy: 'FAIL',
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.orgId, value: orgId },
        { key: searchAttributes.pipelineState, value: 'downloading' },
      ]),
      staticSummary: `payload ${basename(payload.replace(/\?.*$/s, ''))}`,
      staticDetails: [
        `Organisation ${orgId}, request ${requestId}`,
        ...(config.OCP_PAGE_URL === undefined ? [] : [`[Costs and data](${config.OCP_PAGE_URL}#data)`]),
      ].join('\n\n'),
    });
  try {
    return { handle: await start(again === true ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY') };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const handle = client.workflow.getHandle<typeof ingestManifest>(workflowId);
    const { status, typedSearchAttributes } = await handle.describe();
    if (status.name === 'RUNNING') {
      const blocked = typedSearchAttributes.get(searchAttributes.pipelineState) === 'blocked';
      return { handle, joined: { blocked } };
    }
    // It may have failed just now.
    if (status.name !== 'COMPLETED') return { handle: await start('ALLOW_DUPLICATE') };
    const earlier = await handle.result();
    // The reason why a payload was ignored or incomplete, such as an unknown cluster, may have been fixed since.
    if (earlier.outcome !== 'completed') return { handle: await start('ALLOW_DUPLICATE') };
    if (await isIngested(pool, orgId, requestId)) return { handle, earlier };
    return {
      handle: await start('ALLOW_DUPLICATE'),
      startedBecause:
        'Temporal recorded it as ingested, but this database does not contain it; started again',
    };
  }
}
