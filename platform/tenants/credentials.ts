import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';
import {
  hashOfSecret,
  isSecretOf,
  isStaleSql,
  isValidSql,
  newCredentialName,
  newSecret,
  tokenForm,
} from './secrets.ts';
import { tenantSchemaOf } from './sources.ts';

/** `client`: id and secret of an operator; `token`: a static token of a script. */
export type CredentialKind = 'client' | 'token';

/** A credential, without its secret. */
export interface Credential {
  id: string;
  kind: CredentialKind;
  /** public part: the client id, or the id within a static token */
  name: string;
  orgId: string;
  /** the only cluster that the holder acts for; null: all clusters of the organisation */
  clusterId: string | null;
  /** changes when the secret is replaced */
  secretVersion: number;
}

/** A credential as `source client list` shows it. */
export interface ListedCredential extends Credential {
  createdAt: Date;
  rotatedAt: Date | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

/** A credential that was just created or replaced. The secret is returned here and nowhere else. */
export interface IssuedCredential extends Credential {
  /** of a client its secret; of a static token the whole token */
  secret: string;
}

/** What a new credential is bound to. */
export interface NewCredential {
  orgId: string;
  /** need not be registered yet; undefined (tokens only): all clusters of the organisation */
  clusterId?: string | undefined;
  /** seconds; undefined: it does not expire */
  lifetimeSeconds?: number | undefined;
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const columns = `id, kind, name, org_id as "orgId", cluster_id as "clusterId", secret_version as "secretVersion"`;

const staticTokens = tokenForm('ocpt');

/**
 * Create credentials of an operator: client id and secret, for one cluster.
 * @throws PipelineError `ConfigInvalid` if organisation or cluster id cannot be ones
 */
export function createClient(
  pool: Pool,
  bound: NewCredential & { clusterId: string },
): Promise<IssuedCredential> {
  return insert(pool, 'client', bound);
}

/**
 * Create a static token of a script.
 * @throws PipelineError `ConfigInvalid` if organisation or cluster id cannot be ones
 */
export function createToken(pool: Pool, bound: NewCredential): Promise<IssuedCredential> {
  return insert(pool, 'token', bound);
}

async function insert(pool: Pool, kind: CredentialKind, bound: NewCredential): Promise<IssuedCredential> {
  const { orgId, clusterId, lifetimeSeconds } = bound;
  tenantSchemaOf(orgId);
  if (clusterId !== undefined && !/^[^\p{Control}]{1,50}$/u.test(clusterId))
    throw new PipelineError(
      'ConfigInvalid',
      `cluster "${clusterId}": expected 1 to 50 characters, none of them control characters`,
    );
  const secret = newSecret();
  const name = `${kind === 'client' ? 'ocp-' : ''}${newCredentialName()}`;
  const { rows } = await pool.query<Credential>(
    `insert into public.source_credential (kind, name, org_id, cluster_id, secret_hash, expires_at)
     values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
     returning ${columns}`,
    [kind, name, orgId, clusterId ?? null, hashOfSecret(secret), lifetimeSeconds ?? null],
  );
  return issued(rows[0], secret);
}

function issued(row: Credential | undefined, secret: string): IssuedCredential {
  if (row === undefined) throw new Error('source_credential returned no row');
  return { ...row, secret: row.kind === 'token' ? staticTokens.write(row.name, secret) : secret };
}

/**
 * Replace the secret of a client. The old one, and tokens issued for it, are refused from now on.
 * @throws PipelineError `ConfigInvalid` if there is no such client that is valid
 */
export async function rotateClient(pool: Pool, name: string): Promise<IssuedCredential> {
  const secret = newSecret();
  const { rows } = await pool.query<Credential>(
    `update public.source_credential
     set secret_hash = $2, secret_version = secret_version + 1, rotated_at = now()
     where kind = 'client' and name = $1 and ${isValidSql}
     returning ${columns}`,
    [name, hashOfSecret(secret)],
  );
  if (rows.length === 0) throw unknown('client', name);
  return issued(rows[0], secret);
}

/**
 * Refuse a credential from now on; revoking it twice is no error.
 * @param name of a token: its id, or the token itself
 * @throws PipelineError `ConfigInvalid` if there is no such credential
 */
export async function revokeCredential(pool: Pool, kind: CredentialKind, name: string): Promise<Credential> {
  const { rows } = await pool.query<Credential>(
    `update public.source_credential set revoked_at = coalesce(revoked_at, now())
     where kind = $1 and name = $2
     returning ${columns}`,
    [kind, kind === 'token' ? (staticTokens.read(name)?.name ?? name) : name],
  );
  if (rows[0] === undefined) throw unknown(kind, name);
  return rows[0];
}

function unknown(kind: CredentialKind, name: string): PipelineError {
  const shown = staticTokens.matches(name) ? 'this token' : `"${name}"`;
  return new PipelineError(
    'ConfigInvalid',
    `There is no valid ${kind} ${shown}; ocp-pipeline source ${kind} list shows them`,
  );
}

/** Credentials of one organisation or of all, the newest last. */
export async function listCredentials(
  pool: Pool,
  kind: CredentialKind,
  orgId?: string,
): Promise<ListedCredential[]> {
  const { rows } = await pool.query<ListedCredential>(
    `select ${columns}, created_at as "createdAt", rotated_at as "rotatedAt", expires_at as "expiresAt",
         revoked_at as "revokedAt", last_used_at as "lastUsedAt"
     from public.source_credential
     where kind = $1 and ($2::text is null or org_id = $2)
     order by created_at, id`,
    [kind, orgId ?? null],
  );
  return rows;
}

/** Whether a text looks like a static token of ours. */
export function isStaticToken(text: string): boolean {
  return staticTokens.matches(text);
}

/** The valid credential of a static token, or undefined. */
export async function verifyToken(pool: Pool, token: string): Promise<Credential | undefined> {
  const { name, secret } = staticTokens.read(token) ?? { name: '', secret: '' };
  return verifySecret(pool, 'token', name, secret);
}

/**
 * The valid credential with this name and secret, or undefined. The comparison takes as long for a wrong secret as for
 * an unknown name.
 */
export async function verifySecret(
  pool: Pool,
  kind: CredentialKind,
  name: string,
  secret: string,
): Promise<Credential | undefined> {
  const { rows } = await pool.query<Credential & { secretHash: Buffer; isStale: boolean }>(
    `select ${columns}, secret_hash as "secretHash",
         ${isStaleSql} as "isStale"
     from public.source_credential
     where kind = $1 and name = $2 and ${isValidSql}`,
    // PostgreSQL's text cannot contain NUL.
    [kind, name.replaceAll('\0', '')],
  );
  const row = rows[0];
  const isRight = isSecretOf(row?.secretHash, secret);
  if (row === undefined || !isRight) return undefined;
  const { id, orgId, clusterId, secretVersion } = row;
  if (row.isStale)
    await pool.query('update public.source_credential set last_used_at = now() where id = $1', [id]);
  return { id, kind, name: row.name, orgId, clusterId, secretVersion };
}

/** A valid credential by its key, or undefined. @param id may be any text */
export async function findCredential(pool: Pool, id: string): Promise<Credential | undefined> {
  if (!uuidForm.test(id)) return undefined;
  const { rows } = await pool.query<Credential>(
    `select ${columns} from public.source_credential where id = $1 and ${isValidSql}`,
    [id],
  );
  return rows[0];
}

/** A key that signs the tokens of the token endpoint. */
export interface SigningKey {
  id: string;
  secret: Uint8Array;
}

/** The key that signs now. A new one is created every 30 days; those that no valid token needs are removed. */
export async function currentSigningKey(pool: Pool): Promise<SigningKey> {
  const newest = `select id, secret from public.token_signing_key
     where created_at > now() - interval '30 days' order by created_at desc, id limit 1`;
  const { rows } = await pool.query<SigningKey>(newest);
  if (rows[0] !== undefined) return rows[0];
  await pool.query(`delete from public.token_signing_key where created_at < now() - interval '60 days'`);
  await pool.query('insert into public.token_signing_key (secret) values ($1)', [randomBytes(32)]);
  // Of two processes that create one at the same time, both use the newer.
  const created = await pool.query<SigningKey>(newest);
  if (created.rows[0] === undefined) throw new Error('token_signing_key returned no row');
  return created.rows[0];
}

/** A signing key by its id, or undefined. @param id may be any text */
export async function findSigningKey(pool: Pool, id: string): Promise<SigningKey | undefined> {
  if (!uuidForm.test(id)) return undefined;
  const { rows } = await pool.query<SigningKey>(
    'select id, secret from public.token_signing_key where id = $1',
    [id],
  );
  return rows[0];
}
