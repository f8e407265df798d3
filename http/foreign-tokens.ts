import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { Config } from '../platform/config/config.ts';
import { idInJson } from '../platform/tenants/identity-header.ts';
import { orgIdForm } from '../platform/tenants/organisation.ts';
import type { Principal } from './principal.ts';
import { problem } from './problem.ts';

/** Signatures by a private key only: with `none` or HS256 anybody who knows the public key could sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** How long the issuer may take to deliver its keys; an operator waits 30 s for everything. */
const issuerPatienceMs = 5_000;
/** A token with an unknown key has the keys fetched again, but not more often than this. */
const cooldownMs = 5_000;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

/** Whom a JWT of the issuer names. */
export interface TokenHolder {
  /** unique among principals */
  name: string;
  orgId: string;
  claims: JWTPayload;
}

/** Verifies JWTs of the configured issuer. */
export class ForeignTokens {
  readonly #config: Config;
  readonly #issuer: string;
  #keys: JWTVerifyGetKey | undefined;

  constructor(config: Config, issuer: string) {
    this.#config = config;
    this.#issuer = issuer;
  }

  /**
   * The principal of a sender's token.
   * @throws Problem as {@link claimsOf}
   */
  async principalOf(token: string): Promise<Principal> {
    const { name, orgId, claims } = await this.claimsOf(token, this.#config.OIDC_AUDIENCES);
    const account = idInJson.safeParse(claims['account_number']);
    return {
      name,
      method: 'jwt',
      orgId,
      clusterId: undefined,
      accountNumber: account.success ? account.data : undefined,
    };
  }

  /**
   * Whom a token names: issuer, audience, times and signature must be right, and it must name an organisation.
   * @param audiences of which it must name one
   * @throws Problem 401, 403 or (the issuer does not deliver its keys) 503
   */
  async claimsOf(token: string, audiences: readonly string[]): Promise<TokenHolder> {
    const claims = await this.#verify(token, audiences);
    const orgId = idInJson.safeParse(claims['org_id']);
    if (!orgId.success || !orgIdForm.test(orgId.data))
      throw problem(
        403,
        'the token names no organisation: expected a claim org_id of 1 to 36 letters, digits or underscores; ' +
          'add it to the client of your identity provider',
      );
    return { name: `jwt:${claims.sub ?? ''}@${orgId.data}`, orgId: orgId.data, claims };
  }

  async #verify(token: string, audiences: readonly string[]): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, await this.#keySet(), {
        issuer: this.#issuer,
        audience: [...audiences],
        clockTolerance: this.#config.OIDC_CLOCK_SKEW / 1_000,
        algorithms,
        requiredClaims: ['exp'],
      });
      return payload;
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  #refusal(error: unknown): unknown {
    if (error instanceof errors.JWTExpired) return problem(401, 'the token has expired; log in again');
    if (error instanceof errors.JWTClaimValidationFailed)
      return problem(401, `the token is not for this service: ${error.message}`, { isFailedLogin: true });
    const isOfToken =
      error instanceof errors.JOSEError &&
      !(error instanceof errors.JWKSTimeout) &&
      !(error instanceof errors.JWKSInvalid) &&
      error.code !== 'ERR_JOSE_GENERIC';
    if (isOfToken) return problem(401, `the token is not valid: ${error.message}`, { isFailedLogin: true });
    return problem(503, `the issuer ${this.#issuer} does not deliver its keys; try again later`);
  }

  async #keySet(): Promise<JWTVerifyGetKey> {
    if (this.#keys !== undefined) return this.#keys;
    const address = this.#config.OIDC_JWKS_URL ?? (await this.#discover());
    this.#keys = createRemoteJWKSet(new URL(address), {
      timeoutDuration: issuerPatienceMs,
      cooldownDuration: cooldownMs,
    });
    return this.#keys;
  }

  /** OpenID Connect Discovery; repeated until it succeeds. */
  async #discover(): Promise<string> {
    const address = `${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(address, {
      signal: AbortSignal.timeout(issuerPatienceMs),
      redirect: 'error',
    });
    const found = discoverySchema.parse(await response.json());
    if (found.issuer !== this.#issuer) throw new Error(`${address} names another issuer`);
    return found.jwks_uri;
  }
}
