import { z } from 'zod';
import { identityHeader, idInJson, jsonOfIdentityHeader } from '../platform/tenants/identity-header.ts';
import { orgIdForm } from '../platform/tenants/organisation.ts';
import type { Principal } from './principal.ts';
import { problem } from './problem.ts';

const identitySchema = z.object({
  identity: z.object({
    org_id: idInJson.optional(),
    internal: z.object({ org_id: idInJson.optional() }).nullish(),
    account_number: idInJson.nullish(),
  }),
});

/**
 * The principal that an identity header names: base64 of JSON, without a user if a machine sends.
 * @throws Problem 401 if it names no organisation
 */
export function principalOfIdentity(header: string): Principal {
  const identity = identitySchema.safeParse(jsonOfIdentityHeader(header)).data?.identity;
  const orgId = identity?.org_id ?? identity?.internal?.org_id;
  if (orgId === undefined || !orgIdForm.test(orgId))
    throw problem(
      401,
      `${identityHeader}: expected base64 of JSON with identity.org_id, 1 to 36 letters, digits or underscores`,
    );
  return {
    name: `identity@${orgId}`,
    method: 'identity-header',
    orgId,
    clusterId: undefined,
    accountNumber: identity?.account_number ?? undefined,
  };
}
