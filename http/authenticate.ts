import { decodeJwt, errors } from 'jose';
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import type { Config } from '../platform/config/config.ts';
import { isStaticToken, verifySecret, verifyToken } from '../platform/tenants/credentials.ts';
import type { Credential } from '../platform/tenants/credentials.ts';
import { identityHeader } from '../platform/tenants/identity-header.ts';
import { FailedLogins } from './failed-logins.ts';
import { ForeignTokens } from './foreign-tokens.ts';
import type { TokenHolder } from './foreign-tokens.ts';
import { principalOfIdentity } from './identity-header.ts';
import { isLoopback, matchNetworks } from './networks.ts';
import type { NetworkMatch } from './networks.ts';
import { credentialOf, ownIssuer } from './own-tokens.ts';
import type { LoginMethod, Principal } from './principal.ts';
import { problem } from './problem.ts';
import type { Problem } from './problem.ts';

/**
 * Tells who sends a request. Nobody gets in unless the operator of this program has made a credential or named a
 * trusted party.
 */
export class Authenticator {
  readonly #pool: Pool;
  readonly #foreign: ForeignTokens | undefined;
  readonly #readAudiences: readonly string[];
  readonly #mayAssert: NetworkMatch;
  readonly #isProxy: NetworkMatch;
  readonly #failed: FailedLogins;

  constructor(pool: Pool, config: Config) {
    this.#pool = pool;
    this.#foreign =
      config.OIDC_ISSUER === undefined ? undefined : new ForeignTokens(config, config.OIDC_ISSUER);
    this.#readAudiences = config.OIDC_READ_AUDIENCES;
    this.#mayAssert = matchNetworks(config.TRUST_IDENTITY_HEADER_FROM);
    this.#isProxy = matchNetworks([...config.TRUST_PROXY_FROM, ...config.TRUST_IDENTITY_HEADER_FROM]);
    this.#failed = new FailedLogins(config.OCP_MAX_FAILED_LOGINS);
  }

  /**
   * The sender of a request.
   * @throws Problem 400 (credentials and identity header), 401, 403, 429 (too many failed logins), 503 (the issuer's
   *   keys cannot be fetched), with a sentence
   */
  async principalOf(request: FastifyRequest): Promise<Principal> {
    const { authorization } = request.headers;
    const identity = this.identityOf(request);
    if (identity !== undefined) {
      if (!identity.isTrusted)
        throw problem(401, `${identityHeader} does not count from this address; log in with credentials`);
      return principalOfIdentity(identity.header);
    }
    if (authorization === undefined)
      throw problem(401, 'no credentials: expected a header Authorization with Bearer or Basic', {
        headers: { 'www-authenticate': 'Bearer' },
      });
    return this.attempt(request, () => this.#byCredentials(request, authorization));
  }

  /**
   * The identity header of a request, and whether it counts from its connection.
   * @throws Problem 400 for a request that has credentials too
   */
  identityOf({ headers, socket }: FastifyRequest): { header: string; isTrusted: boolean } | undefined {
    const header = headers[identityHeader];
    if (header === undefined) return undefined;
    if (headers.authorization !== undefined)
      throw problem(400, `the request has credentials and an ${identityHeader} header; send one of them`);
    // The connection, and not what a header says about it.
    return { header: String(header), isTrusted: this.#mayAssert(socket.remoteAddress) };
  }

  /**
   * Whom the JWT of a reader names; its audience is another one than those of senders, so that no credential of a
   * cluster reads anything.
   * @returns undefined for what is no JWT of the configured issuer, or where readers cannot log in with one
   * @throws Problem 401, 403, 503, as {@link ForeignTokens.claimsOf}
   */
  async readerOf(token: string): Promise<TokenHolder | undefined> {
    const isOurs = [undefined, ownIssuer].includes(issuerOf(token));
    if (isOurs || this.#foreign === undefined || this.#readAudiences.length === 0) return undefined;
    return this.#foreign.claimsOf(token, this.#readAudiences);
  }

  /**
   * A client id and secret at the token endpoint.
   * @throws Problem 401, 429
   */
  async client(request: FastifyRequest, name: string, secret: string): Promise<Credential> {
    return this.attempt(request, async () => {
      const credential = await verifySecret(this.#pool, 'client', name, secret);
      if (credential === undefined) throw refused('client id or secret is wrong, or the client was revoked');
      return credential;
    });
  }

  /** Count a failed login, and refuse further ones from an address with too many. Proxies carry many senders. */
  async attempt<T>(request: FastifyRequest, login: () => Promise<T>): Promise<T> {
    const address = this.#isProxy(request.ip) ? undefined : request.ip;
    const seconds = address === undefined ? undefined : this.#failed.blockedSeconds(address);
    if (seconds !== undefined)
      throw problem(429, 'too many failed logins from this address; try again later', {
        headers: { 'retry-after': String(seconds) },
      });
    try {
      return await login();
    } catch (error) {
      if (address !== undefined && (error as Partial<Problem>).isFailedLogin === true)
        this.#failed.add(address);
      throw error;
    }
  }

  async #byCredentials(request: FastifyRequest, authorization: string): Promise<Principal> {
    const [, scheme = '', value = ''] = /^(\S+) +(\S+) *$/.exec(authorization) ?? [];
    if (scheme.toLowerCase() === 'basic') return this.#byBasic(request, value);
    if (scheme.toLowerCase() !== 'bearer') throw refused('expected Authorization: Bearer or Basic');
    if (isStaticToken(value)) {
      const credential = await verifyToken(this.#pool, value);
      if (credential === undefined) throw refused('the token is wrong, has expired or was revoked');
      return principalOf(credential, 'token');
    }
    return this.#byJwt(value);
  }

  async #byBasic(request: FastifyRequest, value: string): Promise<Principal> {
    if (request.protocol !== 'https' && !isLoopback(request.ip))
      throw problem(
        403,
        'Basic sends the secret in the clear: use https (a proxy that ends TLS must be in TRUST_PROXY_FROM and ' +
          'send X-Forwarded-Proto), or service-account',
      );
    const [, name = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
    const credential = await verifySecret(this.#pool, 'client', name, secret);
    if (credential === undefined)
      throw refused('user (client id) or password (its secret) is wrong, or the client was revoked');
    return principalOf(credential, 'basic');
  }

  async #byJwt(token: string): Promise<Principal> {
    const issuer = issuerOf(token);
    if (issuer === undefined)
      throw refused(
        "this is not a token of ours and not a JWT. A cluster's pull secret (authentication type token) does not " +
          'count here: set the type service-account, with a client of ocp-pipeline source client create, or basic',
      );
    if (issuer === ownIssuer) return this.#byOwnToken(token);
    if (this.#foreign === undefined)
      throw refused('tokens of other issuers are not accepted here: OIDC_ISSUER is not set');
    return this.#foreign.principalOf(token);
  }

  async #byOwnToken(token: string): Promise<Principal> {
    let credential: Credential | undefined;
    try {
      credential = await credentialOf(this.#pool, token);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw problem(401, 'the token has expired; log in again');
      if (error instanceof errors.JOSEError) throw refused(`the token is not valid: ${error.message}`);
      throw error;
    }
    if (credential === undefined)
      throw refused('the client of this token was revoked, or its secret was replaced; log in again');
    return principalOf(credential, 'client');
  }
}

function refused(detail: string): Problem {
  return problem(401, detail, { isFailedLogin: true, headers: { 'www-authenticate': 'Bearer' } });
}

function principalOf(credential: Credential, method: LoginMethod): Principal {
  return {
    name: `${credential.kind}:${credential.name}`,
    method,
    orgId: credential.orgId,
    clusterId: credential.clusterId ?? undefined,
    accountNumber: undefined,
  };
}

/** The issuer that a JWT names, unverified: it only selects who verifies it. Undefined if it is no JWT. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    return undefined;
  }
}
