import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TypedSearchAttributes, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Pool } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { fairnessKeyOf } from '../domain/run/priority.ts';
import { ingestWorkflowId, taskQueues } from '../domain/run/run.ts';
import type { IngestManifestInput, IngestManifestResult, RunOptions } from '../domain/run/run.ts';
import type { Config } from '../platform/config/config.ts';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';
import { isIngested } from '../payload/ingested-payload.ts';
import type { ArchivedPayload } from '../payload/inbox.ts';
import { payloadKey } from '../platform/object-store/object-keys.ts';
import { enterInbox, eraseAddress, readInbox, storeAddress } from '../payload/inbox.ts';
import type { ObjectStore } from '../platform/object-store/index.ts';
import { tenantSchemaOf } from '../platform/tenants/sources.ts';
import type { ingestManifest } from '../workflows/index.ts';
import { searchAttributes } from '../workflows/search-attributes.ts';

/** A started (or joined) run. */
export interface StartedRun {
  payload: string;
  handle: WorkflowHandle<typeof ingestManifest>;
  /** set if the same payload was processed before: nothing was started */
  earlier?: IngestManifestResult;
  /** why it was started although Temporal has a record of the payload's success */
  startedBecause?: string;
  /** set if a run of the payload was in progress: nothing was started; whether it waits for a decision */
  joined?: { blocked: boolean };
}

export interface StartRunDeps {
  client: Client;
  pool: Pool;
  objectStore: ObjectStore;
  config: Config;
}

export interface StartRunRequest {
  orgId: string;
  /** path, or an address with file:, s3:, http: or https: */
  payload: string;
  /** ingress request id; otherwise the payload's SHA-256, or that of the address */
  requestId?: string;
  /** start again although the same payload was processed before */
  again?: boolean;
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

/**
 * Accept a payload: store a local file in the object store or an address in the inbox, then start its workflow. If the
 * same payload is already running, its run is joined; one that succeeded is not started again unless requested.
 *
 * @throws PipelineError `PayloadUnavailable` if a local file does not exist
 */
export async function startRun(deps: StartRunDeps, request: StartRunRequest): Promise<StartedRun> {
  const { orgId } = request;
  tenantSchemaOf(orgId);
  if (request.requestId !== undefined && !requestIdForm.test(request.requestId))
    throw new PipelineError(
      'ConfigInvalid',
      'request id: expected 1 to 200 letters, digits, dots, hyphens or underscores',
    );
  const remote = isRemote(request.payload);
  const entry = remote
    ? {
        requestId: request.requestId ?? sha256(withoutSignature(request.payload)),
        origin: 'url' as const,
        downloadUrl: request.payload,
      }
    : await archiveLocalFile(deps.objectStore, request);
  const inboxId = await enterInbox(deps.pool, { orgId, ...entry });
  if (remote) await offerAgain(deps, inboxId, request.payload);
  const input: IngestManifestInput = {
    orgId,
    requestId: entry.requestId,
    inboxId,
    options: runOptions(deps.config),
  };
  // What is shown and stored in history: an address without the parts that may be secret.
  const payload = remote ? withoutSecrets(request.payload) : request.payload;
  const started = await startWorkflow(deps, input, payload, request.again === true);
  if (started.earlier !== undefined) await eraseAddress(deps.pool, orgId, entry.requestId);
  return { payload, ...started };
}

/**
 * The address of an archived payload is not needed, unless somebody has removed the archive: then it is fetched again.
 */
async function offerAgain(
  { pool, objectStore }: StartRunDeps,
  inboxId: string,
  address: string,
): Promise<void> {
  const { downloadUrl, objectKey } = await readInbox(pool, inboxId);
  if (downloadUrl !== null || objectKey === null) return;
  if ((await objectStore.head(objectKey)) === undefined) await storeAddress(pool, inboxId, address);
}

/** Ids become parts of workflow ids and object keys. */
const requestIdForm = /^[A-Za-z0-9._-]{1,200}$/;

/** Is the payload an address to fetch, and not a local file? */
export function isRemote(payload: string): boolean {
  return /^(s3|https?):\/\//i.test(payload);
}

/** Query parameters that sign an address: they differ each time the same payload is announced. */
const signatureParameters =
  /^(x-amz-|x-goog-|sig$|signature$|expires$|se$|sp$|sv$|sr$|st$|awsaccesskeyid$|googleaccessid$|key-pair-id$|policy$)/i;

/** What identifies a payload by its address: everything except signature and user info. */
function withoutSignature(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  url.username = '';
  url.password = '';
  for (const name of [...url.searchParams.keys()])
    if (signatureParameters.test(name)) url.searchParams.delete(name);
  url.searchParams.sort();
  return url.href;
}

/**
 * Start the run of an archived payload again, as "Start Workflow Like This One" does; if a run is in progress, it is
 * joined.
 */
export async function restartRun(
  deps: Omit<StartRunDeps, 'objectStore'>,
  inbox: ArchivedPayload,
): Promise<StartedRun> {
  const { orgId, requestId, inboxId } = inbox;
  const input: IngestManifestInput = { orgId, requestId, inboxId, options: runOptions(deps.config) };
  return { payload: requestId, ...(await startWorkflow(deps, input, requestId, true)) };
}

async function startWorkflow(
  { client, pool }: Pick<StartRunDeps, 'client' | 'pool'>,
  input: IngestManifestInput,
  payload: string,
  again: boolean,
): Promise<Omit<StartedRun, 'payload'>> {
  const workflowId = ingestWorkflowId(input.orgId, input.requestId);
  const start = (workflowIdReusePolicy: 'ALLOW_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY') =>
    client.workflow.start<typeof ingestManifest>('ingestManifest', {
      workflowId,
      taskQueue: taskQueues.pipeline,
      args: [input],
      workflowIdReusePolicy,
      priority: { fairnessKey: fairnessKeyOf(input.orgId) },
      // Whether an existing run was joined is determined below.
      workflowIdConflictPolicy: 'FAIL',
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.orgId, value: input.orgId },
        { key: searchAttributes.pipelineState, value: 'downloading' },
      ]),
      staticSummary: `payload ${basename(payload.replace(/\?.*$/s, ''))}`,
      staticDetails: `Organisation ${input.orgId}, request ${input.requestId}`,
    });
  try {
    return { handle: await start(again ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY') };
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
    if (await isIngested(pool, input.orgId, input.requestId)) return { handle, earlier };
    return {
      handle: await start('ALLOW_DUPLICATE'),
      startedBecause:
        'Temporal recorded it as ingested, but this database does not contain it; started again',
    };
  }
}

async function archiveLocalFile(store: ObjectStore, { orgId, payload, requestId: given }: StartRunRequest) {
  const path = localPath(payload);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const requestId = given ?? hash.digest('hex');
  const objectKey = payloadKey(orgId, requestId);
  const [stored, { size }] = await Promise.all([store.head(objectKey), stat(path)]);
  if (stored?.byteCount !== size) await store.put(objectKey, createReadStream(path));
  return { requestId, origin: 'file' as const, objectKey };
}

/** Path of a local payload. @throws PipelineError `PayloadUnavailable` if it is not a file */
export function localPath(payload: string): string {
  const url = payload.startsWith('file:') ? new URL(payload) : pathToFileURL(resolve(payload));
  const path = fileURLToPath(url);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new PipelineError(
      'PayloadUnavailable',
      `${payload}: no such file; give a path, or an s3: or https: address`,
    );
  if (!found.isFile())
    throw new PipelineError(
      'PayloadUnavailable',
      `${payload}: not a file; give the path of a tar.gz archive`,
    );
  return path;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
