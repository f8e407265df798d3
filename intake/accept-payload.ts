import type { Readable } from 'node:stream';
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import type { IntakeOutcome, PayloadWay } from '../domain/payload/intake.ts';
import { sha256Of, withoutSignature } from './payload-address.ts';
import {
  enterInbox,
  eraseAddress,
  findArchive,
  markStarted,
  readInbox,
  replaceArchive,
  storeAddress,
} from '../payload/inbox.ts';
import type { Config } from '../platform/config/config.ts';
import type { ObjectStore } from '../platform/object-store/index.ts';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';
import { tenantSchemaOf } from '../platform/tenants/sources.ts';
import { startWorkflow } from './start-workflow.ts';
import type { StartedWorkflow } from './start-workflow.ts';
import { storeFile, storeStream } from './stored-archive.ts';

/** What {@link acceptPayload} works with. */
export interface IntakeDeps {
  /** may be unconnected: a payload is accepted while Temporal is away */
  client: Client;
  pool: Pool;
  objectStore: ObjectStore;
  config: Config;
  /** called once per offered payload, to count it */
  received?: (way: PayloadWay, outcome: IntakeOutcome) => void;
}

/** Where the bytes of an archive are. */
export type PayloadBytes =
  /** arriving; read to its end or destroyed */
  | { stream: Readable }
  /** a local file */
  | { path: string }
  /** to be downloaded by the run: s3:, http: or https:; possibly presigned */
  | { address: string }
  /** an object of our store that is not changed any more */
  | { objectKey: string; sha256?: string };

/** A payload, and what its sender may do. */
export interface OfferedPayload {
  way: PayloadWay;
  orgId: string;
  /** the only cluster whose archives the sender may send, for `stream`; absent: every cluster of the organisation */
  clusterId?: string;
  bytes: PayloadBytes;
  /** ingress request id; otherwise the SHA-256 of the archive, or that of the address without its signature */
  requestId?: string;
  /** start again although the same payload was processed before */
  again?: boolean;
}

/** A payload that is in the inbox: its run has started, or certainly will be. */
export interface Acceptance {
  /** the first one under which the organisation sent these bytes */
  requestId: string;
  inboxId: string;
  /** whether it was in the inbox before */
  known: boolean;
  /** undefined: Temporal did not answer; `startWaiting` starts it when it is back */
  run?: StartedWorkflow;
  /** why it was not started */
  notStarted?: unknown;
}

/** How long one start may take before the sweep is left to repeat it: senders wait 30 s for everything. */
const startPatienceMs = 5_000;

/**
 * The one door of every payload, whichever way it comes in: its bytes into the object store (or its address into the
 * inbox), its row into the inbox, its run started. The same payload again finds its first row; its run is joined, or
 * started again if it failed or ignored the payload.
 *
 * When this returns, nothing is lost any more: a run that could not be started is started by `startWaiting`. When it
 * throws, nothing is kept.
 *
 * @throws PipelineError `ConfigInvalid`: organisation or request id cannot be ones; `NotPermitted`: archive of another
 *   cluster; `PayloadUnavailable`: no such file
 * @throws ObjectStoreError or an error of PostgreSQL if the store or the database fails, the stream's own if that does
 */
export async function acceptPayload(
  deps: IntakeDeps,
  offered: OfferedPayload,
  signal?: AbortSignal,
): Promise<Acceptance> {
  const { way } = offered;
  try {
    const entered = await enter(deps, offered, signal);
    const acceptance = await startEntered(deps, offered, entered);
    deps.received?.(way, entered.known ? 'known' : 'accepted');
    return acceptance;
  } catch (error) {
    deps.received?.(way, isRefusal(error) ? 'refused' : 'failed');
    throw error;
  }
}

/** Whether an offered payload was at fault, and not a server. */
function isRefusal(error: unknown): boolean {
  return error instanceof PipelineError && refusals.has(error.type);
}

const refusals: ReadonlySet<string> = new Set(['ConfigInvalid', 'NotPermitted', 'PayloadUnavailable']);

/** Ids become parts of workflow ids and object keys. */
const requestIdForm = /^[A-Za-z0-9._-]{1,200}$/;

interface Entered {
  requestId: string;
  inboxId: string;
  known: boolean;
}

async function enter(
  deps: IntakeDeps,
  { way, orgId, clusterId, bytes, requestId }: OfferedPayload,
  signal: AbortSignal | undefined,
): Promise<Entered> {
  tenantSchemaOf(orgId);
  if (requestId !== undefined && !requestIdForm.test(requestId))
    throw new PipelineError(
      'ConfigInvalid',
      'request id: expected 1 to 200 letters, digits, dots, hyphens or underscores',
    );
  // Whoever waits for the result of `ingest` is told that it was not started; nobody else would try again.
  const row = { orgId, way, awaitsStart: way !== 'command' };
  if ('stream' in bytes) return enterStream(deps, { ...row, clusterId, requestId }, bytes.stream, signal);
  if ('path' in bytes) {
    const stored = await storeFile(deps.objectStore, { orgId, path: bytes.path, requestId }, signal);
    return entered(stored.requestId, await enterInbox(deps.pool, { ...row, origin: 'file', ...stored }));
  }
  if ('objectKey' in bytes) {
    const id = requestId ?? bytes.sha256 ?? sha256Of(bytes.objectKey);
    return entered(id, await enterInbox(deps.pool, { ...row, origin: 'object', requestId: id, ...bytes }));
  }
  const id = requestId ?? sha256Of(withoutSignature(bytes.address));
  const inbox = await enterInbox(deps.pool, {
    ...row,
    origin: 'url',
    requestId: id,
    downloadUrl: bytes.address,
  });
  await offerAgain(deps, inbox.id, bytes.address);
  return entered(id, inbox);
}

function entered(requestId: string, inbox: { id: string; isNew: boolean }): Entered {
  return { requestId, inboxId: inbox.id, known: !inbox.isNew };
}

/**
 * Store the bytes first: only then is it known whether they came before. Of two that arrive at the same time one keeps
 * its object; the other's is removed, as it is when the row cannot be written.
 */
async function enterStream(
  { pool, objectStore }: IntakeDeps,
  row: {
    orgId: string;
    way: PayloadWay;
    awaitsStart: boolean;
    clusterId: string | undefined;
    requestId: string | undefined;
  },
  stream: Readable,
  signal: AbortSignal | undefined,
): Promise<Entered> {
  const { orgId, way, awaitsStart } = row;
  const stored = await storeStream(objectStore, row, stream, signal);
  let isKept = false;
  try {
    const requestId =
      row.requestId ?? (await findArchive(pool, orgId, stored.sha256))?.requestId ?? stored.sha256;
    const inbox = await enterInbox(pool, { orgId, way, awaitsStart, origin: 'file', requestId, ...stored });
    isKept = inbox.objectKey === stored.objectKey;
    // Somebody removed the first copy: this one takes its place.
    if (!isKept && (inbox.objectKey === null || (await objectStore.head(inbox.objectKey)) === undefined)) {
      await replaceArchive(pool, inbox.id, stored.objectKey);
      isKept = true;
    }
    return entered(requestId, inbox);
  } catch (error) {
    isKept ||= mayBeCommitted(error);
    throw error;
  } finally {
    if (!isKept) await objectStore.delete(stored.objectKey).catch(() => undefined); // the purge finds it later
  }
}

/**
 * Whether the connection broke so late that the row may have been written: an object that a row names must stay. The
 * purge removes it if there is no row. A server that reports an error, or cannot be reached, has written nothing.
 */
function mayBeCommitted(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === 'ECONNRESET' || code === 'EPIPE' || message?.startsWith('Connection terminated') === true;
}

/**
 * The address of an archived payload is not needed, unless somebody has removed the archive: then it is fetched again.
 */
async function offerAgain(
  { pool, objectStore }: IntakeDeps,
  inboxId: string,
  address: string,
): Promise<void> {
  const { downloadUrl, objectKey } = await readInbox(pool, inboxId);
  if (downloadUrl !== null || objectKey === null) return;
  if ((await objectStore.head(objectKey)) === undefined) await storeAddress(pool, inboxId, address);
}

async function startEntered(deps: IntakeDeps, offered: OfferedPayload, row: Entered): Promise<Acceptance> {
  const { orgId, way } = offered;
  const { requestId, inboxId } = row;
  const start = () =>
    startWorkflow(deps, {
      orgId,
      requestId,
      inboxId,
      payload: nameOf(offered, requestId),
      again: offered.again === true,
    });
  if (way === 'command') {
    const run = await start();
    if (run.earlier !== undefined) await eraseAddress(deps.pool, orgId, requestId);
    return { ...row, run };
  }
  try {
    const run = await deps.client.withDeadline(Date.now() + startPatienceMs, start);
    if (run.earlier !== undefined) await eraseAddress(deps.pool, orgId, requestId);
    await markStarted(deps.pool, inboxId);
    return { ...row, run };
  } catch (error) {
    return { ...row, notStarted: error };
  }
}

/** What is shown and stored in history: an address without the parts that may be secret. */
function nameOf({ bytes }: OfferedPayload, requestId: string): string {
  if ('path' in bytes) return bytes.path;
  return 'address' in bytes ? withoutSecrets(bytes.address) : requestId;
}
