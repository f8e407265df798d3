import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Condition on a row of a table of credentials: neither revoked nor expired. */
export const isValidSql = 'revoked_at is null and (expires_at is null or expires_at > now())';

/** Whether the time of the last use is to be written again: once a minute, not with every request. */
export const isStaleSql = `last_used_at is null or last_used_at < now() - interval '1 minute'`;

/** 256 random bits: guessing is hopeless whatever the speed of the hash, so SHA-256 is enough (no slow KDF). */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Public part of a credential: 16 hexadecimal digits. */
export function newCredentialName(): string {
  return randomBytes(8).toString('hex');
}

/** What is stored of a secret. */
export function hashOfSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/**
 * Whether a secret has this hash. The comparison takes as long for a wrong secret as for an unknown name, which has no
 * hash.
 */
export function isSecretOf(hash: Buffer | undefined, secret: string): boolean {
  return timingSafeEqual(hashOfSecret(secret), hash ?? hashOfSecret(newSecret())) && hash !== undefined;
}

/** How tokens of one kind are written: `PREFIX_NAME_SECRET`, so that one in a log or a repository is recognised. */
export interface TokenForm {
  /** whether a text looks like such a token */
  matches(text: string): boolean;
  write(name: string, secret: string): string;
  /** its parts, or undefined if the text is none */
  read(text: string): { name: string; secret: string } | undefined;
}

/** @param prefix letters that begin the tokens of one kind and no others */
export function tokenForm(prefix: string): TokenForm {
  const form = new RegExp(`^${prefix}_([0-9a-f]{16})_([\\w-]{43})$`);
  return {
    matches: (text) => text.startsWith(`${prefix}_`),
    write: (name, secret) => `${prefix}_${name}_${secret}`,
    read: (text) => {
      const [, name, secret] = form.exec(text) ?? [];
      return name === undefined || secret === undefined ? undefined : { name, secret };
    },
  };
}
