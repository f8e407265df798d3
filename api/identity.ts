import { z } from 'zod';
import { identityHeader, idInJson, jsonOfIdentityHeader } from '../platform/tenants/identity-header.ts';
import { orgIdForm } from '../platform/tenants/organisation.ts';
import { ApiError, forbidden } from './errors.ts';

/** Whom an identity header names (API §1). */
export interface Identity {
  orgId: string;
  username: string;
  isOrgAdmin: boolean;
  /** as it came, for the access service */
  header: string;
}

const base64Form = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;
const person = z.object({
  username: z.string().min(1),
  email: z.string(),
  is_org_admin: z.boolean().optional(),
});
const schema = z.object({
  identity: z.object({
    org_id: idInJson.pipe(z.string().regex(orgIdForm)),
    type: z.string().optional(),
    user: z.unknown().optional(),
    service_account: z.unknown().optional(),
  }),
  entitlements: z.unknown().optional(),
});
const entitled = z.object({ cost_management: z.object({ is_entitled: z.literal(true) }) });

/** 401 has an empty body. */
function unauthorized(why: string): ApiError {
  return new ApiError(401, undefined, `${identityHeader}: ${why}`);
}

/**
 * The identity in a header `x-rh-identity`, which only a trusted proxy may set.
 * @throws ApiError 401 without username, organisation or (of a user) email; 403 if it is not base64 or not entitled
 */
export function identityOf(header: string | undefined): Identity {
  if (header === undefined || header === '') throw unauthorized('the header is absent');
  if (!base64Form.test(header)) throw forbidden('x-rh-identity is not base64.');
  const parsed = schema.safeParse(jsonOfIdentityHeader(header));
  if (!parsed.success) throw unauthorized('expected JSON with identity.org_id');
  const { identity, entitlements } = parsed.data;
  const isUser = identity.type === undefined || identity.type === 'User';
  const account = z.object({ username: z.string().min(1) });
  const user = person.safeParse(identity.user);
  const service = account.safeParse(identity.service_account);
  const username = isUser ? user.data?.username : service.data?.username;
  if (username === undefined) throw unauthorized('expected a username and, of a user, an email');
  if (!entitled.safeParse(entitlements).success)
    throw forbidden('The organisation is not entitled to cost management.');
  return { orgId: identity.org_id, username, isOrgAdmin: isUser && user.data?.is_org_admin === true, header };
}
