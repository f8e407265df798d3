import { isIP } from 'node:net';
import { z } from 'zod';
import { msPerDay } from '../../domain/time/usage-day.ts';
import { durationMs, secretSetting, setting, wholeNumber } from './setting.ts';

const listOf = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Addresses and networks such as `10.128.0.0/14`, separated by commas. */
const networks = z
  .string()
  .transform(listOf)
  .refine((list) => list.every(isNetwork), {
    error: 'expected IP addresses or networks, separated by commas, such as 10.128.0.7,10.129.0.0/16',
  });

const url = z.url({ protocol: /^https?$/, error: 'expected http://host or https://host' });

/** Settings of `ocp-pipeline serve`. */
export const httpSettings = {
  OCP_HTTP_ADDRESS: setting(
    z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^:]+):\d+$/, 'expected host:port, for example 0.0.0.0:8000'),
    '`host:port` at which `serve` listens',
    '127.0.0.1:8000',
  ),
  TRUST_PROXY_FROM: setting(
    networks,
    'reverse proxies in front of `serve`, addresses or networks: their `X-Forwarded-For` and ' +
      '`X-Forwarded-Proto` count',
    '',
  ),
  TRUST_IDENTITY_HEADER_FROM: setting(
    networks,
    'connections whose `x-rh-identity` header counts as a login, addresses or networks: a gateway that has ' +
      'authenticated the sender, and removes the header from what it did not write',
    '',
  ),
  OIDC_ISSUER: setting(
    url.optional(),
    'issuer of JWTs that senders may log in with. Unset: only credentials made with `source client` and ' +
      '`source token`',
  ),
  OIDC_JWKS_URL: setting(url.optional(), 'keys of the issuer. Unset: found by OpenID Connect Discovery'),
  OIDC_AUDIENCES: setting(
    z.string().transform(listOf),
    'audiences of which a JWT must name one',
    'cost-management-operator,cost-management-ui',
  ),
  OIDC_READ_AUDIENCES: setting(
    z.string().transform(listOf),
    'audiences of which the JWT of a reader of `serve --api` must name one: others than those of senders. Unset: ' +
      'JWTs read nothing',
    '',
  ),
  OIDC_CLOCK_SKEW: setting(durationMs, 'how far the clock of the issuer may differ', '30s'),
  OCP_TOKEN_LIFETIME: setting(
    durationMs.refine((ms) => ms >= 60_000 && ms <= msPerDay, { error: 'expected 1m to 24h' }),
    'lifetime of the tokens that the token endpoint issues',
    '15m',
  ),
  RBAC_URL: setting(
    url.optional(),
    'access service of Koku, for readers with an identity header. Unset: administrators of the organisation ' +
      'read everything, others nothing',
  ),
  OCP_TEMPORAL_UI: setting(
    url.optional(),
    'address of the Temporal UI, for links from the page to runs. Unset: runs are named, not linked',
  ),
  OCP_PAGE_URL: setting(
    url.optional(),
    'address of the page, for links from runs in the Temporal UI, such as `https://costs.example.com/page/`',
  ),
  OCP_API_PREFIX: setting(
    z
      .string()
      .regex(
        /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/$/,
        'expected a path with a slash at both ends, for example /costs/v1/',
      ),
    'path that those of the read API begin with; its links and the page use it too',
    '/api/cost-management/v1/',
  ),
  READ_DATABASE_URL: secretSetting(
    z
      .url({ protocol: /^postgres(ql)?$/, error: 'expected postgresql://user:password@host:port/database' })
      .optional(),
    'where the read API reads: the database of `DATABASE_URL` with a role that can only read, or a hot standby of it. ' +
      'Unset: `DATABASE_URL`',
  ),
  OCP_API_TIMEOUT: setting(durationMs, 'how long one statement of the read API may take', '30s'),
  OCP_MAX_UPLOAD_MB: setting(wholeNumber(1, 50_000), 'maximum size of an uploaded archive, MB', '500'),
  OCP_UPLOAD_TIMEOUT: setting(durationMs, 'how long an upload may take', '10m'),
  OCP_UPLOAD_STALL: setting(durationMs, 'how long an upload may pause', '30s'),
  OCP_MAX_FAILED_LOGINS: setting(
    wholeNumber(1, 1_000_000),
    'failed logins per address and quarter of an hour; further ones are refused. Proxies are not counted',
    '30',
  ),
  OCP_MAX_REQUESTS: setting(wholeNumber(1, 10_000_000), 'requests per sender and minute', '600'),
};

interface Audiences {
  OIDC_AUDIENCES: readonly string[];
  OIDC_READ_AUDIENCES: readonly string[];
}

/** What is wrong with the combination of the settings: a token with which a cluster sends must read nothing. */
export function audienceProblems({
  OIDC_AUDIENCES: senders,
  OIDC_READ_AUDIENCES: readers,
}: Audiences): string[] {
  return readers
    .filter((audience) => senders.includes(audience))
    .map(
      (audience) =>
        'OIDC_READ_AUDIENCES: expected other audiences than OIDC_AUDIENCES has, because tokens of senders read nothing; ' +
        `found "${audience}" in both`,
    );
}
