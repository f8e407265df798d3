import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import type { PayloadWay } from '../domain/payload/intake.ts';
import type { Manifest } from '../domain/payload/manifest.ts';

/** How a payload reached us. */
export type PayloadOrigin = 'file' | 'url' | 'object';

/** One row of `payload_inbox`: a payload to be ingested. */
export interface InboxRow {
  id: string;
  orgId: string;
  requestId: string;
  /** presigned or plain address; null once the payload is archived */
  downloadUrl: string | null;
  objectKey: string | null;
  manifest: Manifest | null;
}

/** Read one row. @throws PipelineError `PayloadUnavailable` if it does not exist */
export async function readInbox(pool: Pool, inboxId: string): Promise<InboxRow> {
  const { rows } = await pool.query<{
    id: string;
    org_id: string;
    request_id: string;
    download_url: string | null;
    object_key: string | null;
    manifest: Manifest | null;
  }>(
    'select id, org_id, request_id, download_url, object_key, manifest from public.payload_inbox where id = $1',
    [inboxId],
  );
  const row = rows[0];
  if (row === undefined)
    throw new PipelineError(
      'PayloadUnavailable',
      `payload_inbox has no row ${inboxId}; ingest the payload again`,
    );
  return {
    id: row.id,
    orgId: row.org_id,
    requestId: row.request_id,
    downloadUrl: row.download_url,
    objectKey: row.object_key,
    manifest: row.manifest,
  };
}

/** A payload that enters the inbox. */
export interface InboxEntry {
  orgId: string;
  requestId: string;
  way: PayloadWay;
  origin: PayloadOrigin;
  /** whether intake processes start its run if this process does not; see {@link listWaiting} */
  awaitsStart: boolean;
  downloadUrl?: string;
  objectKey?: string;
  sha256?: string;
  byteCount?: number;
}

/**
 * Insert a payload, or find the row of the same request. A new address replaces one that was never fetched, so that a
 * payload announced again after its address expired can still be downloaded.
 *
 * @returns the row's id, the key of its archive, and whether it was inserted
 */
export async function enterInbox(
  pool: Pool,
  entry: InboxEntry,
): Promise<{ id: string; objectKey: string | null; isNew: boolean }> {
  const { rows } = await pool.query<{ id: string; objectKey: string | null; isNew: boolean }>(
    `insert into public.payload_inbox as known (
         org_id, request_id, source_kind, download_url, object_key, sha256, byte_count, way, awaits_start_since
     )
     values ($1, $2, $3, $4, $5, $6, $7, $8, case when $9 then now() end)
     on conflict (org_id, request_id) do update
     set download_url = case when known.archived_at is null then excluded.download_url end,
         addressed_at = now(),
         object_key = coalesce(known.object_key, excluded.object_key),
         sha256 = coalesce(known.sha256, excluded.sha256),
         byte_count = coalesce(known.byte_count, excluded.byte_count),
         awaits_start_since = coalesce(known.awaits_start_since, excluded.awaits_start_since)
     returning id, object_key as "objectKey", xmax = 0 as "isNew"`,
    [
      entry.orgId,
      entry.requestId,
      entry.origin,
      entry.downloadUrl ?? null,
      entry.objectKey ?? null,
      entry.sha256 ?? null,
      entry.byteCount ?? null,
      entry.way,
      entry.awaitsStart,
    ],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('payload_inbox returned no row');
  return row;
}

/** The first payload of an organisation with these bytes. @param sha256 hexadecimal */
export async function findArchive(
  pool: Pool,
  orgId: string,
  sha256: string,
): Promise<{ requestId: string } | undefined> {
  const { rows } = await pool.query<{ requestId: string }>(
    `select request_id as "requestId"
     from public.payload_inbox
     where org_id = $1 and sha256 = $2
     order by received_at, id
     limit 1`,
    [orgId, sha256],
  );
  return rows[0];
}

/** Another copy of the same bytes takes the place of an archive that somebody has removed. */
export async function replaceArchive(pool: Pool, inboxId: string, objectKey: string): Promise<void> {
  await pool.query('update public.payload_inbox set object_key = $2 where id = $1', [inboxId, objectKey]);
}

/** Payloads that have waited for at least `minSeconds` for their run to be started, oldest first. */
export async function listWaiting(
  pool: Pool,
  { minSeconds, limit }: { minSeconds: number; limit: number },
): Promise<AddressedPayload[]> {
  const { rows } = await pool.query<AddressedPayload>(
    `select id as "inboxId", org_id as "orgId", request_id as "requestId"
     from public.payload_inbox
     where awaits_start_since <= now() - make_interval(secs => $1)
     order by awaits_start_since
     limit $2`,
    [minSeconds, limit],
  );
  return rows;
}

/** The run of a payload has started. */
export async function markStarted(pool: Pool, inboxId: string): Promise<void> {
  await pool.query('update public.payload_inbox set awaits_start_since = null where id = $1', [inboxId]);
}

/** Store the address of a payload whose archive is gone, so that it can be fetched again. */
export async function storeAddress(pool: Pool, inboxId: string, downloadUrl: string): Promise<void> {
  await pool.query('update public.payload_inbox set download_url = $2 where id = $1', [inboxId, downloadUrl]);
}

/** Erase the address of a payload whose run has ended, however it ended: it may contain a signature or a password. */
export async function eraseAddress(
  client: Pick<Pool, 'query'> | PoolClient,
  orgId: string,
  requestId: string,
): Promise<void> {
  await client.query(
    `update public.payload_inbox set download_url = null
     where org_id = $1 and request_id = $2 and download_url is not null`,
    [orgId, requestId],
  );
}

/** A payload whose address is still stored. */
export interface AddressedPayload {
  inboxId: string;
  orgId: string;
  requestId: string;
}

/** Stored addresses that were announced more than `minutes` ago, oldest first, `limit` rows after `after`. */
export async function listAddresses(
  pool: Pool,
  { minutes, after, limit }: { minutes: number; after: string; limit: number },
): Promise<AddressedPayload[]> {
  const { rows } = await pool.query<AddressedPayload>(
    `select id as "inboxId", org_id as "orgId", request_id as "requestId"
     from public.payload_inbox
     where download_url is not null and addressed_at < now() - make_interval(mins => $1) and id > $2
     order by id
     limit $3`,
    [minutes, after, limit],
  );
  return rows;
}

/** A payload that can be run again. */
export interface ArchivedPayload {
  inboxId: string;
  orgId: string;
  requestId: string;
  /** null when its manifest was never read */
  manifestUuid: string | null;
}

/**
 * Payloads of a manifest (each of its archives), or of one request, by a prefix of the manifest UUID or request id.
 * @throws PipelineError `PayloadUnavailable` if there is none, or if the text matches several manifests or
 *   organisations
 */
export async function findPayloads(pool: Pool, wanted: string, orgId?: string): Promise<ArchivedPayload[]> {
  const { rows } = await pool.query<ArchivedPayload>(
    `select id as "inboxId", org_id as "orgId", request_id as "requestId", manifest ->> 'uuid' as "manifestUuid"
     from public.payload_inbox
     where $1 <> ''
         and (starts_with(manifest ->> 'uuid', lower($1)) or starts_with(request_id, $1))
         and ($2::text is null or org_id = $2)
     order by received_at, id`,
    [wanted, orgId ?? null],
  );
  if (rows.length === 0)
    throw new PipelineError(
      'PayloadUnavailable',
      `No payload with manifest or request "${wanted}"; ocp-pipeline status lists them`,
    );
  const orgs = [...new Set(rows.map((row) => row.orgId))];
  if (orgs.length > 1)
    throw new PipelineError(
      'PayloadUnavailable',
      `"${wanted}" exists in several organisations (${orgs.slice(0, 5).join(', ')}); select one with --org`,
    );
  const different = new Set(rows.map((row) => row.manifestUuid ?? row.requestId));
  if (different.size > 1)
    throw new PipelineError(
      'PayloadUnavailable',
      `"${wanted}" is a prefix of ${different.size} manifests; give more characters`,
    );
  return rows;
}
