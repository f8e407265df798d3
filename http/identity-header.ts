import { z } from 'zod';
import type { Principal } from './principal.ts';
import { problem } from './problem.ts';

/** Name of the header in which a gateway names the sender that it has authenticated. */
export const identityHeader = 'x-rh-identity';

const id = z.union([z.string(), z.number().int()]).transform(String);
const identitySchema = z.object({
  identity: z.object({
    org_id: id.optional(),
    internal: z.object({ org_id: id.optional() }).nullish(),
    account_number: id.nullish(),
  }),
});

/**
 * The principal that an identity header names: base64 of JSON, without a user if a machine sends.
 * @throws Problem 401 if it names no organisation
 */
export function principalOfIdentity(header: string): Principal {
  const identity = identitySchema.safeParse(jsonOf(header)).data?.identity;
  const orgId = identity?.org_id ?? identity?.internal?.org_id;
  if (orgId === undefined || !/^[A-Za-z0-9_]{1,36}$/.test(orgId))
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

function jsonOf(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
