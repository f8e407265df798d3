import type { Pool } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import {
  hashOfSecret,
  isSecretOf,
  isStaleSql,
  isValidSql,
  newCredentialName,
  newSecret,
  tokenForm,
} from '../platform/tenants/secrets.ts';
import { tenantSchemaOf } from '../platform/tenants/sources.ts';
import { accessLists } from './access.ts';
import type { AccessLists } from './access.ts';

/** What a new token shows. Empty lists: everything of the organisation. */
export interface NewApiToken {
  orgId: string;
  /** ids or aliases */
  clusters: readonly string[];
  nodes: readonly string[];
  projects: readonly string[];
  /** undefined: it does not expire */
  lifetimeSeconds?: number | undefined;
  description?: string | undefined;
}

/** A token as `api token list` shows it; `*` stands for everything. */
export interface ListedApiToken {
  name: string;
  orgId: string;
  clusters: string[];
  nodes: string[];
  projects: string[];
  description: string | null;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

/** Whom a token lets in, and what it shows. */
export interface ApiTokenHolder {
  name: string;
  orgId: string;
  access: AccessLists;
}

const readTokens = tokenForm('ocpr');

/** Does a text look like a token of the read API? */
export function isApiToken(text: string): boolean {
  return readTokens.matches(text);
}

/**
 * Create a token. It is returned here and nowhere else.
 * @throws PipelineError `ConfigInvalid` for an organisation id or a name that cannot be one
 */
export async function createApiToken(
  pool: Pool,
  asked: NewApiToken,
): Promise<{ name: string; token: string }> {
  tenantSchemaOf(asked.orgId);
  const lists = [asked.clusters, asked.nodes, asked.projects].map((names) => {
    const bad = names.find((name) => !/^[^\p{Control}]{1,256}$/u.test(name));
    if (bad !== undefined)
      throw new PipelineError(
        'ConfigInvalid',
        `"${bad.slice(0, 80)}": expected a name of 1 to 256 characters, none of them control characters`,
      );
    return names.length === 0 ? ['*'] : [...names];
  });
  const secret = newSecret();
  const name = newCredentialName();
  await pool.query(
    `insert into public.api_token (name, org_id, clusters, nodes, projects, secret_hash, description, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))`,
    [
      name,
      asked.orgId,
      ...lists,
      hashOfSecret(secret),
      asked.description ?? null,
      asked.lifetimeSeconds ?? null,
    ],
  );
  return { name, token: readTokens.write(name, secret) };
}

/** Tokens of one organisation or of all, the newest last. */
export async function listApiTokens(pool: Pool, orgId?: string): Promise<ListedApiToken[]> {
  const { rows } = await pool.query<ListedApiToken>(
    `select name, org_id as "orgId", clusters, nodes, projects, description, created_at as "createdAt",
         expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"
     from public.api_token
     where $1::text is null or org_id = $1
     order by created_at, id`,
    [orgId ?? null],
  );
  return rows;
}

/**
 * Refuse a token from now on; revoking it twice is no error.
 * @param name its public part, or the token itself
 * @throws PipelineError `ConfigInvalid` if there is no such token
 */
export async function revokeApiToken(pool: Pool, name: string): Promise<string> {
  const { rows } = await pool.query<{ name: string }>(
    `update public.api_token set revoked_at = coalesce(revoked_at, now()) where name = $1 returning name`,
    [readTokens.read(name)?.name ?? name],
  );
  if (rows[0] !== undefined) return rows[0].name;
  const shown = isApiToken(name) ? 'this token' : `"${name}"`;
  throw new PipelineError(
    'ConfigInvalid',
    `There is no token ${shown}; ocp-pipeline api token list shows them`,
  );
}

/**
 * Whom a token lets in, or undefined if it is wrong, expired or revoked. The comparison takes as long for a wrong
 * secret as for an unknown token.
 */
export async function verifyApiToken(pool: Pool, token: string): Promise<ApiTokenHolder | undefined> {
  const { name, secret } = readTokens.read(token) ?? { name: '', secret: '' };
  const { rows } = await pool.query<{
    org_id: string;
    clusters: string[];
    nodes: string[];
    projects: string[];
    secret_hash: Buffer;
    is_stale: boolean;
  }>(
    `select org_id, clusters, nodes, projects, secret_hash,
         ${isStaleSql} as is_stale
     from public.api_token
     where name = $1 and ${isValidSql}`,
    [name],
  );
  const row = rows[0];
  const isRight = isSecretOf(row?.secret_hash, secret);
  if (row === undefined || !isRight) return undefined;
  if (row.is_stale)
    await pool.query('update public.api_token set last_used_at = now() where name = $1', [name]);
  const { clusters: cluster, nodes: node, projects: project } = row;
  return { name: `api-token:${name}`, orgId: row.org_id, access: accessLists({ cluster, node, project }) };
}
