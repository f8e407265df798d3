import { log } from '@temporalio/activity';
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import { parseManifest } from '../domain/payload/manifest.ts';
import type { Manifest } from '../domain/payload/manifest.ts';
import { firstDayKept, isWithinRetention } from '../domain/time/retention.ts';
import { billingMonthOf } from '../domain/time/usage-day.ts';
import type { AcceptedPayload } from '../domain/run/run.ts';
import { inTenantTransaction, inTransaction } from '../platform/database/database.ts';
import { eraseAddress, readInbox } from '../payload/inbox.ts';
import type { InboxRow } from '../payload/inbox.ts';
import { migrateTenant, tenantIsBehind } from '../platform/migrations/migrate.ts';
import { scanPayloadArchive } from '../payload/archive.ts';
import { resolveFailures } from '../payload/open-failures.ts';
import { openPayload } from '../payload/payload-source.ts';
import { matchSource, tenantSettings } from '../platform/tenants/tenant.ts';
import { PipelineError } from '../domain/failures/failures.ts';
import { drained } from '../platform/object-store/drained.ts';
import { ObjectStoreError } from '../platform/object-store/index.ts';
import { payloadKey } from '../platform/object-store/object-keys.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import { requireSource } from '../summary/require-source.ts';
import { removeTemporaryOfRun, storeOfRun } from '../payload/run-objects.ts';
import { retentionMonths } from '../retention/retention-months.ts';
import { readArchive } from '../payload/archived-payload.ts';

export interface DownloadPayloadInput {
  inboxId: string;
}

export type DownloadPayloadResult =
  | { outcome: 'accepted'; payload: AcceptedPayload }
  | { outcome: 'ignored'; reason: string; manifestUuid: string; clusterId: string };

interface Archived {
  objectKey: string;
  byteCount: number;
  sha256: string | null;
  manifest: Manifest;
}

/**
 * Bring a payload into the object store, unless it is already there, and decide whether it has to be summarised.
 *
 * The stream is scanned during the transfer, because `manifest.json` is usually the last member. Recording the object
 * key and erasing the download address is one transaction. A refused payload leaves its inbox row and nothing else.
 * Rerun: the archived copy is used; the same key is written.
 *
 * @throws PipelineError `ManifestInvalid` (not retried): archive or manifest break the rules
 * @throws PipelineError `SourceVanished` (not retried): the tenant's schema was recreated and does not contain the
 *   source
 * @throws PipelineError `ObjectMissing` (not retried): the payload was archived before, and the archive is gone
 * @throws PipelineError `PayloadUnavailable` (not retried for 401, 403, 404, 410)
 */
export async function downloadPayload(
  deps: ActivityDependencies,
  input: DownloadPayloadInput,
): Promise<DownloadPayloadResult> {
  return withHeartbeat(async (_report, signal) => {
    const inbox = await readInbox(deps.pool, input.inboxId);
    const archived = await archivePayload(deps, inbox, signal).catch(async (error: unknown) => {
      if (wasCancelled()) await eraseAddress(deps.pool, inbox.orgId, inbox.requestId);
      throw error;
    });
    await recordArchived(deps, inbox, archived);
    const decision = await decide(deps, inbox, archived.manifest);
    if (decision.outcome === 'ignored') await resolveFailures(deps.pool, inbox, 'ignored');
    return decision;
  });
}

/**
 * The run is about to end, and nobody will fetch the address any more. Not if the attempt is paused or its worker
 * stops.
 */
function wasCancelled(): boolean {
  const { cancellationSignal, cancellationDetails } = Context.current();
  return cancellationSignal.aborted && cancellationDetails?.cancelRequested === true;
}

async function archivePayload(
  deps: ActivityDependencies,
  inbox: InboxRow,
  signal: AbortSignal,
): Promise<Archived> {
  const objectStore = storeOfRun(deps.objectStore);
  await removeTemporaryOfRun(objectStore);
  const objectKey = inbox.objectKey ?? payloadKey(inbox.orgId, inbox.requestId);
  // Even if the key was not recorded: an earlier attempt may have ended between the two, and the address expired since.
  const stored = await objectStore.head(objectKey);
  if (stored !== undefined || inbox.downloadUrl === null) {
    const archive = await readArchive(deps, inbox, objectKey, signal);
    const { manifest } = await scanPayloadArchive(archive, { signal });
    return { objectKey, byteCount: stored?.byteCount ?? 0, sha256: null, manifest: parseManifest(manifest) };
  }
  const source = await openPayload(inbox.downloadUrl, {
    signal,
    refuseLocal: deps.config.OCP_LOCAL_DOWNLOADS !== 'true',
    s3: { endpoint: deps.config.S3_ENDPOINT, region: deps.config.S3_REGION },
  });
  return storeAndScan(deps, objectKey, source, signal);
}

/**
 * One pass over the download feeds both the object store and the scan. The object is finished only if the archive is
 * valid, because later attempts trust what is in the store.
 */
async function storeAndScan(
  deps: ActivityDependencies,
  objectKey: string,
  source: Readable,
  signal: AbortSignal,
): Promise<Archived> {
  const hash = createHash('sha256');
  const toStore = new PassThrough();
  const toScan = new PassThrough();
  const badArchive = new AbortController();
  const stop = AbortSignal.any([signal, badArchive.signal]);
  const scanned = scanPayloadArchive(toScan, { signal }).catch((error: unknown) => {
    // Any other error is what ended the feed, which the store notices by itself.
    if (error instanceof PipelineError) badArchive.abort();
    throw error;
  });
  const fed = pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        if (!toScan.write(chunk)) await drained(toScan);
        yield chunk;
      }
      toScan.end();
      await scanned;
    },
    toStore,
    { signal: stop },
  );
  const [scan, put, feed] = await Promise.allSettled([
    scanned,
    storeOfRun(deps.objectStore).put(objectKey, toStore, { signal: stop }),
    fed.catch((error: unknown) => {
      toScan.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }),
  ]);
  signal.throwIfAborted();
  // A failure of the store ends the other two as well, which would only report that they were ended.
  if (put.status === 'rejected' && put.reason instanceof ObjectStoreError) throw put.reason;
  if (feed.status === 'rejected' && !badArchive.signal.aborted) throw feed.reason;
  if (scan.status === 'rejected') throw scan.reason;
  if (put.status === 'rejected') throw put.reason;
  return {
    objectKey,
    byteCount: put.value.byteCount,
    sha256: hash.digest('hex'),
    manifest: parseManifest(scan.value.manifest),
  };
}

async function recordArchived(
  deps: ActivityDependencies,
  inbox: InboxRow,
  archived: Archived,
): Promise<void> {
  await inTransaction(deps.pool, (client) =>
    client.query(
      `update public.payload_inbox
       set object_key = $2, byte_count = $3, sha256 = coalesce($4, sha256), manifest = $5,
           archived_at = coalesce(archived_at, now()), download_url = null
       where id = $1`,
      [inbox.id, archived.objectKey, archived.byteCount, archived.sha256, JSON.stringify(archived.manifest)],
    ),
  );
}

/** Why a payload is too old to be ingested, or undefined. Data that the purge would remove again are not ingested. */
async function beforeRetention(
  deps: ActivityDependencies,
  schema: string,
  manifest: Manifest,
): Promise<string | undefined> {
  const retention = await retentionMonths(deps, schema);
  if ('unreadable' in retention) {
    log.warn('the retention setting of a tenant cannot be read; no rows are left out as expired', {
      schema,
      reason: retention.unreadable,
    });
    return undefined;
  }
  const firstKept = firstDayKept(deps.now(), retention.months);
  if (isWithinRetention(manifest, firstKept)) return undefined;
  return (
    `the payload ends at ${manifest.sentEnd ?? manifest.date}, before the ${retention.months} retained months ` +
    `(from ${firstKept}; RETAIN_NUM_MONTHS, or the tenant's data_retention_months)`
  );
}

async function decide(
  deps: ActivityDependencies,
  inbox: InboxRow,
  manifest: Manifest,
): Promise<DownloadPayloadResult> {
  const ignored = (reason: string): DownloadPayloadResult => ({
    outcome: 'ignored',
    reason,
    manifestUuid: manifest.uuid,
    clusterId: manifest.clusterId,
  });
  const source = await matchSource(deps.pool, inbox.orgId, manifest.clusterId);
  if (source === undefined)
    return ignored(
      `organisation ${inbox.orgId} has no source for cluster ${manifest.clusterId}; ` +
        `register it: ocp-pipeline source add --org ${inbox.orgId} --cluster ${manifest.clusterId} --name ALIAS`,
    );
  if (manifest.collectedNothing)
    return ignored(`the operator collected nothing: ${manifest.dataCollectionMessage ?? 'no reason given'}`);
  // The tenant's own retention is in its schema.
  if (await tenantIsBehind(deps.pool, source.schema))
    await migrateTenant(deps.databaseUrl, source.schema, {
      info: (fields, message) => {
        log.info(message, { ...fields });
      },
    });
  await inTenantTransaction(deps.pool, source.schema, (client) =>
    requireSource(client, { ...source, clusterId: manifest.clusterId }),
  );
  const tooOld = await beforeRetention(deps, source.schema, manifest);
  if (tooOld !== undefined) return ignored(tooOld);
  if (manifest.files.length === 0) return ignored('the manifest lists no usage files');
  await tenantSettings(deps.pool, source.schema);
  return {
    outcome: 'accepted',
    payload: {
      schema: source.schema,
      sourceUuid: source.sourceUuid,
      clusterId: manifest.clusterId,
      clusterAlias: source.clusterAlias,
      manifestUuid: manifest.uuid,
      manifestDate: manifest.date,
      billingMonth: billingMonthOf(Date.parse(manifest.start ?? manifest.date)),
      fileCount: manifest.files.length,
      operatorVersion: manifest.operatorVersion,
      ...(deps.config.ROS_BUCKET !== undefined && manifest.resourceOptimizationFiles.length > 0
        ? { hasRosFiles: true as const }
        : {}),
    },
  };
}
