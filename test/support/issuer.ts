import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey } from 'jose';
import { atEnd } from './at-end.ts';

/** An identity provider: it publishes its keys by Discovery, and signs tokens. */
export interface Issuer {
  url: string;
  /**
   * a token of an operator of an organisation; claims given here replace the usual ones
   * @param times when it ends and from when it holds, from now on, as in `5 minutes` or `1 minute ago`; null: no end
   */
  token(
    orgId: string,
    claims?: Record<string, unknown>,
    header?: { alg: string; kid: string },
    times?: { end?: string | null; from?: string },
  ): Promise<string>;
  /** sign with another key from now on, and publish it beside the old one */
  rotate(): Promise<void>;
  publicKey(): CryptoKey;
  /** answer with 500 instead of the keys */
  fail(failing: boolean): void;
  /** requests for the keys so far */
  keyRequests(): number;
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
    token: (orgId, claims = {}, header = { alg: 'RS256', kid: current().kid }, { end = '5m', from } = {}) => {
      const usual = { iss: url, aud: 'cost-management-operator', sub: 'operator' };
      const token = new SignJWT({ ...usual, org_id: orgId, account_number: '42', ...claims })
        .setProtectedHeader(header)
        .setIssuedAt();
      if (end !== null) token.setExpirationTime(end);
      if (from !== undefined) token.setNotBefore(from);
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
