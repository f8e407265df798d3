import { z } from 'zod';

/** Name of the header in which a gateway names whom it has authenticated. */
export const identityHeader = 'x-rh-identity';

/** An id in an identity or a token, which some senders write as a number. */
export const idInJson = z.union([z.string(), z.number().int()]).transform(String);

/** What an identity header holds: base64 of JSON. Undefined if it is none. */
export function jsonOfIdentityHeader(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
