import type { Pool } from 'pg';
import { inTransaction } from '../platform/database/database.ts';

/** The answer to an announcement (DOMAIN §2). */
export type Validation = 'success' | 'failure';

/** A payload that a Kafka message announced. */
export interface AnnouncedRequest {
  requestId: string;
  /** null if the message named no organisation that can be one */
  orgId: string | null;
  account?: string | null;
  /** as the message has it, base64; stored only where it is needed */
  identity?: string | null;
}

/** Record that a request was announced. Rerun: the first announcement of a request id stays. */
export async function recordAnnouncement(pool: Pool, announced: AnnouncedRequest): Promise<void> {
  await pool.query(
    `insert into public.payload_announcement (request_id, org_id, account, b64_identity)
     values ($1, $2, $3, $4)
     on conflict (request_id) do nothing`,
    [announced.requestId, announced.orgId, announced.account ?? null, announced.identity ?? null],
  );
}

/**
 * Decide the answer to an announcement, unless it is decided.
 *
 * @returns the answer that is due now; undefined if the request was not announced, or its answer was sent
 */
export async function decideAnswer(
  pool: Pool,
  { requestId, orgId }: Pick<AnnouncedRequest, 'requestId' | 'orgId'>,
  validation: Validation,
): Promise<Validation | undefined> {
  const { rows } = await pool.query<{ validation: Validation }>(
    `update public.payload_announcement
     set validation = coalesce(validation, $3), decided_at = coalesce(decided_at, now()), closed_at = null
     where request_id = $1 and org_id is not distinct from $2 and answered_at is null
     returning validation`,
    [requestId, orgId, validation],
  );
  return rows[0]?.validation;
}

/**
 * Send the decided answer to an announcement, unless somebody else has, or is about to: the row is locked meanwhile.
 * If the process dies between writing the message and recording it, the answer is sent twice.
 *
 * @param send writes the answer; whether there is a topic for it
 */
export async function sendAnswer(
  pool: Pool,
  requestId: string,
  send: (validation: Validation) => Promise<'sent' | 'no such topic'>,
): Promise<'sent' | 'no such topic' | 'nothing to send'> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ validation: Validation }>(
      `select validation
       from public.payload_announcement
       where request_id = $1 and validation is not null and answered_at is null
       for update`,
      [requestId],
    );
    const due = rows[0];
    if (due === undefined) return 'nothing to send';
    const sent = await send(due.validation);
    await client.query(
      sent === 'sent'
        ? 'update public.payload_announcement set answered_at = now() where request_id = $1'
        : 'update public.payload_announcement set closed_at = now() where request_id = $1',
      [requestId],
    );
    return sent;
  });
}

/** An announcement without an answer. */
export interface OpenAnnouncement {
  requestId: string;
  orgId: string | null;
  announcedAt: Date;
  /** the answer that is due; null while none is decided */
  validation: Validation | null;
}

/**
 * Announcements that have waited for an answer for `minSeconds` and whose end nobody has looked at, oldest first. Those
 * of more than a week ago are left alone: their sender has stopped waiting.
 */
export async function listOpenAnnouncements(
  pool: Pool,
  { minSeconds, limit }: { minSeconds: number; limit: number },
): Promise<OpenAnnouncement[]> {
  const { rows } = await pool.query<OpenAnnouncement>(
    `select request_id as "requestId", org_id as "orgId", announced_at as "announcedAt", validation
     from public.payload_announcement
     where answered_at is null
         and closed_at is null
         and coalesce(decided_at, announced_at) < now() - make_interval(secs => $1)
         and announced_at > now() - interval '7 days'
     order by announced_at
     limit $2`,
    [minSeconds, limit],
  );
  return rows;
}

/** Nothing is due for an announcement any more, unless another run of its payload decides otherwise. */
export async function closeAnnouncement(pool: Pool, requestId: string): Promise<void> {
  await pool.query('update public.payload_announcement set closed_at = now() where request_id = $1', [
    requestId,
  ]);
}

/** What a message named of the sender of a payload; nothing if no message announced it. */
export async function announcedIdentity(
  pool: Pool,
  { orgId, requestId }: { orgId: string; requestId: string },
): Promise<{ account: string | null; identity: string | null }> {
  const { rows } = await pool.query<{ account: string | null; identity: string | null }>(
    `select account, b64_identity as identity
     from public.payload_announcement
     where request_id = $1 and org_id = $2`,
    [requestId, orgId],
  );
  return rows[0] ?? { account: null, identity: null };
}

/** The identity of a payload's sender has been passed on. */
export async function forgetIdentity(pool: Pool, requestId: string): Promise<void> {
  await pool.query('update public.payload_announcement set b64_identity = null where request_id = $1', [
    requestId,
  ]);
}
