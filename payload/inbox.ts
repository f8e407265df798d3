import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
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

/**
 * Insert a payload, or find the row of the same request. A new address replaces one that was never fetched, so that a
 * payload announced again after its address expired can still be downloaded.
 *
 * @returns id of the row
 */
export async function enterInbox(
  pool: Pool,
  entry: {
    orgId: string;
    requestId: string;
    origin: PayloadOrigin;
    downloadUrl?: string;
    objectKey?: string;
  },
): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into public.payload_inbox as known (org_id, request_id, source_kind, download_url, object_key)
     values ($1, $2, $3, $4, $5)
     on conflict (org_id, request_id) do update
     set download_url = case when known.archived_at is null then excluded.download_url end,
         addressed_at = now(),
         object_key = coalesce(known.object_key, excluded.object_key)
     returning id`,
    [entry.orgId, entry.requestId, entry.origin, entry.downloadUrl ?? null, entry.objectKey ?? null],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('payload_inbox returned no row');
  return row.id;
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
