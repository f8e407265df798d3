import type { KafkaMessage } from '../../platform/kafka/client.ts';
import { orgIdForm } from '../../platform/tenants/organisation.ts';

/** The value of the header `service` of messages that are for us (DOMAIN §2). */
const ourService = 'hccm';

/** A payload as a message announces it. */
export interface Announcement {
  requestId: string;
  orgId: string;
  /** http: or https:, usually presigned: a secret */
  url: string;
  account: string | null;
  /** of the sender, base64 */
  identity: string | null;
}

/** What a message says. */
export type Reading =
  /** of another service */
  | { kind: 'other service' }
  | { kind: 'payload'; announcement: Announcement }
  /** it cannot be processed, ever; with a request id its sender is told so */
  | { kind: 'poison'; problem: string; requestId?: string };

/** Read a message (DOMAIN §2). The body of a message without our header is not looked at. */
export function readAnnouncement({ headers, value }: Pick<KafkaMessage, 'headers' | 'value'>): Reading {
  if (headers.get('service') !== ourService) return { kind: 'other service' };
  const body = jsonObject(value);
  if (body === undefined)
    return {
      kind: 'poison',
      problem: `expected a JSON object, found ${value?.length ?? 0} bytes of something else`,
    };
  const { request_id: requestId, org_id: orgId, url } = body;
  if (typeof requestId !== 'string' || !requestIdForm.test(requestId))
    return { kind: 'poison', problem: `request_id: ${expectedId}, found ${shown(requestId)}` };
  const poison = (problem: string): Reading => ({ kind: 'poison', problem, requestId });
  if (typeof orgId !== 'string' || !orgIdForm.test(orgId))
    return poison(`org_id: expected 1 to 36 letters, digits or underscores, found ${shown(orgId)}`);
  if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return poison('url: expected an http: or https: address');
  const text = (field: unknown) => (typeof field === 'string' && field !== '' ? field : null);
  const { account, b64_identity: identity } = body;
  return {
    kind: 'payload',
    announcement: { requestId, orgId, url, account: text(account), identity: text(identity) },
  };
}

/** Ids become parts of workflow ids and object keys, organisations of schema names. */
const requestIdForm = /^[A-Za-z0-9._-]{1,200}$/;
const expectedId = 'expected 1 to 200 letters, digits, dots, hyphens or underscores';

function jsonObject(value: Buffer | undefined): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(value?.toString('utf8') ?? '');
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A few characters, for a message. */
function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
}
