import { log } from '@temporalio/activity';
import { parseManifest } from '../domain/payload/manifest.ts';
import type { AcceptedPayload } from '../domain/run/run.ts';
import { scanPayloadArchive, readPayloadMembers } from '../payload/archive.ts';
import { announcedIdentity, forgetIdentity } from '../payload/announcements.ts';
import { readArchive } from '../payload/archived-payload.ts';
import { readInbox } from '../payload/inbox.ts';
import { openProducer } from '../platform/kafka/client.ts';
import { openBucket } from '../platform/object-store/index.ts';
import type { Bucket } from '../platform/object-store/index.ts';
import { payloadKey } from '../platform/object-store/object-keys.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { sourceIdOf } from '../platform/tenants/api-sources.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';

export interface ForwardRosFilesInput {
  inboxId: string;
  payload: AcceptedPayload;
}

export interface ForwardRosFilesResult {
  fileCount: number;
  announced: 'sent' | 'no files' | 'no brokers' | 'no such topic';
}

/** How long the receiver may take to fetch the files. */
const addressSeconds = 48 * 3_600;

/**
 * Forward the resource-optimisation files of an archive (DOMAIN §2): each that the manifest lists and the archive has
 * goes into the bucket for them, then one message announces all of them with presigned addresses. Rerun: the same keys
 * on the same day, and one more message, which the receiver knows by its request id.
 *
 * @throws ObjectStoreError (retried) if the bucket cannot be written; an error of the Kafka client (retried)
 */
export async function forwardRosFiles(
  deps: ActivityDependencies,
  { inboxId, payload }: ForwardRosFilesInput,
): Promise<ForwardRosFilesResult> {
  const { config } = deps;
  if (config.ROS_BUCKET === undefined) return { fileCount: 0, announced: 'no files' };
  const bucket = openBucket({
    bucket: config.ROS_BUCKET,
    endpoint: config.S3_ENDPOINT,
    region: config.S3_REGION,
  });
  try {
    const keys = await withHeartbeat((_report, signal) => store(deps, { inboxId, payload }, bucket, signal));
    if (keys.length === 0) return { fileCount: 0, announced: 'no files' };
    const announced = await announce(deps, { inboxId, payload }, bucket, keys);
    if (announced !== 'sent')
      log.warn('resource-optimisation files are stored, and nobody is told', { announced });
    return { fileCount: keys.length, announced };
  } finally {
    bucket.close();
  }
}

/** @returns the keys of the stored files */
async function store(
  deps: ActivityDependencies,
  { inboxId, payload }: ForwardRosFilesInput,
  bucket: Bucket,
  signal: AbortSignal,
): Promise<string[]> {
  const inbox = await readInbox(deps.pool, inboxId);
  const objectKey = inbox.objectKey ?? payloadKey(inbox.orgId, inbox.requestId);
  const open = () => readArchive(deps, inbox, objectKey, signal);
  const listed =
    inbox.manifest ?? parseManifest((await scanPayloadArchive(await open(), { signal })).manifest);
  const wanted = new Set(listed.resourceOptimizationFiles);
  const today = deps.now().toISOString().slice(0, 10);
  const folder = `${payload.schema}/source=${payload.sourceUuid}/date=${today}`;
  const keys: string[] = [];
  await readPayloadMembers(await open(), {
    signal,
    wanted: (name) => wanted.has(name),
    onFile: async (name, content) => {
      const key = `${folder}/${name}`;
      await bucket.put(key, content, { signal, metadata: { ManifestId: payload.manifestUuid } });
      keys.push(key);
    },
  });
  return keys;
}

async function announce(
  { pool, config }: ActivityDependencies,
  { inboxId, payload }: ForwardRosFilesInput,
  bucket: Bucket,
  keys: readonly string[],
): Promise<ForwardRosFilesResult['announced']> {
  if (config.KAFKA_BROKERS === undefined) return 'no brokers';
  const { orgId, requestId } = await readInbox(pool, inboxId);
  const { account, identity } = await announcedIdentity(pool, { orgId, requestId });
  const message = {
    request_id: requestId,
    b64_identity: identity ?? identityOf(orgId, account),
    metadata: {
      account,
      org_id: orgId,
      source_id: await sourceIdOf(pool, payload.sourceUuid),
      provider_uuid: payload.sourceUuid,
      cluster_uuid: payload.clusterId,
      operator_version: payload.operatorVersion,
      cluster_alias: payload.clusterAlias,
    },
    files: await Promise.all(keys.map((key) => bucket.presignedAddress(key, addressSeconds))),
    object_keys: keys,
  };
  const producer = await openProducer(config);
  try {
    const sent = await producer.send(config.KAFKA_ROS_TOPIC, requestId, message);
    if (sent === 'sent') await forgetIdentity(pool, requestId);
    return sent;
  } finally {
    await producer.close();
  }
}

/** The identity of a payload that came without one: that of its organisation, in the form of a gateway. */
function identityOf(orgId: string, account: string | null): string {
  const identity = {
    account_number: account ?? '',
    org_id: orgId,
    type: 'System',
    internal: { org_id: orgId },
  };
  return Buffer.from(JSON.stringify({ identity })).toString('base64');
}
