import { SignJWT, errors, jwtVerify } from 'jose';
import type { Pool } from 'pg';
import { currentSigningKey, findCredential, findSigningKey } from '../platform/tenants/credentials.ts';
import type { Credential } from '../platform/tenants/credentials.ts';

/** Issuer and audience of the tokens of our token endpoint. */
export const ownIssuer = 'ocp-pipeline';

/** A token that {@link issueToken} has issued. */
export interface IssuedToken {
  token: string;
  lifetimeSeconds: number;
}

/** Issue a token for a credential whose secret was right. */
export async function issueToken(
  pool: Pool,
  credential: Credential,
  lifetimeMs: number,
): Promise<IssuedToken> {
  const key = await currentSigningKey(pool);
  const lifetimeSeconds = Math.floor(lifetimeMs / 1_000);
  const token = await new SignJWT({ ver: credential.secretVersion, org_id: credential.orgId })
    .setProtectedHeader({ alg: 'HS256', kid: key.id })
    .setIssuer(ownIssuer)
    .setAudience(ownIssuer)
    .setSubject(credential.id)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds} seconds`)
    .sign(key.secret);
  return { token, lifetimeSeconds };
}

/**
 * The credential of a token of ours, or undefined if it was revoked or its secret replaced since.
 * @throws JOSEError if the token is not one of ours, or has expired
 */
export async function credentialOf(pool: Pool, token: string): Promise<Credential | undefined> {
  const { payload } = await jwtVerify(
    token,
    async ({ kid }) => {
      const key = await findSigningKey(pool, kid ?? '');
      if (key === undefined) throw new errors.JWKSNoMatchingKey();
      return key.secret;
    },
    { issuer: ownIssuer, audience: ownIssuer, algorithms: ['HS256'], requiredClaims: ['exp', 'sub'] },
  );
  const credential = await findCredential(pool, payload.sub ?? '');
  return credential?.secretVersion === payload['ver'] ? credential : undefined;
}
