import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey } from 'jose';
import { atEnd } from './at-end.ts';

/** An identity provider: it publishes its keys by Discovery, and signs tokens. */
export interface Issuer {
  url: string;
  /**
   * A token of an operator of an organisation. Claims given here replace the usual ones; times are spans from now, such
   * as `1 minute ago`.
   */
  token(orgId: string, claims?: TokenClaims, header?: { alg: string; kid: string }): Promise<string>;
  /** sign with another key from now on, and publish it beside the old one */
  rotate(): Promise<void>;
  publicKey(): CryptoKey;
  /** answer with 500 instead of the keys */
  fail(failing: boolean): void;
  /** requests for the keys so far */
  keyRequests(): number;
}

/** Claims of a token; `exp` and `nbf` are spans. */
export interface TokenClaims {
  [name: string]: unknown;
  exp?: string | undefined;
  nbf?: string | undefined;
}

interface Key {
  kid: string;
  publicKey: CryptoKey;
  privateKey: CryptoKey;
}

/** Start it; it ends with the tests of the file. */
export async function startIssuer(): Promise<Issuer> {
  const keys: Key[] = [];
  let failing = false;
  let keyRequests = 0;
  const rotate = async () => {
    keys.push({ kid: `key-${keys.length}`, ...(await generateKeyPair('RS256', { extractable: true })) });
  };
  await rotate();
  const server = createServer((request, response) => {
    const answer = async () => {
      if (request.url === '/.well-known/openid-configuration')
        return { issuer: url, jwks_uri: `${url}/keys` };
      keyRequests += 1;
      const published = keys.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid }));
      return { keys: await Promise.all(published) };
    };
    void answer().then((body) => response.writeHead(failing ? 500 : 200).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const current = (): Key => {
    const key = keys.at(-1);
    if (key === undefined) throw new Error('no key');
    return key;
  };
  return {
    url,
    token: (orgId, claims = {}, header = { alg: 'RS256', kid: current().kid }) => {
      const usual = { iss: url, aud: 'cost-management-operator', sub: 'operator', account_number: '42' };
      const { exp, nbf, ...others }: TokenClaims = { ...usual, org_id: orgId, exp: '5 minutes', ...claims };
      const token = new SignJWT(others).setProtectedHeader(header).setIssuedAt();
      if (exp !== undefined) token.setExpirationTime(exp);
      if (nbf !== undefined) token.setNotBefore(nbf);
      return token.sign(current().privateKey);
    },
    rotate,
    publicKey: () => current().publicKey,
    fail: (value) => {
      failing = value;
    },
    keyRequests: () => keyRequests,
  };
}
